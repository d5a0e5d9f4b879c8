"""The weighted, clipped mean of aligned frames, band of rows by band of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.masks import Mask, MaskBit, has_bits, mark
from preprocessing.parameters import StackParameters
from preprocessing.stacking.clip import Cube, Cubes, Tolerance, find_outliers, shape_tolerance
from preprocessing.stacking.scaling import point_source_weights

Floats = NDArray[np.float64]
Counts = NDArray[np.uint16]

# What the cubes of one band may take, and what they take per pixel and frame.
BAND_BYTES, PIXEL_BYTES = 128 << 20, 40
# Seeing moves light over about this many FWHM.
REACH_FWHM = 0.7
# Where the other frames show this share of the level, it was a star that reached saturation.
SATURATED_SHARE = 0.2
# A pixel is beside a saturated one when it is so in this share of the frames.
GROWN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Recipe:
    """How frames are combined; arrays have one entry per frame.

    ``factors`` bring pixels to one flux scale, ``weights`` have sum 1, ``allowed`` says what is
    clipped.
    """

    factors: Floats
    weights: Floats
    fwhm: Floats
    gains: Floats
    allowed: Tolerance

    @classmethod
    def of(
        cls,
        frames: Sequence[CalibratedFrame],
        factors: Floats,
        fwhm: Floats,
        parameters: StackParameters,
    ) -> Self:
        """Choose weights and tolerances for frames of known flux scale and seeing (px)."""
        noise = np.array([typical_noise(frame) for frame in frames])
        gains = np.array([frame.gain for frame in frames])
        return cls(
            factors=factors,
            weights=point_source_weights(fwhm, factors * noise),
            fwhm=fwhm,
            gains=gains,
            allowed=Tolerance(
                share=shape_tolerance(fwhm, parameters.shape_floor),
                photons=(factors / gains).astype(np.float32),
                limit=parameters.clip,
                limit_beside=parameters.clip_beside,
                reach=max(1, round(REACH_FWHM * float(fwhm.max()))),
            ),
        )

    @property
    def halo(self) -> int:
        """Rows beside a band that its clipping looks at."""
        return self.allowed.reach + 1


@dataclass(frozen=True, eq=False)
class Band:
    """Rows of all frames in one flux scale: (n, rows, nx) cubes."""

    values: Cube
    sky_variance: Cube
    mask: NDArray[np.uint16]
    used: Cubes

    def inner(self, rows: slice) -> "Band":
        """Give the band without the rows that only clipping needed."""
        return Band(
            self.values[:, rows],
            self.sky_variance[:, rows],
            self.mask[:, rows],
            self.used[:, rows],
        )


def combine(
    frames: Sequence[CalibratedFrame], recipe: Recipe
) -> tuple[CalibratedFrame, Counts, Floats]:
    """Give the combined frame, the frames used per pixel, and the share clipped of each frame."""
    first = frames[0]
    pixels, noise = np.empty(first.shape, np.float32), np.empty(first.shape, np.float32)
    mask, coverage = np.empty(first.shape, np.uint16), np.empty(first.shape, np.uint16)
    clipped, usable = np.zeros((2, len(frames)))
    saturation = np.array([frame.saturation for frame in frames]) * recipe.factors
    for rows in bands(first.shape, len(frames)):
        whole = read(frames, recipe, rows)
        good = whole.used.copy()
        whole.used[find_outliers(whole.values, whole.sky_variance, whole.used, recipe.allowed)] = (
            False
        )
        top = rows.start - max(0, rows.start - recipe.halo)
        inside = slice(top, top + rows.stop - rows.start)
        band = whole.inner(inside)
        usable += good[:, inside].sum(axis=(1, 2))
        clipped += (good[:, inside] & ~band.used).sum(axis=(1, 2))
        pixels[rows], noise[rows] = weighted(band, recipe.weights)
        mask[rows] = bits_of(band, pixels[rows], saturation)
        coverage[rows] = band.used.sum(axis=0)
    pixels[has_bits(mask, MaskBit.NO_DATA)] = np.nan
    weights, factors = recipe.weights, recipe.factors
    combined = CalibratedFrame(
        pixels=pixels,
        noise=noise,
        mask=mask,
        wcs=first.wcs,
        gain=effective_gain(weights, factors, recipe.gains),
        saturation=float(saturation.min()),
        sky_level=float((weights * factors * [frame.sky_level for frame in frames]).sum()),
        sky_range=float((weights * factors * [frame.sky_range for frame in frames]).sum()),
    )
    return combined, coverage, clipped / np.maximum(usable, 1)


def typical_noise(frame: CalibratedFrame) -> float:
    """Give the median noise of good pixels, ADU."""
    return float(np.median(frame.noise[frame.mask == 0]))


def bands(shape: tuple[int, int], count: int) -> Iterator[slice]:
    """Cut the rows so that the cubes of a band stay small."""
    rows = max(16, BAND_BYTES // (PIXEL_BYTES * count * shape[1]))
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))


def read(frames: Sequence[CalibratedFrame], recipe: Recipe, rows: slice) -> Band:
    """Read rows and those beside, scaled; a pixel is usable when its mask is 0."""
    wide = slice(max(0, rows.start - recipe.halo), rows.stop + recipe.halo)
    factors = recipe.factors.astype(np.float32)
    shape = (len(frames), *frames[0].pixels[wide].shape)
    values, variance = np.empty(shape, np.float32), np.empty(shape, np.float32)
    mask = np.empty(shape, np.uint16)
    for index, (frame, factor) in enumerate(zip(frames, factors, strict=True)):
        values[index] = frame.pixels[wide] * factor
        variance[index] = (frame.noise[wide] * factor) ** 2
        mask[index] = frame.mask[wide]
    finite = np.isfinite(values)
    mask[~finite] |= np.uint16(MaskBit.NO_DATA)
    values[~finite] = 0
    return Band(values, variance, mask, mask == 0)


def weighted(band: Band, weights: Floats) -> tuple[Pixels, Pixels]:
    """Give the mean of what is used, and its noise; of all that has data where nothing is.

    The noise of a pixel without any data is that of the first frame.
    """
    alone = ~band.used.any(axis=0)
    counted = np.where(alone, ~has_bits(band.mask, MaskBit.NO_DATA), band.used)
    weight = weights.astype(np.float32)[:, None, None] * counted
    total = weight.sum(axis=0)
    empty = total == 0
    total[empty] = 1
    variance = (weight**2 * band.sky_variance).sum(axis=0) / total**2
    variance[empty] = band.sky_variance[0][empty]
    return (weight * band.values).sum(axis=0) / total, np.sqrt(variance)


def bits_of(band: Band, pixels: Pixels, saturation: Floats) -> Mask:
    """Give the mask of the mean; ``saturation`` is the level of each frame in its flux scale."""
    has_data = ~has_bits(band.mask, MaskBit.NO_DATA)
    common = np.bitwise_or.reduce(np.where(has_data, band.mask, 0), axis=0)
    mask = np.where(band.used.any(axis=0), 0, common).astype(np.uint16)
    mark(mask, np.asarray(~has_data.any(axis=0)), MaskBit.NO_DATA)
    is_star = pixels > SATURATED_SHARE * saturation.astype(np.float32)[:, None, None]
    saturated = has_bits(band.mask, MaskBit.SATURATED)
    mark(mask, np.asarray((saturated & is_star).any(axis=0)), MaskBit.SATURATED)
    spoiled = has_bits(band.mask, MaskBit.SATURATED | MaskBit.GROWN)
    spoiled = spoiled.sum(axis=0) >= GROWN_SHARE * np.maximum(has_data.sum(axis=0), 1)
    mark(mask, spoiled & ~has_bits(mask, MaskBit.SATURATED), MaskBit.GROWN)
    return mask


def effective_gain(weights: Floats, factors: Floats, gains: Floats) -> float:
    """Give the gain, e-/ADU, that the photon noise of a weighted mean shows.

    A source of F ADU in the common scale has variance ``factor F / gain`` in each scaled frame, so
    ``sum w^2 factor / gain`` times F in the mean.
    """
    return float(weights.sum() ** 2 / (weights**2 * factors / gains).sum())
