"""Two frames made ready to be subtracted: checked, finite, one array per quantity."""

from dataclasses import dataclass, replace

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from differencing.subtraction.noise import BoolArray, Float32Image, typical_noise
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, has_bits, mark

SMALLEST_SIDE = 64  # px; a PSF stamp and its surroundings need that much


@dataclass(frozen=True, eq=False)
class Plane:
    """The pixels of one frame as the subtraction needs them: finite, contiguous, in ADU.

    Its arrays are those of the frame wherever nothing had to be changed; nobody writes to them.
    """

    pixels: Float32Image
    noise: Float32Image
    mask: NDArray[np.uint16]  # of the frame; NO_DATA where it was not finite
    bad: BoolArray  # any mask bit
    sigma: float  # typical noise, ADU
    gain: float  # e-/ADU
    saturation: float  # ADU
    wcs: WCS

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @classmethod
    def of(cls, frame: CalibratedFrame, name: str) -> "Plane":
        """Take a frame apart.

        Raises
        ------
        ValueError
            If every pixel is masked.
        """
        hole = None if is_sound(frame) else holes(frame)
        mask = frame.mask if hole is None else frame.mask.copy()
        if hole is not None:
            mark(mask, hole, MaskBit.NO_DATA)
        bad = mask != 0
        if bad.all():
            raise ValueError(f"the {name} frame has no good pixel: all {bad.size} are masked")
        sigma = typical_noise(frame.noise, bad)
        pixels, noise = (np.ascontiguousarray(a, np.float32) for a in (frame.pixels, frame.noise))
        if hole is not None:
            pixels, noise = np.where(hole, np.float32(0), pixels), np.where(hole, sigma, noise)
            noise = noise.astype(np.float32)
        return cls(pixels, noise, mask, bad, sigma, frame.gain, frame.saturation, frame.wcs)

    def with_hits(self, hits: BoolArray) -> "Plane":
        """Mark cosmic rays, saturated pixels left out."""
        hits = hits & ~has_bits(self.mask, MaskBit.SATURATED)
        mask = self.mask.copy()
        mark(mask, hits, MaskBit.COSMIC_RAY)
        return replace(self, mask=mask, bad=self.bad | hits)


def is_sound(frame: CalibratedFrame) -> bool:
    """Say whether pixels and noise are numbers, and the noise positive, everywhere."""
    ends = frame.pixels.min(), frame.pixels.max(), frame.noise.min(), frame.noise.max()
    return bool(np.isfinite(ends).all() and ends[2] > 0)


def holes(frame: CalibratedFrame) -> BoolArray:
    """Mark the pixels without a value, or without a noise."""
    return np.asarray(~np.isfinite(frame.pixels) | ~np.isfinite(frame.noise) | (frame.noise <= 0))


def check_pair(science: CalibratedFrame, reference: CalibratedFrame) -> None:
    """Refuse frames that cannot be subtracted, saying why.

    Raises
    ------
    ValueError
        If the shapes differ or are too small.
    """
    if science.pixels.shape != reference.pixels.shape:
        raise ValueError(
            f"science is {science.pixels.shape} and reference {reference.pixels.shape} pixels: "
            "register them to one grid first"
        )
    if min(science.pixels.shape) < SMALLEST_SIDE:
        raise ValueError(
            f"frames of {science.pixels.shape} pixels are too small: "
            f"at least {SMALLEST_SIDE} a side are needed"
        )


def check_overlap(science: Plane, reference: Plane) -> None:
    """Refuse a pair without a pixel that is good in both.

    Raises
    ------
    ValueError
        Naming the number of good pixels in each.
    """
    if (science.bad | reference.bad).all():
        raise ValueError(
            f"no pixel is good in both frames ({int((~science.bad).sum())} in science, "
            f"{int((~reference.bad).sum())} in reference): they do not overlap"
        )
