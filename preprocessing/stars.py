"""Find the stars of a frame and measure where they are and how wide."""

import numpy as np
import sep
from numpy.typing import NDArray

from preprocessing.calibrated import Pixels
from preprocessing.masks import Bools, Mask
from preprocessing.sky.windows import GREATEST_SIGMA_PX, LEAST_SIGMA_PX, Windows, match_windows

Stars = NDArray[np.void]
Floats = NDArray[np.float64]

STAR_DTYPE = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("flux", "f8"),
        ("peak", "f8"),
        ("snr", "f8"),
        ("fwhm", "f8"),
        ("ellipticity", "f8"),
        ("position_error", "f8"),
        ("is_star", "?"),
    ]
)
SIGMA_TO_FWHM = 2.3548
# Fainter than 5 pixels above the threshold is no shape to measure.
MIN_PIXELS = 5
# Sub-objects of one blended object, e.g. the core of a cluster; sep's own 1024 is met in practice.
SUB_OBJECTS = 8192
# The window may settle this far from where the object was found.
LARGEST_STEP_PX = 1.5
# Widths within this factor of the locus are stars; galaxies lie above, cosmic rays below.
LOCUS_FACTOR = 1.2
LOCUS_SNR = 30.0
ROUND = 0.4
# Widths within this factor make a peak; the stars' is the first with this share of the most.
PEAK_FACTOR, PEAK_SHARE, LEAST_IN_PEAK, PEAK_TURNS = 1.05, 0.4, 3, 3


def find_stars(
    pixels: Pixels,
    noise: Pixels,
    mask: Mask,
    *,
    threshold: float = 5.0,
    max_stars: int = 1000,
    gain: float = np.inf,
) -> Stars:
    """Find the brightest compact objects and measure them in Gaussian windows of their own.

    Parameters
    ----------
    pixels, noise : (ny, nx) float32 arrays
        ADU above the sky and its 1-sigma noise.
    mask : (ny, nx) uint16 array
        Objects with a masked pixel in their core (1 sigma) are left out.
    threshold : float
        Detection threshold, sigma per pixel.
    max_stars : int
        Keep the brightest this many.
    gain : float
        e-/ADU, for the photon noise in ``position_error``; inf leaves it out.

    Returns
    -------
    structured array, brightest first
        x, y (px, 0-based), flux (ADU, of the Gaussian that fits), peak (ADU), snr (against
        the sky), fwhm (px, of the core), ellipticity (1 - b/a), position_error (px per axis),
        is_star (on the stellar locus).

    References
    ----------
    Bernstein & Jarvis 2002, AJ 123, 583, section 3 (adaptive moments).
    """
    objects = extract(pixels, noise, mask, threshold)
    objects = objects[np.argsort(-objects["flux"])][:max_stars]
    if objects.size == 0:
        return np.zeros(0, STAR_DTYPE)
    clean = np.where(mask == 0, pixels, 0).astype(np.float32)
    windows, sigma = match_windows(clean, objects["x"], objects["y"], starting_sigma(objects))
    stars = as_table(windows, objects, noise, gain)
    stars["fwhm"] = SIGMA_TO_FWHM * sigma
    stars = stars[is_sound(stars, objects, windows, mask)]
    stars["is_star"] = on_locus(stars)
    return stars


def seeing(stars: Stars) -> float:
    """Give the median FWHM of the stellar locus, px.

    Raises
    ------
    ValueError
        If there is no star.
    """
    if not stars["is_star"].any():
        raise ValueError(f"none of {stars.size} objects is a star: no seeing to measure")
    return float(np.median(stars["fwhm"][stars["is_star"]]))


def extract(pixels: Pixels, noise: Pixels, mask: Mask, threshold: float) -> NDArray[np.void]:
    """Give sep's objects above the threshold, saturated and truncated ones included."""
    unusable = mask != 0
    # Bright frames hold more lit pixels than sep's default stack of 300 000.
    sep.set_extract_pixstack(max(300_000, pixels.size // 2))
    sep.set_sub_object_limit(SUB_OBJECTS)
    return np.asarray(
        sep.extract(
            np.where(np.isfinite(pixels), pixels, 0).astype(np.float32, copy=False),
            threshold,
            err=np.where(noise > 0, noise, np.inf).astype(np.float32, copy=False),
            mask=unusable,
            minarea=MIN_PIXELS,
            deblend_nthresh=16,
            deblend_cont=0.02,
            clean=False,
        )
    )


def starting_sigma(objects: NDArray[np.void]) -> float:
    """Give the typical isophotal width, where the windows start."""
    width = float(np.median(np.sqrt(objects["a"] * objects["b"])))
    return float(np.clip(width, 0.8, GREATEST_SIGMA_PX / 2))


def as_table(windows: Windows, objects: NDArray[np.void], noise: Pixels, gain: float) -> Stars:
    """Put the measures of all windows into one table."""
    stars = np.zeros(windows.x.size, STAR_DTYPE)
    stars["x"], stars["y"] = windows.x, windows.y
    stars["ellipticity"] = windows.ellipticity
    stars["flux"], stars["peak"] = windows.signal / windows.share, objects["peak"]
    rows, columns = (objects[key].astype(int) for key in ("y", "x"))
    stars["snr"] = windows.signal / (noise[rows, columns] * np.sqrt(windows.weight_power))
    signal = np.maximum(stars["snr"], 1e-3), np.maximum(stars["flux"], 1e-3)
    # Noise of sum x w p, over the share of an offset that the window shows. Against the sky it is
    # noise^2 sum x^2 w^2 = noise^2 width^2 / 2 sum w^2; of N photons, with a = (sigma / width)^2,
    # sum x^2 w^2 p = N sigma^2 / (1 + 2 a)^2.
    sky = 0.5 * (windows.width / (windows.share * signal[0])) ** 2
    ratio = (windows.sigma / windows.width) ** 2
    photons = (windows.sigma * (1 + ratio) ** 2 / (1 + 2 * ratio)) ** 2 / (signal[1] * gain)
    stars["position_error"] = np.sqrt(sky + photons)
    return stars


def is_sound(stars: Stars, objects: NDArray[np.void], windows: Windows, mask: Mask) -> Bools:
    """Say which windows settled on a whole, unmasked object."""
    moved = np.hypot(stars["x"] - objects["x"], stars["y"] - objects["y"])
    settled = (windows.signal > 0) & (moved < LARGEST_STEP_PX + 0.5 * windows.sigma)
    narrow = (windows.sigma > LEAST_SIGMA_PX) & (windows.sigma < GREATEST_SIGMA_PX)
    whole = (objects["flag"] & (sep.OBJ_TRUNC | sep.OBJ_SINGU)) == 0
    return np.asarray(settled & narrow & whole & has_clean_core(stars, windows, mask))


def has_clean_core(stars: Stars, windows: Windows, mask: Mask) -> Bools:
    """Say which objects have no masked pixel within 1.5 sigma of their centre."""
    reach = np.ceil(1.5 * windows.sigma).astype(int)
    half = int(reach.max())
    left, bottom = np.rint(stars["x"]).astype(int) - half, np.rint(stars["y"]).astype(int) - half
    spoiled = np.pad(mask != 0, 2 * half + 1, constant_values=True)
    side = 2 * half + 1
    windowed = np.lib.stride_tricks.sliding_window_view(spoiled, (side, side))
    rows = np.clip(bottom + side, 0, windowed.shape[0] - 1)
    columns = np.clip(left + side, 0, windowed.shape[1] - 1)
    steps = np.arange(-half, half + 1)
    core = (steps[:, None] ** 2 + steps**2)[None] <= (reach**2)[:, None, None]
    return np.asarray(~(windowed[rows, columns] & core).any(axis=(1, 2)))


def on_locus(stars: Stars) -> Bools:
    """Say which objects have the width that most bright objects share, and are round."""
    if stars.size == 0:
        return np.zeros(0, bool)
    bright = stars["snr"] > min(LOCUS_SNR, float(np.median(stars["snr"])))
    log_width = np.log(stars["fwhm"])
    off = np.abs(log_width - narrow_mode(log_width[bright | (stars.size == 1)]))
    return np.asarray((off < np.log(LOCUS_FACTOR)) & (stars["ellipticity"] < ROUND))


def narrow_mode(log_widths: Floats) -> float:
    """Give the log of the width that stars share: the narrowest peak of about the greatest density.

    In deep frames outside the Milky Way galaxies outnumber stars, and their widths crowd, too; but
    nothing that is resolved is narrower than the stars.
    """
    ordered = np.sort(log_widths)
    step = np.log(PEAK_FACTOR)
    within = np.searchsorted(ordered, ordered + step, "right")
    within -= np.searchsorted(ordered, ordered - step, "left")
    crowded = within >= max(min(LEAST_IN_PEAK, ordered.size), PEAK_SHARE * within.max())
    middle = float(ordered[np.argmax(crowded)])
    for _ in range(PEAK_TURNS):
        near = np.abs(ordered - middle) < 2 * step
        middle = float(np.median(ordered[near]))
    return middle
