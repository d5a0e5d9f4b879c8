"""The variance of the score beyond photons and sky: errors of the match, and their scale."""

import numpy as np
from scipy import ndimage

from differencing.psf.saturated import core_places
from differencing.subtraction.maps import Maps
from differencing.subtraction.match_noise import MatchNoise
from differencing.subtraction.model_error import add_match_noise, look_at_bright
from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray, robust_sigma
from preprocessing.masks import LitWindow, lit_windows

ERROR_BOX = 5  # px over which the error of a saturated star's wings spreads their light
FILL_ERROR = 0.03  # of the light of a source with unusable pixels: what filling them is off by
FILL_REACH = 2  # px around them: a PSF holds next to nothing of a pixel further off
BOX = np.ones((3, 3), bool)
ENOUGH_BLANK = 2000  # px: the scatter is then known to about 5 %, as ten of them are one beam
LARGEST_SCALE = 1.3  # a noise map further off is not a matter of scale, and is scaled no further
SAMPLE_SIZE, LARGEST_STEP = 130_000, 4  # pixels that show the scatter, px between them
WING_REACH = 16  # px around a saturated or bright star in which its wings matter
WING_SIGMA = 1000.0  # of a star that is not saturated: then its wings matter, too
WING_ERROR = 0.05  # of the wings' light: where that is above the noise, their model is tested
FEWEST_WING_PIXELS = 20
RING_WIDTH = 2  # px, about a beam
MEDIAN_CHI2 = 0.4549  # median of a squared standard normal


def calibrate_variance(
    maps: Maps, noise: MatchNoise, bad: BoolArray, saturated: BoolArray
) -> dict[str, float]:
    """Add the errors of the match to the variance of ``maps``, in place, and scale it.

    Noise maps of resampled, stacked or mosaicked frames are off by some per cent; the scatter
    of the score in sky without sources tells by how much.

    Parameters
    ----------
    maps : Maps
    noise : MatchNoise
    bad : (ny, nx) bool array
        Pixels with any mask bit.
    saturated : (ny, nx) bool array

    Returns
    -------
    dict
        ``match_scale``, what the errors of the match were expected too small by, as bright
        sources show; ``noise_scale``, what the noise maps were too small by;
        ``blank_share``. Where hardly any sky is blank the noise maps are taken as they are, and
        ``noise_scale`` is 1.
    """
    shown = look_at_bright(maps, noise, bad)
    add_match_noise(maps, noise.scaled(shown.factor))
    _add_fill_error(maps, bad)
    for place in core_places(saturated):
        _add_wing_error(maps, bad, place)
    brightest = shown.significance > WING_SIGMA
    for place in zip(shown.x[brightest], shown.y[brightest], strict=True):
        _add_wing_error(maps, bad, place, may_vary=True)
    blank = np.greater(maps.is_blank, bad, out=maps.is_blank)
    count = np.count_nonzero(blank)
    scale = _scatter(maps) if count >= ENOUGH_BLANK else 1.0
    maps.variance[:] *= np.float32(scale**2)
    match_scale = float(np.sqrt(shown.factor))
    return {"match_scale": match_scale, "blank_share": count / blank.size, "noise_scale": scale}


def _add_fill_error(maps: Maps, bad: BoolArray) -> None:
    """Add, in place, what a source has lost or borrowed at unusable pixels.

    They were filled from the other frame, whose PSF is another. A reach of 1 to 5 px, and half or
    twice the error, change the scatter of the significance on sources by 0.01 (48 pairs).
    """
    where = np.flatnonzero(bad)
    light, variance = (image.reshape(-1)[where] for image in (maps.reference_flux, maps.variance))
    lit = np.zeros_like(bad)
    lit.reshape(-1)[where] = np.square(np.float32(FILL_ERROR) * light) > variance
    reach = [_around(window, bad.shape) for window in lit_windows(lit)]
    near = np.zeros_like(bad)
    for around in reach:
        near[around] |= ndimage.binary_dilation(lit[around], BOX, iterations=FILL_REACH)
    for around in reach:
        power = power_in(maps.reference_flux, *around)
        power *= np.float32(FILL_ERROR**2)
        maps.variance[around] += np.where(near[around], power, np.float32(0))
        near[around] = False  # windows may overlap


def _around(window: LitWindow, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Give a window with what its pixels reach around it."""
    rows, columns = (
        slice(max(side.start - FILL_REACH, 0), min(side.stop + FILL_REACH, size))
        for side, size in zip((window.rows, window.columns), shape, strict=True)
    )
    return rows, columns


def _add_wing_error(
    maps: Maps, bad: BoolArray, place: tuple[float, float], *, may_vary: bool = False
) -> None:
    """Add, in place, what the wings of a star show to be wrong with its model.

    If it ``may_vary``, what all of its light has in common is no error.
    """
    rows, columns = (
        slice(max(round(at) - WING_REACH, 0), min(round(at) + WING_REACH + 1, size))
        for at, size in zip(place[::-1], bad.shape, strict=True)
    )
    variance, power = maps.variance[rows, columns], power_in(maps.reference_flux, rows, columns)
    usable = ~bad[rows, columns]
    known = usable & (WING_ERROR**2 * power > variance)
    if known.sum() < FEWEST_WING_PIXELS:
        return
    left, light = maps.flux[rows, columns], maps.reference_flux[rows, columns]
    if may_vary:
        left = left - np.float32(np.median(left[known] / light[known])) * light
    square = left**2
    error = np.median(square[known] / power[known]) / MEDIAN_CHI2
    error -= np.median(variance[known] / power[known])
    variance += np.float32(max(float(error), 0.0)) * power
    distance = np.hypot(
        np.arange(rows.start, rows.stop)[:, None] - place[1],
        np.arange(columns.start, columns.stop) - place[0],
    )
    variance += _ring_excess(square, variance, usable, distance)


def _ring_excess(
    square: Float32Image, variance: Float32Image, usable: BoolArray, distance: FloatArray
) -> Float32Image:
    """Give what the rings around a star scatter by beyond their variance.

    Wings that are wrong by half of themselves at 10 px do not show in all of a star's light.
    """
    radii = np.arange(WING_REACH // RING_WIDTH + 1) * float(RING_WIDTH)
    ring = np.rint(distance / RING_WIDTH).astype(int)
    excess = np.zeros(len(radii))
    for index in range(1, len(radii)):
        inside = usable & (ring == index)
        if inside.sum() >= FEWEST_WING_PIXELS:
            seen = np.median(square[inside]) / MEDIAN_CHI2 - np.median(variance[inside])
            excess[index] = max(float(seen), 0.0)
    return np.interp(distance, radii, excess, right=0.0).astype(np.float32)


def _scatter(maps: Maps) -> float:
    """Give the scatter of the score in blank sky, in units of what the noise maps promise."""
    # neighbours tell the same; a beam is wider than this step
    step = int(np.clip((maps.flux.size / SAMPLE_SIZE) ** 0.5, 1, LARGEST_STEP))
    thin = np.s_[::step, ::step]
    blank = maps.is_blank[thin]
    score = maps.flux[thin][blank] / np.sqrt(maps.variance[thin][blank])
    return float(np.clip(robust_sigma(score), 1 / LARGEST_SCALE, LARGEST_SCALE))


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
