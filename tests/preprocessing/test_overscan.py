import numpy as np
import pytest

from observations.fits import ReadOptions
from observations.fits_header import FrameDefaults
from observations.raw import read_raw
from preprocessing.raw.overscan import assemble
from tests.preprocessing.raw_frames import raw, section
from tests.shared_data import shared

NOISE = 4.0


def with_overscan(rng, light, offsets, *, width=12, left=True):
    """Rows of light with an offset of their own, and a strip that shows the offset alone."""
    strip = np.zeros((light.shape[0], width))
    image = np.hstack([strip, light] if left else [light, strip]) + offsets[:, None]
    return image + rng.normal(0, NOISE, image.shape)


def test_every_row_loses_its_own_offset():
    rng = np.random.default_rng(1)
    light = rng.uniform(100, 200, (400, 60))
    offsets = 1000 + np.linspace(0, 80, 400)
    image = with_overscan(rng, light, offsets, width=20)
    made = assemble(raw(image, BIASSEC=section(0, 20, 0, 400), TRIMSEC=section(20, 80, 0, 400)))
    rows = (made.pixels - light).mean(axis=1)
    # Each row keeps the error of its level and of its own mean.
    expected = NOISE * np.sqrt(1 / 20 + 1 / 60)
    assert rows.std() == pytest.approx(expected, rel=0.15)  # 4 errors of a std of 400 values
    assert made.offset_error == pytest.approx(NOISE / np.sqrt(20), rel=0.05)
    assert made.offsets == pytest.approx([1040], abs=1)


def test_one_level_leaves_the_slope_and_has_a_small_error():
    rng = np.random.default_rng(2)
    light = np.full((100, 50), 10.0)
    image = with_overscan(rng, light, np.full(100, 500.0))
    cards = {"BIASSEC": section(0, 12, 0, 100), "TRIMSEC": section(12, 62, 0, 100)}
    made = assemble(raw(image, **cards), per_line=False)
    assert made.offset_error == pytest.approx(NOISE / np.sqrt(1200), rel=0.1)
    assert made.pixels.mean() == pytest.approx(10, abs=4 * NOISE * (1 / 1200 + 1 / 5000) ** 0.5)


def test_a_cosmic_ray_in_the_overscan_leaves_no_row_darker():
    rng = np.random.default_rng(3)
    light = np.full((200, 40), 50.0)
    image = with_overscan(rng, light, np.full(200, 700.0))
    image[77, 2:6] += 20_000
    made = assemble(raw(image, BIASSEC=section(0, 12, 0, 200), TRIMSEC=section(12, 52, 0, 200)))
    # Eight pixels are left for that row: four of its errors.
    assert made.pixels[77].mean() == pytest.approx(50, abs=4 * NOISE * (1 / 8 + 1 / 40) ** 0.5)


def test_an_overscan_above_the_data_counts_for_columns():
    rng = np.random.default_rng(4)
    offsets = np.linspace(300, 400, 90)
    image = np.vstack([np.full((60, 90), 20.0), np.zeros((30, 90))]) + offsets
    image += rng.normal(0, NOISE, image.shape)
    made = assemble(raw(image, BIASSEC=section(0, 90, 60, 90), TRIMSEC=section(0, 90, 0, 60)))
    assert made.pixels.shape == (60, 90)
    columns = made.pixels.mean(axis=0)
    assert np.abs(columns - 20).max() < 5 * NOISE * (1 / 30 + 1 / 60) ** 0.5


def test_four_amplifiers_are_laid_out_mirrored_and_brought_to_one_gain():
    """Quadrants read towards their corners, each with an offset and a gain of its own."""
    rng = np.random.default_rng(5)
    sky = rng.uniform(500, 600, (80, 100))  # ADU at the mean gain
    gains, units = (1.0, 1.5, 2.0, 3.5), []
    places = [(0, 50, 0, 40), (100, 50, 0, 40), (0, 50, 80, 40), (100, 50, 80, 40)]
    for gain, offset, (x1, x2, y1, y2) in zip(gains, (100, 200, 300, 400), places, strict=True):
        quadrant = sky[min(y1, y2) : max(y1, y2), min(x1, x2) : max(x1, x2)]
        quadrant = quadrant[:: 1 if y1 < y2 else -1, :: 1 if x1 < x2 else -1]
        image = np.hstack([quadrant * 2.0 / gain, np.zeros((40, 16))]) + offset
        cards = {
            "DATASEC": section(0, 50, 0, 40), "BIASSEC": section(50, 66, 0, 40),
            "DETSEC": section(1000 + x1, 1000 + x2, y1, y2), "GAIN": gain,
        }  # fmt: skip
        units.append((image, cards))
    made = assemble(raw(units))
    np.testing.assert_allclose(made.pixels, sky, rtol=1e-5)  # float32
    assert made.gain == 2.0
    assert made.offsets == (100, 200, 300, 400)


def test_binned_amplifiers_lie_at_binned_places_and_a_gap_is_missing():
    part = np.arange(20.0).reshape(4, 5)
    units = [
        (part, {"DETSEC": section(0, 10, 0, 8)}),
        (part + 100, {"DETSEC": section(14, 24, 0, 8)}),
    ]
    made = assemble(raw(units, CCDSUM="2 2")).pixels
    assert made.shape == (4, 12)
    assert np.isnan(made[:, 5:7]).all()
    np.testing.assert_array_equal(made[:, 7:], part + 100)


def test_amplifiers_that_overlap_or_have_no_place_are_refused():
    part = np.arange(20.0).reshape(4, 5)
    place = {"DETSEC": section(0, 5, 0, 4)}
    with pytest.raises(ValueError, match="overlaps that of another amplifier"):
        assemble(raw([(part, place), (part + 1, place)]))
    with pytest.raises(ValueError, match="neither DETSEC nor CCDSEC"):
        assemble(raw([(part, {}), (part + 1, {})]))
    with pytest.raises(ValueError, match=r"do not fill the \(4, 4\) px"):
        assemble(raw([(part, place), (part + 1, {"DETSEC": section(5, 9, 0, 4)})]))


def test_an_overscan_that_does_not_run_along_the_data_is_refused():
    image = np.arange(800.0).reshape(20, 40)
    with pytest.raises(ValueError, match="neither beside all rows nor along all columns"):
        assemble(raw(image, BIASSEC=section(0, 10, 0, 10), TRIMSEC=section(10, 40, 0, 20)))
    with pytest.raises(ValueError, match="is 2 px wide, 3 are needed"):
        assemble(raw(image, BIASSEC=section(0, 2, 0, 20), TRIMSEC=section(10, 40, 0, 20)))


def test_a_real_overscan_is_known_to_the_noise_of_its_pixels():
    frame = read_raw(shared("images/raw_misc/a8280271.fits"))
    strip = frame.amplifiers[0].pixels[:, 3:13]
    within_rows = np.sqrt(strip.var(axis=1, ddof=1).mean())
    made = assemble(frame)
    assert made.pixels.shape == (520, 512)
    # Clipping and a slow drift along the rows part the two estimates by a few percent.
    assert made.offset_error == pytest.approx(within_rows / np.sqrt(10), rel=0.06)


def test_a_real_file_without_geometry_is_read_one_image_at_a_time():
    path = shared("images/raw_misc/science-mef.fits")
    with pytest.raises(ValueError, match="choose one image by hdu"):
        assemble(read_raw(path))
    one = read_raw(path, options=ReadOptions(FrameDefaults(), hdu=2))
    assert assemble(one).pixels.shape == (10, 10)
