"""Frames as astropy's NDData, for whoever works with astropy's own tools."""

import numpy as np
from astropy import units
from astropy.nddata import CCDData, StdDevUncertainty

from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import Mask, MaskBit
from preprocessing.raw.reduction import ReducedFrame

# What CCDData has no place for, and where it travels.
FIGURES = ("gain", "saturation", "sky_level")


def to_nddata(frame: CalibratedFrame) -> CCDData:
    """Give a calibrated frame as CCDData: noise as uncertainty, bits as flags, WCS, ADU.

    ``mask`` is true where any bit of ``flags`` is set, as astropy's tools expect. Gain, saturation
    and sky level are in ``meta``. Pixels are shared, not copied.
    """
    return CCDData(
        frame.pixels,
        uncertainty=StdDevUncertainty(frame.noise),
        mask=frame.mask != 0,
        flags=frame.mask,
        wcs=frame.wcs,
        unit=units.adu,
        meta={name: getattr(frame, name) for name in FIGURES},
    )


def reduced_to_nddata(frame: ReducedFrame) -> CCDData:
    """Give a reduced frame, sky still in it, as CCDData without WCS."""
    return CCDData(
        frame.pixels,
        uncertainty=StdDevUncertainty(frame.uncertainty),
        mask=frame.mask != 0,
        flags=frame.mask,
        unit=units.adu,
        meta={name: getattr(frame, name) for name in ("gain", "read_noise", "saturation")},
    )


def from_nddata(data: CCDData) -> CalibratedFrame:
    """Give CCDData as a calibrated frame.

    Raises
    ------
    ValueError
        If it has no uncertainty, WCS or unit that can be ADU, or ``meta`` lacks gain or
        saturation: none of them is ever assumed.
    """
    if data.uncertainty is None or data.wcs is None:
        raise ValueError("uncertainty and WCS are needed: give them to CCDData")
    if data.unit != units.adu:
        raise ValueError(f"the unit is {data.unit}: divide by the gain first, it must be adu")
    missing = [name for name in FIGURES[:2] if name not in data.meta]
    if missing:
        raise ValueError(f"meta lacks {' and '.join(missing)}: put them there, in ADU and e-/ADU")
    noise = data.uncertainty.represent_as(StdDevUncertainty).array
    return CalibratedFrame(
        pixels=np.asarray(data.data, np.float32),
        noise=np.asarray(noise, np.float32),
        mask=bits_of(data),
        wcs=data.wcs,
        gain=float(data.meta["gain"]),
        saturation=float(data.meta["saturation"]),
        sky_level=float(data.meta.get("sky_level", 0.0)),
    )


def bits_of(data: CCDData) -> Mask:
    """Give the flags; of data that have only a mask, that as BAD_PIXEL.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if data.flags is not None:
        return np.asarray(data.flags, np.uint16)
    if data.mask is None:
        raise ValueError("neither flags nor mask: say which pixels are good")
    return np.where(data.mask, np.uint16(MaskBit.BAD_PIXEL), np.uint16(0))
