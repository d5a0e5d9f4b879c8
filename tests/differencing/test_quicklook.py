"""The picture of a difference."""

import io

import numpy as np
import pytest
from astropy.wcs import WCS
from PIL import Image

from differencing.drawing import overlay, quicklook
from differencing.drawing.lettering import BAR
from differencing.drawing.palette import NO_DATA, diverging, grey
from differencing.drawing.scales import change_scale, light_scale, score_scale
from tests.differencing import sky

PALE = (247, 246, 243)


def drawn(scene, **changes):
    frames = (changes.get("science", scene.science), scene.reference)
    made = changes.get("difference", scene.difference)
    return quicklook.pictures(made, *frames, scene.candidates, title="a minus b")


@pytest.fixture(scope="module")
def pictures(scene):
    return {name: Image.open(io.BytesIO(png)) for name, png in drawn(scene).items()}


def test_panels_show_every_pixel_of_a_small_frame(scene, pictures):
    height, width = scene.science.shape
    for name in ("science", "reference", "difference", "significance"):
        assert pictures[name].size == (width, height + BAR)
    assert pictures["quicklook"].width > 2 * width


def test_new_sources_are_orange_and_vanished_ones_blue(scene, pictures):
    panel = np.asarray(pictures["significance"]).astype(int)
    height = scene.science.shape[0]
    for sources, sign in ((scene.new, 1), (scene.gone, -1)):
        x, y = np.rint(scene.seen(sources)[0]).astype(int).T
        red, _, blue = panel[height - 1 - y, x].T
        # the number of a neighbour may lie across one
        assert (sign * (red - blue) > 30).sum() >= len(sources) - 1


def test_rings_surround_every_candidate(scene, pictures):
    panel = np.asarray(pictures["science"]).astype(int)
    height = scene.science.shape[0]
    y, x = np.mgrid[: panel.shape[0], : panel.shape[1]]
    # light is grey: whatever has colour was drawn over it
    coloured = np.ptp(panel, axis=2) > 60
    for candidate in scene.candidates:
        distance = np.hypot(x - candidate["x"], y - (height - 1 - candidate["y"]))
        assert coloured[(distance > 5) & (distance < 12)].sum() > 20


def test_north_is_up_and_east_is_left(scene, pictures):
    # two arrows and a bar, white over a dark sky; the corner that they point from is a right angle
    panel = np.asarray(pictures["science"]).min(axis=2)
    corner = panel[:80, -80:] > 200
    rows, columns = np.nonzero(corner)
    tip_of_north = columns[rows == rows.min()].mean()
    assert tip_of_north > columns.min() + 15  # the letter N stands to the right of the letter E


def test_missing_pixels_have_a_tone_of_their_own():
    shade = np.array([[np.nan, 0.0]])
    assert tuple(grey(shade)[0, 0]) == NO_DATA
    assert tuple(diverging(shade)[0, 0]) == NO_DATA
    assert tuple(diverging(shade)[0, 1]) == PALE


@pytest.mark.parametrize("scale", [change_scale(), score_scale()], ids=["change", "score"])
def test_scales_of_change_are_even_about_nothing(scale):
    values = np.array([scale.low, scale.high, 0.0])
    assert scale.shade(values) == pytest.approx([-1, 1, 0])
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)


def test_noise_is_not_stretched_to_white():
    assert light_scale(3.0).high == 20.0
    assert light_scale(400.0).ticks[-1] == 100.0


def test_large_frames_are_averaged_but_a_peak_of_significance_is_kept():
    score = np.zeros((2000, 1300))
    score[1234, 777] = -9.0
    shown, per_pixel = quicklook.fitted(score, strongest=True)
    assert per_pixel == 1 / 3
    assert shown.shape == (666, 433)
    assert shown[1234 // 3, 777 // 3] == -9.0
    light, _ = quicklook.fitted(score, strongest=False)
    assert light[1234 // 3, 777 // 3] == pytest.approx(-9 / 9)


def test_bar_has_a_round_length_that_the_wcs_gives():
    # 0.5 arcsec pixels: the longest round length within 130 px is 1 arcmin
    assert overlay.round_length(130.0, sky.sky_wcs((100, 100))) == (
        pytest.approx(120.0),
        "1 arcmin",
    )
    assert overlay.round_length(130.0, WCS(naxis=2)) == (100.0, "100 px")


def test_rings_of_flagged_candidates_are_dashed():
    wcs = WCS(naxis=2)
    drawn_pixels = []
    for is_flagged in (False, True):
        image = Image.new("RGB", (200, 200))
        one = overlay.Overlay(
            np.array([150.0]), np.array([100.0]), np.array([False]), np.array([is_flagged]), wcs, 30
        )
        overlay.draw_overlay(image, one, 1.0, (200, 200), is_light=False)
        panel = np.asarray(image).astype(int)
        y, x = np.mgrid[:200, :200]
        around = np.hypot(x - 150, y - 99) < 35
        drawn_pixels.append((around & (panel[..., 0] - panel[..., 2] > 60)).sum())
    # half of the ring is left out; the number beside both is the same
    assert 0.3 < drawn_pixels[1] / drawn_pixels[0] < 0.75


@pytest.mark.parametrize(("side", "shown"), [(611, 611), (1024, 512), (2048, 682), (4096, 682)])
def test_no_picture_is_wider_than_a_panel(side, shown):
    values, _ = quicklook.fitted(np.zeros((side, side)), strongest=False)
    assert values.shape == (shown, shown)
