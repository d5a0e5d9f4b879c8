import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from detection import cutouts
from differencing.drawing import palette


def planes(shape=(50, 60)):
    index = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    return [index, -index, index / 2, np.full(shape, 7.0)]


def test_the_nearest_pixel_is_the_middle():
    stamps = cutouts.cut(*planes(), 20.4, 30.6, 9)
    assert stamps.shape == (4, 9, 9)
    assert stamps.dtype == np.float16
    # float16 holds whole numbers up to 2048 exactly
    assert stamps[0, 4, 4] == 31 * 60 + 20
    assert stamps[0, 0, 0] == 27 * 60 + 16


def test_outside_the_frame_there_is_nan_and_inside_there_is_not():
    stamps = cutouts.cut(*planes(), 1, 48, 9)
    missing = np.isnan(stamps[0])
    assert missing[:, :3].all()
    assert missing[6:, :].all()
    assert not missing[:6, 3:].any()


def test_values_beyond_float16_are_cut_down_not_made_infinite():
    images = planes()
    images[0][30, 20] = 1e7
    assert np.isfinite(cutouts.cut(*images, 20, 30, 5)).all()


@pytest.mark.parametrize(
    ("x", "y", "size", "words"),
    [(20, 20, 8, "odd"), (60, 20, 9, "outside"), (20, -1, 9, "outside")],
)
def test_impossible_squares_are_refused(x, y, size, words):
    with pytest.raises(ValueError, match=words):
        cutouts.cut(*planes(), x, y, size)


def test_npz_brings_back_the_same_pixels_and_equal_stamps_give_equal_bytes():
    stamps = cutouts.cut(*planes(), 1, 1, 63)
    content = cutouts.to_npz(stamps)
    assert np.array_equal(cutouts.from_npz(content), stamps, equal_nan=True)
    assert cutouts.to_npz(stamps.copy()) == content


def pickled() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, cutouts=np.array([{"a": 1}], dtype=object))
    return stream.getvalue()


def empty_archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w"):
        pass
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"junk", empty_archive(), pickled()])
def test_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match=r"."):
        cutouts.from_npz(content)


def star(amplitude, sigma=2.0, size=63):
    y, x = np.mgrid[:size, :size] - size // 2
    return amplitude * np.exp(-(x**2 + y**2) / (2 * sigma**2))


def picture(stamps):
    return np.asarray(Image.open(io.BytesIO(cutouts.render(stamps))).convert("RGB")).astype(int)


def panel(pixels, index):
    start = index * (cutouts.PANEL_PX + cutouts.GAP_PX)
    return pixels[:, start : start + cutouts.PANEL_PX]


@pytest.fixture
def brightening():
    noise = np.random.default_rng(1).normal(0, 1, (3, 63, 63))
    return noise + np.stack([star(60), star(20), star(40)])


def test_a_picture_has_three_panels_side_by_side(brightening):
    assert picture(brightening).shape == (
        cutouts.PANEL_PX,
        3 * cutouts.PANEL_PX + 2 * cutouts.GAP_PX,
        3,
    )


def test_what_brightened_is_brighter_in_science_and_orange_in_the_difference(brightening):
    pixels = picture(brightening)
    middle = cutouts.PANEL_PX // 2
    science, reference, difference = (panel(pixels, i)[middle, middle] for i in range(3))
    assert science.sum() > reference.sum()
    assert difference[0] > difference[2] + 50


def test_what_faded_is_blue(brightening):
    brightening[2] *= -1
    middle = cutouts.PANEL_PX // 2
    colour = panel(picture(brightening), 2)[middle, middle]
    assert colour[2] > colour[0] + 50


def test_where_nothing_changed_the_difference_is_nearly_white(brightening):
    pale = panel(picture(brightening), 2)[:30, :30].mean(axis=(0, 1))
    assert (pale > 200).all()
    assert np.ptp(pale) < 25


def test_the_cross_hair_leaves_the_middle_free_and_rows_go_up(brightening):
    brightening[0, 60, 31] = 1e4
    pixels = panel(picture(brightening), 0)
    cross = (pixels == cutouts.CROSS_ON_DARK).all(axis=2)
    middle = cutouts.PANEL_PX // 2
    assert cross.any()
    assert not cross[middle - 6 : middle + 6, middle - 6 : middle + 6].any()
    top = pixels[: cutouts.PANEL_PX // 8].sum(axis=2)
    assert np.unravel_index(top.argmax(), top.shape)[0] < 8


def test_stamps_without_any_data_can_be_drawn():
    pixels = picture(np.full((4, 63, 63), np.nan, np.float16))
    assert (panel(pixels, 1)[5, 5] == palette.NO_DATA).all()


def test_fewer_than_three_planes_are_refused():
    with pytest.raises(ValueError, match="three square planes"):
        cutouts.render(np.zeros((2, 9, 9)))
