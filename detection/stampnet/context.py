"""Facts about a candidate beside its pixels; each that may be missing has a flag before it."""

import numpy as np
import sep
from numpy.typing import NDArray

from detection.normalise import SIGNIFICANCE_SOFTENING, SOFTENING, compress
from detection.stampnet.stamps import SIDE, Stamps
from differencing.extraction.objects import room_for

Float32 = NDArray[np.float32]

CONTEXT = (
    "seeing", "sign_known", "sign", "missing_near", "missing",
    "peak", "trough", "negative_share", "concentration", "width",
    "science_share", "reference_share",
    "stars_left", "science_left", "reference_left", "roughness",
    "source_known", "separation", "separation_radii", "size", "axis_ratio", "brightness",
    "history_known", "history",
)  # fmt: skip
# The last two tell objects apart, not real from bogus: only the class head may see them.
HISTORY = 2

USUAL_FWHM = 2.5
CORE, NEAR = 2, 6  # px around the middle
NEGATIVE_SIGMA = -3.0
LEAST_LIGHT = 10.0  # sigma: less light in the middle is as good as none
BRIGHTEST = 30.0  # sigma: beyond it a pixel counts no more
# Where other stars than the candidate's are.
BESIDE = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE // 2)) > 8
SOURCE_SIGMA, MIN_AREA = 3.0, 5
WINDOW_PX = 16  # each way around the candidate; sources further out are not its own
WINDOW_AREA = (2 * WINDOW_PX + 1) ** 2
WINDOW = slice(SIDE // 2 - WINDOW_PX, SIDE // 2 + WINDOW_PX + 1)
REACH = 6.0  # rms sizes of a source within which its half-light radius is measured
FARTHEST = 8.0  # seeing widths or half-light radii: beyond it a source has nothing to say
LARGEST_SHARE = 4.0
MOST_EPOCHS = 3.0  # log10


def context_of(
    scaled: Float32, significance: Float32, usable: NDArray[np.bool_], stamps: Stamps
) -> Float32:
    """Measure the context of stamps.

    Parameters
    ----------
    scaled : (n, 3, 63, 63) float32 array
        In sigma, 0 without data.
    significance : (n, 63, 63) float32 array
    usable : (n, 63, 63) bool array

    Returns
    -------
    (n, 24) float32 array
        Numbers of order one, named by :data:`CONTEXT`.
    """
    core, near = around(CORE), around(NEAR)
    difference = scaled[:, 2]
    missing = ~usable
    columns = [
        np.log(stamps.fwhm / USUAL_FWHM),
        stamps.sign != 0,
        stamps.sign,
        missing[near].mean(axis=(1, 2)),
        missing.mean(axis=(1, 2)),
        compress(significance[core].max(axis=(1, 2)), SIGNIFICANCE_SOFTENING),
        compress(significance[near].min(axis=(1, 2)), SIGNIFICANCE_SOFTENING),
        (difference[near] < NEGATIVE_SIGMA).mean(axis=(1, 2)) * 10,
        concentration(difference[near]),
        width(difference[near], stamps.fwhm),
        *shares(scaled[:, 0][core], scaled[:, 1][core], difference[core]),
        *residuals(scaled, usable),
        *neighbours(scaled[:, 1], stamps.fwhm),
        np.isfinite(stamps.history),
        np.minimum(np.log10(1 + np.nan_to_num(stamps.history)), MOST_EPOCHS) / 2,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def around(radius: int) -> tuple[slice, slice, slice]:
    """Select the middle of every stamp."""
    part = slice(SIDE // 2 - radius, SIDE // 2 + radius + 1)
    return slice(None), part, part


def concentration(difference: Float32) -> NDArray[np.floating]:
    """Give the share of the light within 3 px that lies in the brightest pixel near the middle."""
    light = difference[:, NEAR - 3 : NEAR + 4, NEAR - 3 : NEAR + 4].sum(axis=(1, 2))
    peak = difference[:, NEAR - 1 : NEAR + 2, NEAR - 1 : NEAR + 2].max(axis=(1, 2))
    return np.asarray(np.clip(peak / np.maximum(light, 1.0), 0, 1))


def shares(science: Float32, reference: Float32, difference: Float32) -> list[NDArray]:
    """Give what part of the light in the middle of each frame the difference has, in noises."""
    change = difference.sum(axis=(1, 2))
    return [
        np.clip(change / np.maximum(frame.sum(axis=(1, 2)), LEAST_LIGHT), -1, LARGEST_SHARE)
        for frame in (science, reference)
    ]


def residuals(scaled: Float32, usable: NDArray[np.bool_]) -> list[NDArray]:
    """Say whether the other stars of a stamp are left in its difference.

    Stars are where both frames are bright; hits of cosmic rays and what moves are not among them.

    Returns
    -------
    list of (n,) arrays
        How surely the difference follows the science frame (sigma, compressed), which share of
        the science frame and of the reference it has, and the logarithm of its scatter there.
    """
    science, reference, difference = (
        np.clip(scaled[:, k], -BRIGHTEST, BRIGHTEST) for k in range(3)
    )
    stars = usable & BESIDE & (science > SOURCE_SIGMA) & (reference > SOURCE_SIGMA)
    seen = [np.where(stars, frame, 0) for frame in (science, reference)]
    common = [(difference * frame).sum(axis=(1, 2)) for frame in seen]
    power = [(frame**2).sum(axis=(1, 2)) + LEAST_LIGHT for frame in seen]
    scatter = (difference**2 * stars).sum(axis=(1, 2)) / np.maximum(stars.sum(axis=(1, 2)), 1)
    return [
        compress(common[0] / np.sqrt(power[0]), SIGNIFICANCE_SOFTENING),
        *(
            np.clip(one / other, -1, LARGEST_SHARE)
            for one, other in zip(common, power, strict=True)
        ),
        np.log(np.maximum(scatter, 0.5)) / 2,
    ]


def width(difference: Float32, fwhm: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give the width of the positive light around the middle, in units of the seeing's."""
    y, x = np.mgrid[-NEAR : NEAR + 1, -NEAR : NEAR + 1]
    # a window of the seeing's size keeps the noise around out; it halves the variance of a star
    window = np.exp(-0.5 * (x**2 + y**2) / ((fwhm / 2.3548) ** 2)[:, None, None])
    light = np.maximum(difference, 0) * window
    second = (light * (x**2 + y**2)).sum(axis=(1, 2)) / np.maximum(light.sum(axis=(1, 2)), 1e-3)
    return np.asarray(np.clip(np.sqrt(second) * 2.3548 / fwhm, 0, LARGEST_SHARE))


def neighbours(reference: Float32, fwhm: NDArray[np.floating]) -> list[NDArray[np.floating]]:
    """Give what is known of the source of the reference that each candidate belongs to most."""
    with room_for(WINDOW_AREA):
        rows = [
            neighbour(plane, float(seeing)) for plane, seeing in zip(reference, fwhm, strict=True)
        ]
    return list(np.array(rows, float).T)


def neighbour(plane: Float32, fwhm: float) -> tuple[float, ...]:
    """Find the nearest source in units of its own size.

    Returns
    -------
    tuple
        1 if there is one, separation in seeing widths and in half-light radii, half-light radius
        in seeing widths, axis ratio, and brightness.
    """
    window = np.ascontiguousarray(plane[WINDOW, WINDOW])
    sources = sep.extract(
        window, SOURCE_SIGMA, minarea=MIN_AREA, filter_kernel=None,
        deblend_nthresh=8, deblend_cont=0.02,
    )  # fmt: skip
    if len(sources) == 0:
        return 0.0, FARTHEST, FARTHEST, 0.0, 0.0, 0.0
    apart = np.hypot(sources["x"] - WINDOW_PX, sources["y"] - WINDOW_PX)
    size = np.sqrt(sources["a"] * sources["b"])
    index = int(np.argmin(apart / size))
    one = sources[index : index + 1]
    radius, _ = sep.flux_radius(window, one["x"], one["y"], REACH * size[index : index + 1], 0.5)
    half = max(float(radius[0]), 0.5)
    return (
        1.0,
        min(float(apart[index]) / fwhm, FARTHEST),
        min(float(apart[index]) / half, FARTHEST),
        min(half / fwhm, LARGEST_SHARE),
        float(one["b"][0] / one["a"][0]),
        float(compress(one["peak"], SOFTENING)[0]),
    )
