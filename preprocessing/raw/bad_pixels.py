"""Which pixels of a detector are bad: hot in darks, dead or not linear in flats, bad columns."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from preprocessing.defects import bad_columns
from preprocessing.masks import Bools
from preprocessing.raw.averages import Pixels, sample, spread
from preprocessing.raw.masters import Master

HOT_SIGMA = 8.0
# Sensitivity relative to the neighbourhood, beyond which a pixel is no plain pixel any more.
LEAST_SENSITIVE, MOST_SENSITIVE = 0.6, 1.4
SENSITIVE_BOX_PX = 15
# A pixel whose response to twice the light is off by this share, and by so many sigma, is bad.
LARGEST_NONLINEARITY, NONLINEAR_SIGMA = 0.05, 6.0
# Flats must differ in level by this factor to tell.
LEAST_LEVEL_RATIO = 1.2


def hot_pixels(dark: Master) -> Bools:
    """Mark pixels above or below their neighbourhood in a dark (or bias) by 8 sigma of it.

    The neighbourhood is the median of 5x5 px: gradients of the offset are no hot pixels.
    """
    smooth = ndimage.median_filter(filled(dark.pixels), 5, mode="nearest")
    off = dark.pixels - smooth
    sigma = max(spread(sample(off)), 1e-6)
    return np.asarray(~np.isfinite(dark.pixels) | (np.abs(off) > HOT_SIGMA * sigma))


def dead_pixels(flat: Master) -> Bools:
    """Mark pixels that see much less, or more, light than their neighbours; and unknown ones."""
    ratio = flat.pixels / neighbourhood(flat.pixels)
    return np.asarray(~((ratio > LEAST_SENSITIVE) & (ratio < MOST_SENSITIVE)))


def nonlinear_pixels(flats: Sequence[Pixels], noise_adu: float, gain: float) -> Bools:
    """Mark pixels whose share of the light is not the same in the faintest and brightest flat.

    Parameters
    ----------
    flats : sequence of (ny, nx) float32 arrays
        ADU above bias, of one filter.
    noise_adu, gain : float
        For the noise of a single pixel: ADU and e-/ADU.

    Returns
    -------
    (ny, nx) bool array
        None marked when the flats' levels are too alike.
    """
    ordered = sorted(flats, key=lambda frame: float(np.nanmedian(sample(frame))))
    low, high = ordered[0], ordered[-1]
    levels = [float(np.nanmedian(sample(frame))) for frame in (low, high)]
    if levels[1] < LEAST_LEVEL_RATIO * levels[0]:
        return np.zeros(low.shape, bool)
    faint = np.where(low > 0, low / np.float32(levels[0]), np.float32(np.nan))
    ratio = np.asarray(high / np.float32(levels[1]) / faint, np.float32)
    # Twilight leaves gradients between flats, which are not the pixel's.
    ratio = ratio / neighbourhood(ratio)
    variance = sum(
        (np.maximum(frame, 0) / gain + noise_adu**2) / np.maximum(frame, 1) ** 2
        for frame in (low, high)
    )
    off = np.abs(ratio - 1)
    return np.asarray((off > LARGEST_NONLINEARITY) & (off > NONLINEAR_SIGMA * np.sqrt(variance)))


def bad_lines(master: Master) -> Bools:
    """Mark pieces of columns and rows that stand off both their neighbours."""
    found = np.zeros(master.shape, bool)
    found[bad_columns(master.pixels)] = True
    found[bad_columns(master.pixels.T)[::-1]] = True
    return found


def bad_pixel_mask(
    *, dark: Master | None = None, flats: Sequence[Master] = (), nonlinear: Bools | None = None
) -> tuple[Bools, dict[str, float]]:
    """Put together what the masters show; say how many pixels each reason took.

    Raises
    ------
    ValueError
        If there is no master to look at.
    """
    found: dict[str, Bools] = {}
    if dark is not None:
        found["hot"] = hot_pixels(dark)
        found["lines_in_dark"] = bad_lines(dark)
    for flat in flats:
        found["dead"] = found.get("dead", False) | dead_pixels(flat)
        found["lines_in_flat"] = found.get("lines_in_flat", False) | bad_lines(flat)
    if nonlinear is not None:
        found["nonlinear"] = nonlinear
    if not found:
        raise ValueError("no dark and no flat: bad pixels cannot be told")
    union = np.logical_or.reduce(list(found.values()))
    counts = {f"{name}_pixels": float(bad.sum()) for name, bad in found.items()}
    return union, counts | {"bad_pixels": float(union.sum()), "bad_share": float(union.mean())}


def neighbourhood(pixels: Pixels) -> Pixels:
    """Give the mean of the box round each pixel; nothing counts as more than half off the median.

    So one bad pixel moves it by less than half a percent.
    """
    middle = float(np.nanmedian(sample(pixels)))
    held = np.clip(filled(pixels), 0.5 * middle, 1.5 * middle)
    return np.asarray(ndimage.uniform_filter(held, SENSITIVE_BOX_PX, mode="nearest"))


def filled(pixels: Pixels) -> Pixels:
    """Put the median where nothing is known, so that filters do not spread it."""
    return np.where(np.isfinite(pixels), pixels, np.nanmedian(sample(pixels))).astype(np.float32)
