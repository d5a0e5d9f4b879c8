"""Two frames made ready to be subtracted: checked, holes filled, remaining background removed."""

from dataclasses import dataclass

import numpy as np
import sep
from astropy.wcs import WCS
from numpy.typing import NDArray

from differencing.noise import BoolArray, Float32Image, FloatArray, typical_noise
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit

SMALLEST_SIDE = 64  # px; a PSF stamp and its surroundings need that much
UNUSABLE = MaskBit.NO_DATA | MaskBit.SATURATED | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY
SAME_STAR = 0.3  # of saturation: a reference this bright shows that the star is no news


@dataclass(frozen=True)
class Plane:
    """The pixels of one frame as the subtraction needs them: finite, contiguous, in ADU."""

    pixels: NDArray[np.float32]
    noise: NDArray[np.float32]
    bad: BoolArray  # any mask bit, or not finite
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
        hole = ~np.isfinite(frame.pixels) | ~np.isfinite(frame.noise) | (frame.noise <= 0)
        bad = hole | (frame.mask != 0)
        if bad.all():
            raise ValueError(f"the {name} frame has no good pixel: all {bad.size} are masked")
        sigma = typical_noise(frame.noise, bad)
        pixels = np.where(hole, 0, frame.pixels).astype(np.float32)
        noise = np.where(hole, sigma, frame.noise).astype(np.float32)
        return cls(pixels, noise, bad, sigma, frame.gain, frame.saturation, frame.wcs)


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
    if not (~science.bad & ~reference.bad).any():
        raise ValueError(
            f"no pixel is good in both frames ({int((~science.bad).sum())} in science, "
            f"{int((~reference.bad).sum())} in reference): they do not overlap"
        )


def has_bits(mask: NDArray[np.uint16], bits: MaskBit) -> BoolArray:
    """Mark the pixels with any of ``bits``."""
    found: BoolArray = (mask & np.uint16(int(bits))) != 0
    return found


def fill_holes(
    frames: tuple[CalibratedFrame, CalibratedFrame], planes: tuple[Plane, Plane], ratio: float
) -> tuple[Float32Image, Float32Image]:
    """Give both images without holes that would show in the difference.

    A pixel unusable in one frame takes the scaled value of the other, so that the two agree
    there; unusable in both it is zero, or, in a star saturated in both, the fainter of the
    two. A saturated science pixel stays where the reference shows no comparable star: that is
    a new, bright source.

    Parameters
    ----------
    frames : pair of CalibratedFrame
        Science and reference.
    planes : pair of Plane
        Of the same frames.
    ratio : float
        Science ADU per reference ADU.
    """
    science, reference = frames
    here, there = planes[0].pixels, planes[1].pixels * np.float32(ratio)
    hole_here = has_bits(science.mask, UNUSABLE) | ~np.isfinite(science.pixels)
    hole_there = has_bits(reference.mask, UNUSABLE) | ~np.isfinite(reference.pixels)
    saturated = has_bits(science.mask, MaskBit.SATURATED)
    hole_here &= ~(saturated & ~hole_there & (there < SAME_STAR * science.saturation))
    saturated &= has_bits(reference.mask, MaskBit.SATURATED)
    both = hole_here & hole_there
    common = np.where(saturated, np.minimum(here, there), np.float32(0))
    filled_here = np.where(both, common, np.where(hole_here, there, here))
    filled_there = np.where(both, common, np.where(hole_there, here, there)) / np.float32(ratio)
    return filled_here.astype(np.float32), filled_there.astype(np.float32)


def remainder(difference: FloatArray, bad: BoolArray, *, mesh: int) -> NDArray[np.float32]:
    """Give the smooth background (ADU) left in a plain difference of two images."""
    size = max(min(mesh, *(side // 2 for side in difference.shape)), 32)
    background = sep.Background(difference, mask=bad, bw=size, bh=size, fw=3, fh=3)
    smooth: NDArray[np.float32] = background.back(dtype=np.float32)
    return smooth
