"""The clipped average of frames that show the same: what masters are made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.defects import MAD_TO_SIGMA

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
Counts = NDArray[np.uint16]
Cube = NDArray[np.float32]

# Pixels for a noise: 0.2 % of sigma.
SAMPLE = 200_000
# Working memory of one band of rows.
BAND_BYTES = 64 << 20
# Of the level: below, photon noise is that of the dark parts of a flat, never zero.
FAINTEST = 0.01
# From so many frames, the scatter of a pixel itself says more than that of the whole frame.
ENOUGH_FRAMES = 8
# Scatter of a pixel over that of the frame; eight values of a good pixel reach 2 once in 10^4.
NOISIER = 2.5
# A Gaussian keeps 0.9995 of its standard deviation when clipped here.
SPREAD_SIGMA, SPREAD_ROUNDS = 4.0, 3
SMALLEST_SPREAD = 1e-6
# The median of many Gaussian values has pi / 2 times the variance of their mean.
MEDIAN_FACTOR = float(np.sqrt(np.pi / 2))


@dataclass(frozen=True)
class Averaging:
    """How frames are averaged.

    Attributes
    ----------
    clip : float
        Values farther than this from the median of their pixel are left out, in sigma.
    use_median : bool
        Give the median of what is left, not the weighted mean.
    has_photons : bool
        The noise is that of light: its variance grows with the level.
    """

    clip: float = 5.0
    use_median: bool = False
    has_photons: bool = False


@dataclass(frozen=True, eq=False)
class Average:
    """A clipped average.

    Attributes
    ----------
    pixels, uncertainty : (ny, nx) float32 arrays
        In the unit of the scaled frames; NaN where no frame has data.
    counts : (ny, nx) uint16 array
        Frames that each pixel was made from.
    noises : tuple of float
        Noise of one pixel of each scaled frame.
    clipped : int
        Values that were left out.
    """

    pixels: Pixels
    uncertainty: Pixels
    counts: Counts
    noises: tuple[float, ...]
    clipped: int


def average(
    frames: Sequence[Pixels],
    how: Averaging,
    *,
    scales: Sequence[float] | None = None,
    weights: Sequence[float] | None = None,
) -> Average:
    """Average frames pixel by pixel, leaving out what only one of them shows.

    Values are judged against the median of their pixel by the noise of their frame, which follows
    from differences of frames and not from the few values of one pixel: so three frames are enough
    to leave a cosmic ray out, and no value of a good pixel is.

    Parameters
    ----------
    frames : sequence of (ny, nx) float32 arrays
        NaN marks missing values. Memory maps will do: they are read in bands of rows.
    how : Averaging
    scales : sequence of float, optional
        Factors that bring the frames to one level.
    weights : sequence of float, optional
        Of the frames in the mean; equal where not given. The median knows none.

    Raises
    ------
    ValueError
        If there is no frame, or shapes differ.

    References
    ----------
    Newberry 1991, PASP 103, 122 (noise of averaged calibration frames).
    """
    check_shapes(frames)
    factors = np.ones(len(frames)) if scales is None else np.asarray(scales, float)
    share = np.ones(len(frames)) if weights is None else np.asarray(weights, float)
    noises = frame_noises(frames, factors, has_photons=how.has_photons)
    level = max(float(np.nanmedian(sample(frames[0]))) * factors[0], 0.0) if how.has_photons else 0
    first = frames[0]
    pixels, uncertainty = np.empty(first.shape, np.float32), np.empty(first.shape, np.float32)
    counts, clipped = np.empty(first.shape, np.uint16), 0
    for rows in row_bands(first.shape, len(frames)):
        cube = scaled(frames, factors, rows)
        kept, variance = keep(cube, noises, level, how)
        clipped += int((np.isfinite(cube) & ~kept).sum())
        counts[rows] = kept.sum(axis=0)
        pixels[rows], uncertainty[rows] = summarised(cube, kept, variance, share, how)
    return Average(pixels, uncertainty, counts, tuple(map(float, noises)), clipped)


def check_shapes(frames: Sequence[Pixels]) -> None:
    """Refuse what cannot be averaged."""
    shapes = {frame.shape for frame in frames}
    if not shapes:
        raise ValueError("no frame to average")
    if len(shapes) > 1:
        raise ValueError(f"frames of {sorted(shapes)} px cannot be averaged: use one window")


def sample(pixels: Pixels) -> Floats:
    """Take evenly spread pixels, enough for a robust figure."""
    flat = np.asarray(pixels).reshape(-1)
    # An odd step walks through all columns.
    return flat[:: max(1, flat.size // SAMPLE) | 1].astype(np.float64)


def spread(values: Floats) -> float:
    """Give the standard deviation of the values without outliers.

    Whole counts make a median absolute deviation jump by whole counts, hence a clipped one.
    """
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise ValueError("two frames have no pixel in common")
    off = values - np.median(values)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(off)))
    for _ in range(SPREAD_ROUNDS):
        near = off[np.abs(off) <= SPREAD_SIGMA * max(sigma, SMALLEST_SPREAD)]
        sigma = float(near.std())
    return sigma


def frame_noises(frames: Sequence[Pixels], factors: Floats, *, has_photons: bool) -> Floats:
    """Give the noise of one pixel in each scaled frame; of a single frame, from itself.

    In differences of two frames all that they share cancels. Scaling by k multiplies read noise by
    k; photon noise of a frame that is brought to a common level goes as the root of k.
    """
    if len(frames) == 1:
        return np.array([spread(sample(frames[0]) * factors[0])])
    shape = np.sqrt(factors) if has_photons else factors
    values = [sample(frame) * factor for frame, factor in zip(frames, factors, strict=True)]
    unit = [
        spread(values[i] - values[i + 1]) / float(np.hypot(shape[i], shape[i + 1]))
        for i in range(len(frames) - 1)
    ]
    return np.asarray(np.median(unit) * shape)


def row_bands(shape: tuple[int, ...], count: int) -> Iterator[slice]:
    """Cut the rows so that the cubes of a band stay small."""
    rows = max(1, BAND_BYTES // (16 * count * shape[1]))
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))


def scaled(frames: Sequence[Pixels], factors: Floats, rows: slice) -> Cube:
    """Read rows of all frames, brought to one level."""
    return np.stack(
        [
            np.asarray(f[rows], np.float32) * np.float32(k)
            for f, k in zip(frames, factors, strict=True)
        ]
    )


def keep(
    cube: Cube, noises: Floats, level: float, how: Averaging
) -> tuple[NDArray[np.bool_], Cube]:
    """Say which values count, and give the variance of every value."""
    centre = median(cube)
    unit = np.ones(centre.shape, np.float32)
    if level > 0:
        unit = np.maximum(centre / np.float32(level), FAINTEST).astype(np.float32)
    variance = unit * (noises.astype(np.float32) ** 2)[:, None, None]
    if len(cube) >= ENOUGH_FRAMES:
        # Hot pixels are noisier than the others: their values are judged by their own scatter.
        own = (np.float32(MAD_TO_SIGMA) * median(np.abs(cube - centre))) ** 2
        variance = np.where(own > np.float32(NOISIER**2) * variance, own, variance)
    off = (cube - centre) ** 2
    return np.isfinite(cube) & ~(off > np.float32(how.clip**2) * variance), variance


def median(cube: Cube) -> Pixels:
    """Give the median of the finite values of each pixel; NaN where there is none."""
    if np.isfinite(cube).all():
        return np.asarray(np.median(cube, axis=0), np.float32)
    ordered = np.sort(cube, axis=0)  # NaN last
    count = np.isfinite(cube).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    pair = [np.take_along_axis(ordered, each[None], axis=0)[0] for each in (low, high)]
    return np.asarray(np.where(count > 0, (pair[0] + pair[1]) / 2, np.nan), np.float32)


def summarised(
    cube: Cube, kept: NDArray[np.bool_], variance: Cube, weights: Floats, how: Averaging
) -> tuple[Pixels, Pixels]:
    """Give average and uncertainty of the values that count; NaN where there are none."""
    even = np.ones_like(weights) if how.use_median else weights
    share = even.astype(np.float32)[:, None, None] * kept
    total = share.sum(axis=0)
    total[total == 0] = np.nan
    error = np.sqrt((share**2 * variance).sum(axis=0)) / total
    if how.use_median:
        pixels = median(np.where(kept, cube, np.nan).astype(np.float32))
        error *= np.where(kept.sum(axis=0) > 2, MEDIAN_FACTOR, 1)
    else:
        pixels = (share * np.where(kept, cube, 0)).sum(axis=0) / total
    return pixels.astype(np.float32), error.astype(np.float32)
