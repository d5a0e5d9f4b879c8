"""The variance of the score beyond photons and sky: what the PSF models got wrong."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from differencing.psf.saturated import core_places
from differencing.subtraction.maps import Maps
from differencing.subtraction.noise import BoolArray, Float32Image, robust_sigma
from preprocessing.masks import lit_windows

BRIGHT = 50.0  # sigma of a reference source that shows errors of the PSF model
ERROR_BOX = 5  # px over which the model error spreads a source's flux
VARIABLE = 10.0  # times the median: such a residual is a variable star, no model error
FEWEST_BRIGHT = 3  # stars; with fewer the model error is not measured but assumed
ENOUGH_BLANK = 2000  # px: the scatter is then known to about 5 %, as ten of them are one beam
LARGEST_SCALE = 1.3  # a noise map further off is not a matter of scale, and is scaled no further
SAMPLE_SIZE, LARGEST_STEP = 130_000, 4  # pixels that show the scatter, px between them
STRIP_ROWS = 64  # at a time, so that they stay in the processor's cache
WING_REACH = 16  # px around a saturated star in which its wings matter
WING_ERROR = 0.05  # of the wings' light: where that is above the noise, their model is tested
FEWEST_WING_PIXELS = 20
MEDIAN_CHI2 = 0.4549  # median of a squared standard normal
ASSUMED_ERROR = 0.02  # of the flux, typical of the PSF models of sparse fields


def calibrate_variance(maps: Maps, bad: BoolArray, saturated: BoolArray) -> dict[str, float]:
    """Add the error of the PSF models to the variance of ``maps``, in place, and scale it.

    Noise maps of resampled, stacked or mosaicked frames are off by some per cent; the scatter
    of the score in sky without sources tells by how much.

    Parameters
    ----------
    maps : Maps
    bad : (ny, nx) bool array
        Pixels with any mask bit.
    saturated : (ny, nx) bool array

    Returns
    -------
    dict
        ``model_error`` (relative flux); ``noise_scale``, what the noise maps were too small by;
        ``blank_share``. Where hardly any sky is blank the noise maps are taken as they are, and
        ``noise_scale`` is 1.
    """
    error = model_error(maps, bad)
    for window, power in spread_power(maps.reference_flux):
        power *= np.float32(error**2)
        maps.variance[window] += power
    for place in core_places(saturated):
        _add_wing_error(maps, bad, place)
    blank = np.greater(maps.is_blank, bad, out=maps.is_blank)
    count = np.count_nonzero(blank)
    scale = _scatter(maps) if count >= ENOUGH_BLANK else 1.0
    maps.variance[:] *= np.float32(scale**2)
    return {"model_error": error, "blank_share": count / blank.size, "noise_scale": scale}


def _add_wing_error(maps: Maps, bad: BoolArray, place: tuple[float, float]) -> None:
    """Add, in place, what the wings of a saturated star show to be wrong with its model."""
    rows, columns = (
        slice(max(round(at) - WING_REACH, 0), min(round(at) + WING_REACH + 1, size))
        for at, size in zip(place[::-1], bad.shape, strict=True)
    )
    variance, power = maps.variance[rows, columns], power_in(maps.reference_flux, rows, columns)
    known = ~bad[rows, columns] & (WING_ERROR**2 * power > variance)
    if known.sum() < FEWEST_WING_PIXELS:
        return
    share = maps.flux[rows, columns][known] ** 2 / power[known]
    noise = variance[known] / power[known]
    error = float(np.median(share) / MEDIAN_CHI2 - np.median(noise))
    variance += np.float32(max(error, 0.0)) * power


def _scatter(maps: Maps) -> float:
    """Give the scatter of the score in blank sky, in units of what the noise maps promise."""
    # neighbours tell the same; a beam is wider than this step
    step = int(np.clip((maps.flux.size / SAMPLE_SIZE) ** 0.5, 1, LARGEST_STEP))
    thin = np.s_[::step, ::step]
    blank = maps.is_blank[thin]
    score = maps.flux[thin][blank] / np.sqrt(maps.variance[thin][blank])
    return float(np.clip(robust_sigma(score), 1 / LARGEST_SCALE, LARGEST_SCALE))


def spread_power(flux: Float32Image) -> Iterator[tuple[slice, Float32Image]]:
    """Give, strip by strip, the mean square of the flux in the box round each pixel.

    Beyond the frame the flux is zero.
    """
    reach = ERROR_BOX // 2
    for top in range(0, flux.shape[0], STRIP_ROWS):
        window = slice(top, min(top + STRIP_ROWS, flux.shape[0]))
        around = slice(max(0, top - reach), window.stop + reach)
        part = flux[around]
        square = np.zeros((window.stop - top + 2 * reach, flux.shape[1] + 2 * reach), np.float32)
        above = around.start - top + reach
        np.square(part, out=square[above : above + len(part), reach:-reach])
        yield window, box_mean(square)


def box_mean(values: Float32Image) -> Float32Image:
    """Give the mean of each whole box of ``values``."""
    rows, columns = (side - ERROR_BOX + 1 for side in values.shape)
    down = values[:rows] + values[1 : rows + 1]
    for step in range(2, ERROR_BOX):
        down += values[step : step + rows]
    mean = down[:, :columns] + down[:, 1 : columns + 1]
    for step in range(2, ERROR_BOX):
        mean += down[:, step : step + columns]
    mean *= np.float32(1 / ERROR_BOX**2)
    return mean


def model_error(maps: Maps, bad: BoolArray) -> float:
    """Give the rms residual of bright sources in units of their flux, noise taken out."""
    bright = is_bright(maps) & ~bad
    excess, power = [], []
    for window in lit_windows(bright):
        part = np.s_[window.rows, window.columns]
        labels, count = ndimage.label(window.part)
        flux, variance = maps.flux[part], maps.variance[part]
        star = labels[window.part] - 1
        excess.append(
            np.bincount(star, (flux**2 - variance)[window.part].astype(float), minlength=count)
        )
        known = power_in(maps.reference_flux, *part)[window.part]
        power.append(np.bincount(star, known.astype(float), minlength=count))
    share = np.concatenate(excess) / np.concatenate(power) if excess else np.zeros(0)
    if len(share) < FEWEST_BRIGHT:
        return ASSUMED_ERROR
    usual = max(float(np.median(np.abs(share))), 1e-8)
    return float(np.sqrt(max(float(np.mean(share[share < VARIABLE * usual])), 0.0)))


def is_bright(maps: Maps) -> BoolArray:
    """Mark where the reference has a source that shows errors of the PSF model."""
    bright = np.empty(maps.flux.shape, bool)
    for top in range(0, len(bright), STRIP_ROWS):
        window = slice(top, top + STRIP_ROWS)
        least = np.sqrt(maps.variance[window])
        least *= np.float32(BRIGHT)
        np.greater(maps.reference_flux[window], least, out=bright[window])
    return bright


def power_in(flux: Float32Image, rows: slice, columns: slice) -> Float32Image:
    """Give the mean square of the flux in the box round each pixel of a window."""
    reach = ERROR_BOX // 2
    sides = list(zip((rows, columns), flux.shape, strict=True))
    near = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side, _ in sides)
    # beyond the frame there is no flux
    beyond = [
        (max(reach - side.start, 0), max(side.stop + reach - size, 0)) for side, size in sides
    ]
    square = flux[near] ** 2
    return box_mean(np.pad(square, beyond) if any(map(any, beyond)) else square)
