"""What the stamp network sees of a candidate: one normalisation for training and serving.

The middle of the stamp comes at full resolution (the fovea), all of it three times coarser (the
periphery), and beside both a short list of measured facts (the context).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.normalise import SIGNIFICANCE_SOFTENING, SOFTENING, compress
from detection.stampnet.context import CONTEXT, context_of
from detection.stampnet.stamps import SIDE, Stamps

FloatArray = NDArray[np.floating]
Float32 = NDArray[np.float32]

# Goes up with every change of what :func:`look` gives; weights name the version they know.
VERSION = 2
FOVEA, COARSE = 25, 3
PERIPHERY = SIDE // COARSE
FOVEA_CHANNELS = ("science", "reference", "difference", "significance", "data")
PERIPHERY_CHANNELS = ("science", "reference", "difference", "data")
INPUTS = {
    "fovea": [FOVEA, FOVEA, len(FOVEA_CHANNELS)],
    "periphery": [PERIPHERY, PERIPHERY, len(PERIPHERY_CHANNELS)],
    "context": [len(CONTEXT)],
}
CHANNELS = [*FOVEA_CHANNELS, *PERIPHERY_CHANNELS, *CONTEXT]

BATCH = 256
LEAST_SHARE = 0.1  # of a stamp that must hold data
LEAST_MIDDLE = 5  # of the 5 x 5 px in the middle
MEDIAN, LOWER, UPPER = 0.5, 0.158655, 0.841345  # quantiles of a normal distribution at 0, -1, +1
FWHM_TO_SIGMA = 1 / 2.3548
# Seeing beyond this is a poor measurement of it: the matched filter goes no further, px.
NARROWEST, WIDEST = 1.5, 5.0
EVERY = 2  # pixel of the filtered difference goes into its noise: neighbours say the same


@dataclass(frozen=True)
class Views:
    """Inputs of the network; the first axis counts the candidates.

    Attributes
    ----------
    fovea : (n, 25, 25, 5) float32 array
    periphery : (n, 21, 21, 4) float32 array
    context : (n, len(CONTEXT)) float32 array
    """

    fovea: Float32
    periphery: Float32
    context: Float32

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.fovea)

    def chosen(self, index: NDArray) -> "Views":
        """Give the views at ``index``."""
        return Views(self.fovea[index], self.periphery[index], self.context[index])


def look(stamps: Stamps) -> Views:
    """Normalise stamps and measure their context.

    Each plane is taken above its own sky in units of its own noise, both from quantiles of the
    unmasked pixels; stars brighten a stamp, so its noise comes from the lower half. Then asinh.
    The significance is the difference after a Gaussian of the seeing's width, in units of its own
    scatter, since the pixels of a difference are correlated.

    Raises
    ------
    ValueError
        If a stamp holds no data, none in its middle, or no noise; with the number of the first.
    """
    parts = [_look(part) for part in batches(stamps)]
    if not parts:
        raise ValueError("no stamps")
    columns = zip(*((part.fovea, part.periphery, part.context) for part in parts), strict=True)
    return Views(*(np.concatenate(column) for column in columns))


def batches(stamps: Stamps) -> Iterator[Stamps]:
    """Give the stamps a batch at a time, so that memory stays bounded."""
    for start in range(0, len(stamps), BATCH):
        yield stamps.chosen(np.arange(start, min(start + BATCH, len(stamps))))


def _look(stamps: Stamps) -> Views:
    usable = usable_pixels(stamps.planes)
    scaled = in_sigma(stamps.planes, usable)
    significance = matched(scaled[:, 2], usable, stamps.fwhm)
    squeezed = compress(scaled, SOFTENING)
    data = usable.astype(np.float32)
    coarse = np.concatenate([squeezed, data[:, None]], axis=1)
    filtered = compress(significance, SIGNIFICANCE_SOFTENING)
    fine = np.concatenate([squeezed, filtered[:, None], data[:, None]], axis=1)
    return Views(
        fovea=last(middle(fine, FOVEA)),
        periphery=last(pooled(coarse)),
        context=context_of(scaled, significance, usable, stamps),
    )


def usable_pixels(planes: Float32) -> NDArray[np.bool_]:
    """Say which pixels hold data in all planes, refusing stamps with too few."""
    usable, share, core = data_of(planes)
    bad = np.flatnonzero((share < LEAST_SHARE) | (core < LEAST_MIDDLE))
    if bad.size:
        first = int(bad[0])
        raise ValueError(
            f"{bad.size} of {len(planes)} stamps hold too little data; number {first} has "
            f"{share[first]:.0%} of its pixels and {core[first]} of the 25 in its middle"
        )
    return usable


def data_of(
    planes: Float32,
) -> tuple[NDArray[np.bool_], NDArray[np.floating], NDArray[np.integer]]:
    """Give which pixels hold data in all planes, their share, and their number in the middle."""
    usable = np.asarray(np.isfinite(planes).all(axis=1))
    return usable, usable.mean(axis=(1, 2)), middle(usable, 5).sum(axis=(1, 2))


def is_visible(planes: Float32) -> NDArray[np.bool_]:
    """Say which stamps :func:`look` would look at: they hold data, and every plane has noise."""
    usable, share, core = data_of(planes)
    _, sigma = levels(planes, usable)
    return np.asarray((share >= LEAST_SHARE) & (core >= LEAST_MIDDLE) & (sigma > 0).all(axis=1))


def levels(planes: Float32, usable: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Give sky and noise of every plane, both (n, 3)."""
    # the sort puts NaN last, so what is usable comes first
    shown = np.where(usable[:, None], planes, np.nan).reshape(*planes.shape[:2], SIDE**2)
    ordered = np.sort(shown, axis=2)
    count = usable.sum(axis=(1, 2))
    level, lower, upper = (quantile(ordered, count, q) for q in (MEDIAN, LOWER, UPPER))
    sigma = level - lower
    sigma[:, 2] = (upper[:, 2] - lower[:, 2]) / 2
    return level, sigma


def in_sigma(planes: Float32, usable: NDArray[np.bool_]) -> Float32:
    """Give every plane above its sky in units of its noise; 0 where there are no data."""
    level, sigma = levels(planes, usable)
    flat = np.flatnonzero(~(sigma > 0).all(axis=1))
    if flat.size:
        raise ValueError(
            f"{flat.size} of {len(planes)} stamps have a plane without noise, the first is number "
            f"{flat[0]}: an exposure of the sky has noise"
        )
    scaled = np.subtract(planes, level[..., None, None], dtype=np.float32)
    scaled /= np.asarray(sigma[..., None, None], np.float32)
    scaled[np.broadcast_to(~usable[:, None], scaled.shape)] = 0
    return scaled


def quantile(ordered: Float32, count: NDArray[np.integer], q: float) -> FloatArray:
    """Give a quantile of the first ``count`` values of each row."""
    index = np.rint(q * (count - 1)).astype(int)
    return np.asarray(ordered[np.arange(len(ordered)), :, index], np.float64)


def matched(difference: Float32, usable: NDArray[np.bool_], fwhm: FloatArray) -> Float32:
    """Give the S/N of a Gaussian source on each pixel of differences in sigma."""
    blur = blurring(np.clip(fwhm, NARROWEST, WIDEST))
    filtered = blur @ difference @ blur.transpose(0, 2, 1)
    some = filtered[:, ::EVERY, ::EVERY].reshape(len(filtered), -1)
    known = usable[:, ::EVERY, ::EVERY].reshape(len(filtered), -1)
    ordered = np.sort(np.where(known, some, np.nan), axis=1)[:, None]
    low, high = (quantile(ordered, known.sum(axis=1), q)[:, 0] for q in (LOWER, UPPER))
    sigma = np.maximum((high - low) / 2, np.finfo(np.float32).tiny)
    return np.asarray(filtered / sigma[:, None, None], np.float32)


def blurring(fwhm: FloatArray) -> Float32:
    """Give one (63, 63) matrix per seeing that smooths along an axis."""
    apart = np.subtract.outer(np.arange(SIDE), np.arange(SIDE))
    sigma = (fwhm * FWHM_TO_SIGMA)[:, None, None]
    return np.asarray(np.exp(-0.5 * (apart / sigma) ** 2), np.float32)


def middle(planes: NDArray, side: int) -> NDArray:
    """Cut the middle out of the last two axes."""
    low = planes.shape[-1] // 2 - side // 2
    return planes[..., low : low + side, low : low + side]


def pooled(planes: Float32) -> Float32:
    """Take means over squares of 3 x 3 px."""
    n, channels = planes.shape[:2]
    squares = planes.reshape(n, channels, PERIPHERY, COARSE, PERIPHERY, COARSE)
    return np.asarray(squares.mean(axis=(3, 5)), np.float32)


def last(planes: Float32) -> Float32:
    """Move the channels to the last axis, where networks want them."""
    return np.ascontiguousarray(np.moveaxis(planes, 1, -1))
