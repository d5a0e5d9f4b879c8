"""The variance of the score beyond photons and sky: what the PSF models got wrong."""

import numpy as np
from scipy import ndimage

from differencing.maps import Maps
from differencing.noise import BoolArray, Float32Image, FloatArray, robust_sigma

BRIGHT = 50.0  # sigma of a reference source that shows errors of the PSF model
ERROR_BOX = 5  # px over which the model error spreads a source's flux
VARIABLE = 10.0  # times the median: such a residual is a variable star, no model error
FEWEST_BRIGHT = 3  # stars; with fewer the model error is not measured but assumed
ENOUGH_BLANK = 2000  # px: the scatter is then known to about 5 %, as ten of them are one beam
LARGEST_SCALE = 1.3  # a noise map further off is not a matter of scale, and is scaled no further
ASSUMED_ERROR = 0.02  # of the flux, typical of the PSF models of sparse fields


def calibrate_variance(maps: Maps, bad: BoolArray) -> tuple[Float32Image, dict[str, float]]:
    """Add the error of the PSF models and take the level of the noise from blank sky.

    Noise maps of resampled, stacked or mosaicked frames are off by some per cent; the scatter
    of the score in sky without sources tells by how much.

    Parameters
    ----------
    maps : Maps
    bad : (ny, nx) bool array
        Pixels with any mask bit.

    Returns
    -------
    variance : (ny, nx) float32 array
        ADU^2.
    figures : dict
        ``model_error`` (relative flux); ``noise_scale``, what the noise maps were too small by;
        ``blank_share``. Where hardly any sky is blank the noise maps are taken as they are, and
        ``noise_scale`` is 1.
    """
    power = ndimage.uniform_filter(maps.reference_flux**2, ERROR_BOX, mode="constant")
    error = model_error(maps, power, bad)
    variance = maps.variance + np.float32(error**2) * power
    blank = maps.is_blank & ~bad
    scale = _scatter(maps.flux[blank] / np.sqrt(variance[blank]))
    variance *= np.float32(scale**2)
    return variance, {
        "model_error": error,
        "blank_share": float(blank.mean()),
        "noise_scale": scale,
    }


def _scatter(score: FloatArray) -> float:
    """Give the scatter of the score in blank sky, in units of what the noise maps promise."""
    if score.size < ENOUGH_BLANK:
        return 1.0
    return float(np.clip(robust_sigma(score), 1 / LARGEST_SCALE, LARGEST_SCALE))


def model_error(maps: Maps, power: Float32Image, bad: BoolArray) -> float:
    """Give the rms residual of bright sources in units of their flux, noise taken out."""
    bright = (maps.reference_flux > BRIGHT * np.sqrt(maps.variance)) & ~bad
    labels, count = ndimage.label(bright)
    if count < FEWEST_BRIGHT:
        return ASSUMED_ERROR
    star = labels[bright] - 1
    excess = np.bincount(star, weights=maps.flux[bright] ** 2 - maps.variance[bright])
    share = excess / np.bincount(star, weights=power[bright])
    usual = max(float(np.median(np.abs(share))), 1e-8)
    return float(np.sqrt(max(float(np.mean(share[share < VARIABLE * usual])), 0.0)))
