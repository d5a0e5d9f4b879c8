"""Apply masters to a frame: pixels in ADU of light, their uncertainty, what is wrong with them."""

from dataclasses import dataclass

import numpy as np

from preprocessing.masks import Bools, Mask, MaskBit, has_bits, mark
from preprocessing.raw.averages import Pixels
from preprocessing.raw.cosmics import find_cosmic_rays
from preprocessing.raw.masters import Master
from preprocessing.raw.overscan import DetectorFrame


@dataclass(frozen=True, eq=False)
class Masters:
    """What is there to calibrate a frame with; None stands for what is not.

    ``bad_pixels`` is a (ny, nx) bool array.
    """

    bias: Master | None = None
    dark: Master | None = None
    flat: Master | None = None
    bad_pixels: Bools | None = None

    @property
    def applied(self) -> tuple[str, ...]:
        """Names of those that are there."""
        names = ("bias", "dark", "flat", "bad_pixels")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def has_offset(self) -> bool:
        """Whether something takes the offset off that is there without any exposure."""
        return self.bias is not None or (self.dark is not None and self.dark.holds_bias)


@dataclass(frozen=True)
class Detector:
    """What a frame's noise and limits follow from: e-/ADU, e-, ADU of raw pixels, seconds."""

    gain: float
    read_noise: float
    saturation: float
    exposure_s: float

    def __post_init__(self) -> None:
        """Refuse what no detector has."""
        if not (np.isfinite(self.gain) and self.gain > 0):
            raise ValueError(f"gain is {self.gain} e-/ADU: it must be positive")
        if not (np.isfinite(self.read_noise) and self.read_noise >= 0):
            raise ValueError(f"read noise is {self.read_noise} e-: it cannot be negative")
        if not self.saturation > 0:
            raise ValueError(f"saturation is {self.saturation} ADU: it must be positive, or inf")
        if not self.exposure_s >= 0:
            raise ValueError(f"exposure is {self.exposure_s} s: it cannot be negative")


@dataclass(frozen=True, eq=False)
class ReducedFrame:
    """A frame free of its detector, sky still in it.

    Attributes
    ----------
    pixels : (ny, nx) float32 array
        ADU of light, on the scale of the median pixel; NaN where there are no data.
    uncertainty : (ny, nx) float32 array
        1 sigma, ADU: photons of sky and sources, read-out, and the errors of the masters.
    mask : (ny, nx) uint16 array
        Sum of :class:`preprocessing.masks.MaskBit`: NO_DATA, SATURATED, BAD_PIXEL, COSMIC_RAY.
    gain, read_noise : float
        e-/ADU and e-.
    saturation : float
        ADU of light, at the median pixel.
    """

    pixels: Pixels
    uncertainty: Pixels
    mask: Mask
    gain: float
    read_noise: float
    saturation: float


def reduce_frame(
    frame: DetectorFrame, masters: Masters, detector: Detector, *, cosmic_rays: bool = True
) -> ReducedFrame:
    """Subtract bias and dark, divide by the flat, mark bad pixels and cosmic rays.

    ``(raw - bias - dark t / t_dark) / flat``, its variance being that of the photons and the
    read-out of this frame plus those of the masters.

    Parameters
    ----------
    frame : DetectorFrame
        Trimmed, overscan subtracted where there is one.
    masters : Masters
        A dark that holds the bias is only right for frames of its own exposure.
    detector : Detector
        ``saturation`` counts from zero ADU of the raw file.
    cosmic_rays : bool
        Look for them; needs the offset to be off, as the sky's photon noise is the yardstick.

    Raises
    ------
    ValueError
        If a master has another shape, or a dark that holds the bias another exposure.

    References
    ----------
    Howell 2006, Handbook of CCD Astronomy, sections 4.3-4.5; Newberry 1991, PASP 103, 122.
    """
    check_masters(frame, masters, detector)
    overscan = float(np.median(frame.offsets)) if frame.offsets else 0.0
    offset, dark_light, offset_variance = offset_of(frame, masters, detector)
    mask = detector_mask(frame, masters, detector.saturation - overscan)
    pixels = frame.pixels - offset
    variance = (
        np.maximum(pixels + dark_light, 0) / np.float32(detector.gain)
        + np.float32((detector.read_noise / detector.gain) ** 2 + frame.offset_error**2)
        + offset_variance
    )
    pixels, variance = flattened(pixels, variance, masters.flat)
    pixels[has_bits(mask, MaskBit.NO_DATA)] = np.nan
    saturation = detector.saturation - overscan - float(np.nanmedian(offset))
    if cosmic_rays and (masters.has_offset or frame.offsets):
        found = find_cosmic_rays(
            pixels,
            mask != 0,
            gain=detector.gain,
            read_noise=detector.read_noise,
            saturation=saturation,
        )
        mark(mask, found, MaskBit.COSMIC_RAY)
    return ReducedFrame(
        pixels=pixels,
        uncertainty=np.sqrt(variance),
        mask=mask,
        gain=detector.gain,
        read_noise=detector.read_noise,
        saturation=saturation,
    )


def check_masters(frame: DetectorFrame, masters: Masters, detector: Detector) -> None:
    """Refuse masters of another window, or a dark that cannot be scaled."""
    shapes = {
        "bias": masters.bias and masters.bias.shape,
        "dark": masters.dark and masters.dark.shape,
        "flat": masters.flat and masters.flat.shape,
        "bad pixel mask": None if masters.bad_pixels is None else masters.bad_pixels.shape,
    }
    for name, shape in shapes.items():
        if shape is not None and shape != frame.pixels.shape:
            raise ValueError(
                f"the {name} is {shape} px, the frame {frame.pixels.shape}: "
                "use masters of this window and binning"
            )
    dark = masters.dark
    if dark is not None and dark.holds_bias and not same_exposure(dark, detector.exposure_s):
        raise ValueError(
            f"the dark of {dark.exposure_s:g} s still holds the bias, so it cannot be scaled to "
            f"{detector.exposure_s:g} s: build it with a bias, or use it as one"
        )
    if dark is not None and not dark.holds_bias and dark.exposure_s <= 0:
        raise ValueError("the dark has an exposure of 0 s: nothing can be scaled from it")


def same_exposure(dark: Master, exposure_s: float) -> bool:
    """Say whether a dark needs no scaling; headers round to a hundredth."""
    return abs(dark.exposure_s - exposure_s) <= max(0.01, 1e-3 * exposure_s)


def offset_of(
    frame: DetectorFrame, masters: Masters, detector: Detector
) -> tuple[Pixels, Pixels | float, Pixels]:
    """Give what bias and dark add to this frame, what of it is dark current, and its variance.

    Dark current has photon noise as light has; of a dark that holds the bias its share is unknown
    and counts as none. ADU, and ADU squared.
    """
    offset = np.zeros(frame.pixels.shape, np.float32)
    variance = np.zeros(frame.pixels.shape, np.float32)
    current: Pixels | float = 0.0
    bias, dark = masters.bias, masters.dark
    if bias is not None and not (dark is not None and dark.holds_bias):
        offset += np.nan_to_num(bias.pixels)
        variance += np.nan_to_num(bias.uncertainty) ** 2
    if dark is not None:
        factor = np.float32(1 if dark.holds_bias else detector.exposure_s / dark.exposure_s)
        added = np.nan_to_num(dark.pixels) * factor
        current = 0.0 if dark.holds_bias else added
        offset += added
        variance += (np.nan_to_num(dark.uncertainty) * factor) ** 2
    return offset, current, variance


def detector_mask(frame: DetectorFrame, masters: Masters, saturation: float) -> Mask:
    """Mark what the raw pixels and the masters say is wrong."""
    missing = ~np.isfinite(frame.pixels)
    mask = np.zeros(frame.pixels.shape, np.uint16)
    mark(mask, missing, MaskBit.NO_DATA)
    mark(mask, ~missing & (frame.pixels >= saturation), MaskBit.SATURATED)
    for master in (masters.bias, masters.dark):
        if master is not None:
            mark(mask, ~np.isfinite(master.pixels), MaskBit.BAD_PIXEL)
    if masters.flat is not None:
        mark(mask, ~(masters.flat.pixels > 0), MaskBit.BAD_PIXEL)
    if masters.bad_pixels is not None:
        mark(mask, masters.bad_pixels, MaskBit.BAD_PIXEL)
    return mask


def flattened(pixels: Pixels, variance: Pixels, flat: Master | None) -> tuple[Pixels, Pixels]:
    """Divide by the sensitivity; pixels without one stay as they are (they are masked)."""
    if flat is None:
        return pixels, variance
    known = flat.pixels > 0
    sensitivity = np.where(known, flat.pixels, 1).astype(np.float32)
    error = np.where(known, flat.uncertainty, 0).astype(np.float32)
    light = np.asarray(pixels / sensitivity, np.float32)
    # (a / f)' has the variance (var a + (a / f)^2 var f) / f^2.
    return light, np.asarray((variance + (light * error) ** 2) / sensitivity**2, np.float32)
