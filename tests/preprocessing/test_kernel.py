import numpy as np
import pytest

from preprocessing.resampling.kernel import cardinal, pixel_noise
from preprocessing.resampling.resample import resample
from tests.preprocessing.synthetic import frame_of, tan_wcs
from tests.preprocessing.test_resample import by_wcs, shifted

SHAPE = (700, 700)
SIGMA = 10.0


def correlation(pixels, down, along):
    """Correlation of pixels with those ``down`` and ``along``."""
    inner = pixels[12:-12, 12:-12]
    height, width = inner.shape
    first, second = inner[: height - down, : width - along], inner[down:, along:]
    return (first * second).mean() / inner.var()


def resampled(registration):
    white = np.random.default_rng(1).normal(0, SIGMA, SHAPE)
    frame = frame_of(white, wcs=tan_wcs(SHAPE), noise=SIGMA)
    return resample(frame, registration, SHAPE)


@pytest.mark.parametrize(
    ("dx", "dy"), [(0.0, 0.0), (0.1, 0.4), (0.25, 0.25), (0.5, 0.0), (0.5, 0.5), (0.8, 0.3)]
)
def test_the_noise_of_shifted_pixels_is_as_predicted(dx, dy):
    registration = shifted(dx, dy, SHAPE)
    want, got = pixel_noise(registration.transform, SHAPE), resampled(registration)
    variance = got.pixels[12:-12, 12:-12].var() / np.median(got.noise) ** 2
    # 456 976 pixels: 0.2 % of the variance, 0.15 % of a correlation; allow 4
    assert variance == pytest.approx(want.variance, rel=0.01)
    assert correlation(got.pixels, 0, 1) == pytest.approx(want.along_rows, abs=0.006)
    assert correlation(got.pixels, 1, 0) == pytest.approx(want.along_columns, abs=0.006)


@pytest.mark.parametrize(("turn", "scale"), [(0.7, 0.4), (31.0, 0.4), (5.0, 0.3)])
def test_the_noise_of_turned_and_scaled_pixels_is_as_predicted(turn, scale):
    small = (400, 400)
    grid = tan_wcs(small, rotation_deg=turn, scale=scale)
    white = np.random.default_rng(2).normal(0, SIGMA, SHAPE)
    frame = frame_of(white, wcs=tan_wcs(SHAPE), noise=SIGMA)
    registration = by_wcs(grid, frame.wcs, small, SHAPE)
    want = pixel_noise(registration.transform, small)
    inner = resample(frame, registration, small).pixels[60:-60, 60:-60]
    area = (scale / 0.4) ** 2
    # 78 400 pixels of correlated noise: 0.6 %; the mean over 24 x 24 places 0.5 %
    assert inner.var() / (SIGMA**2 * area) == pytest.approx(want.variance, rel=0.03)
    correlated = (inner[:, 1:] * inner[:, :-1]).mean() / inner.var()
    assert correlated == pytest.approx(want.along_rows, abs=0.02)


def test_the_cardinal_spline_is_one_in_its_pixel_and_zero_in_all_others():
    steps = np.arange(-10.0, 11.0)
    assert cardinal(steps) == pytest.approx((steps == 0).astype(float), abs=1e-6)
    # its weights add up to 1 at any phase
    assert cardinal(steps + 0.37).sum() == pytest.approx(1.0, abs=1e-3)
