import io
import json

import numpy as np
import pytest
from astropy.io import fits
from django.core.management import CommandError, call_command

from benchmarks import pages, rawnight
from differencing.parameters import DifferenceParameters
from differencing.psf.model import stamp_fwhm
from differencing.subtraction.subtract import make_ready
from preprocessing.calibrated import CalibratedFrame, to_fits
from tests.preprocessing.synthetic import add_star, tan_wcs

SHAPE, NOISE, GAIN = (384, 400), 5.0, 2.0


def half(seed, fwhm):
    """One field of stars; noise and seeing of its own."""
    stars = np.random.default_rng(4)
    light = np.zeros(SHAPE)
    for x, y in stars.uniform(12, 372, (90, 2)):
        add_star(light, x, y, 10 ** stars.uniform(3, 4.8), fwhm)
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(light * GAIN) + rng.normal(0, NOISE * GAIN, SHAPE)
    return CalibratedFrame(
        pixels=(electrons / GAIN).astype(np.float32),
        noise=np.full(SHAPE, NOISE, np.float32),
        mask=np.zeros(SHAPE, np.uint16),
        wcs=tan_wcs(SHAPE),
        gain=GAIN,
        saturation=6e4,
    )


@pytest.fixture(scope="module")
def halves():
    return half(1, 3.2), half(2, 2.8)


def test_stars_are_found_as_far_as_the_noise_of_both_halves_allows(halves, monkeypatch):
    monkeypatch.setattr(rawnight, "PER_LEVEL", 3)
    monkeypatch.setattr(rawnight, "LEVELS", (3.0, 8.0, 50.0))
    found = rawnight.measure(*halves, seeds=(1,))
    low, middle, high = found["levels"]
    assert high["found"] == 1.0
    assert low["found"] < 1.0
    # Equal noise and nearly equal seeing: the difference is noisier by the root of two.
    assert middle["snr_in_difference"] == pytest.approx(8 / np.sqrt(2), rel=0.25)
    assert found["false_per_frame"] <= 3


def test_an_injected_star_has_its_flux_at_its_place(halves):
    science, reference = halves
    model = make_ready(science, reference, DifferenceParameters()).pair.models[0]
    star = rawnight.Injected(*(np.array([value]) for value in (50.0, 200.3, 150.6, 4e4)))
    rng = np.random.default_rng(3)
    added = rawnight.inject(rng, science, model, star).pixels - science.pixels
    y, x = np.indices(SHAPE)
    # 80,000 photons: the flux to 0.35 %, a centroid of FWHM 3.2 px to half a hundredth.
    assert added.sum() == pytest.approx(4e4, rel=0.015)
    assert (added * x).sum() / added.sum() == pytest.approx(200.3, abs=0.05)
    assert (added * y).sum() / added.sum() == pytest.approx(150.6, abs=0.05)


def test_moving_a_stamp_keeps_its_light_and_its_width():
    y, x = np.indices((41, 41)) - 20.0
    stamp = np.exp(-0.5 * (x**2 + y**2) / 2.0**2)
    moved = rawnight.moved(stamp, 0.3, -0.4)
    expected = np.exp(-0.5 * ((x - 0.3) ** 2 + (y + 0.4) ** 2) / 2.0**2)
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    assert stamp_fwhm(moved) == pytest.approx(stamp_fwhm(expected), rel=1e-3)


def test_places_are_good_and_apart():
    masks = np.zeros(SHAPE, np.uint16)
    masks[:, :200] = 1
    x, y = rawnight.choose_places(np.random.default_rng(1), masks, 10, 20.0)
    assert (np.rint(x) >= 200).all()
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(10)
    assert apart.min() >= 20


def test_the_table_of_a_night_is_written_between_its_markers(halves, tmp_path, monkeypatch):
    monkeypatch.setattr(rawnight, "PER_LEVEL", 1)
    for name, frame in zip(rawnight.HALVES, reversed(halves), strict=True):
        header = fits.Header({"NCOMBINE": 3})
        (tmp_path / f"stack_R_{name}_half.fits").write_bytes(to_fits(frame, header))
    page = tmp_path / "page.md"
    page.write_text("\n".join(["before", *pages.markers("rawnight"), "after"]))
    stream = io.StringIO()
    words = ["rawnight", str(tmp_path), "--filter", "R", "--seeds", "7", "--json"]
    call_command("benchmark", *words, "--table", str(page), stdout=stream)
    figures, text = json.loads(stream.getvalue()), page.read_text()
    assert figures["seeds"] == [7]
    assert figures["frames"] == [3, 3]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(rawnight.LEVELS)
    assert rows[-1].endswith("| ≥ 95% |")
    assert text.startswith("before")
    assert text.endswith("after")


def test_a_folder_without_halves_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match=r"holds no stack_V_first_half\.fits: name what"):
        call_command("benchmark", "rawnight", str(tmp_path))
