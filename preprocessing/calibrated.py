"""A frame that is ready for science: pixels without sky, their noise, their mask, their WCS."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.masks import Mask
from preprocessing.photometry.header_zero_point import read_cards, write_cards
from preprocessing.photometry.magnitudes import ZeroPoint

Pixels = NDArray[np.float32]

# The planes of the file and the field each one fills.
PLANES = {"SCI": "pixels", "NOISE": "noise", "MASK": "mask"}


@dataclass(frozen=True)
class CalibratedFrame:
    """A calibrated exposure; arrays are read only by convention.

    Attributes
    ----------
    pixels : (ny, nx) float32 array
        ADU above the sky. NaN where there are no data (mask bit NO_DATA).
    noise : (ny, nx) float32 array
        1-sigma noise of sky and read-out in ADU, without the photon noise of sources, *as if
        pixels were independent*. Interpolation makes neighbours correlated and lowers the scatter
        of single pixels, yet keeps the noise power at low frequency, which is what a matched
        filter sees; so a resampled frame carries the noise of its native pixels.
    mask : (ny, nx) uint16 array
        Sum of :class:`preprocessing.masks.MaskBit`; 0 is good.
    wcs : astropy.wcs.WCS
        Celestial, two axes, 0-based when asked with ``origin=0``; ``WCS(naxis=2)``, which is not
        celestial, for a frame without astrometry.
    gain : float
        Electrons per ADU.
    saturation : float
        ADU above the sky at which pixels stop to be linear; ``inf`` when there is no such level.
    sky_level : float
        Median of the sky that was taken away, ADU.
    sky_range : float
        How far the sky differed over the frame, 98th less 2nd percentile, ADU.
    zero_point : ZeroPoint or None
        What turns ADU into magnitudes; None while nobody has measured it.
    """

    pixels: Pixels
    noise: Pixels
    mask: Mask
    wcs: WCS
    gain: float
    saturation: float
    sky_level: float = 0.0
    sky_range: float = 0.0
    zero_point: ZeroPoint | None = None

    def __post_init__(self) -> None:
        """Refuse planes that do not belong together."""
        shapes = {self.pixels.shape, self.noise.shape, self.mask.shape}
        if len(shapes) != 1 or self.pixels.ndim != 2:
            raise ValueError(f"pixels, noise and mask must share one 2-D shape, not {shapes}")
        if not (np.isfinite(self.gain) and self.gain > 0):
            raise ValueError(f"gain is {self.gain} e-/ADU: it must be a positive number")
        if not self.saturation > 0:
            raise ValueError(f"saturation is {self.saturation} ADU: it must be positive, or inf")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]


def to_fits(
    frame: CalibratedFrame,
    header: fits.Header | None = None,
    *,
    maps: Mapping[str, NDArray] | None = None,
) -> bytes:
    """Give the FITS file of a frame: SCI, NOISE and MASK extensions, with checksums.

    ``header`` is written to the primary header unit; the celestial keywords in the extensions
    come from ``frame.wcs`` (TAN, SIP and TPV alike). ``maps`` are further planes of the same shape
    by the name of their extension; :func:`from_fits` passes over them.
    """
    celestial = wcs_header(frame.wcs)
    planes: list[fits.PrimaryHDU | fits.ImageHDU] = [fits.PrimaryHDU(header=header)]
    for name, field in PLANES.items():
        planes.append(fits.ImageHDU(getattr(frame, field), header=celestial, name=name))
    for name, plane in (maps or {}).items():
        planes.append(fits.ImageHDU(plane, header=celestial, name=name))
    planes[1].header["BUNIT"] = ("adu", "above the sky")
    planes[1].header["GAIN"] = (frame.gain, "[e-/adu]")
    planes[1].header["SKYLEVEL"] = (frame.sky_level, "[adu] median of the sky taken away")
    planes[1].header["SKYRANGE"] = (frame.sky_range, "[adu] 98 % less 2 % of that sky")
    write_cards(planes[1].header, frame.zero_point)
    if np.isfinite(frame.saturation):
        planes[1].header["SATURATE"] = (frame.saturation, "[adu] above the sky")
    planes[2].header["BUNIT"] = ("adu", "1 sigma, as if pixels were independent")
    stream = io.BytesIO()
    fits.HDUList(planes).writeto(stream, checksum=True)
    return stream.getvalue()


def wcs_header(wcs: WCS) -> fits.Header:
    """Give the celestial keywords alone: times and sites belong to the primary header."""
    header = wcs.to_header(relax=True)
    for keyword in ("DATE-OBS", "MJD-OBS", "MJDREF", "MJDREFI", "MJDREFF", "DATEREF"):
        header.remove(keyword, ignore_missing=True)
    if wcs.sip is not None:
        # astropy leaves the SIP suffix off when the WCS was built without it.
        for axis in (1, 2):
            header[f"CTYPE{axis}"] = header[f"CTYPE{axis}"].removesuffix("-SIP") + "-SIP"
    return header


def from_fits(source: bytes | Path | BinaryIO, *, verify_checksums: bool = True) -> CalibratedFrame:
    """Read what :func:`to_fits` wrote; checksums are verified unless the caller knows better.

    Raises
    ------
    ValueError
        If this is no FITS file, an extension is missing or the file does not match its own
        checksums.
    """
    if isinstance(source, bytes) and not source.startswith(b"SIMPLE"):
        raise ValueError(
            f"{len(source)} bytes that are no FITS file: this is not a calibrated frame"
        )
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with fits.open(stream, memmap=False) as units:
        for name in PLANES:
            verify(units, name, checksums=verify_checksums)
        header = units["SCI"].header
        return CalibratedFrame(
            pixels=native(units["SCI"].data, np.float32),
            noise=native(units["NOISE"].data, np.float32),
            mask=native(units["MASK"].data, np.uint16),
            wcs=WCS(header),
            gain=float(header["GAIN"]),
            saturation=float(header.get("SATURATE", np.inf)),
            sky_level=float(header["SKYLEVEL"]),
            sky_range=float(header.get("SKYRANGE", 0.0)),
            zero_point=read_cards(header),
        )


def verify(units: fits.HDUList, name: str, *, checksums: bool = True) -> None:
    """Refuse a file without the extension ``name``, or with damaged bytes in it."""
    if name not in units:
        found = [unit.name for unit in units]
        raise ValueError(f"no extension {name} among {found}: this is not a calibrated frame")
    unit = units[name]
    if not checksums:
        return
    if unit.verify_datasum() != 1 or unit.verify_checksum() != 1:
        raise ValueError(f"extension {name} does not match its checksum: the file is damaged")


def native(values: NDArray, dtype: type[np.generic]) -> NDArray:
    """Give an array in this machine's byte order, FITS being big-endian."""
    return np.ascontiguousarray(values, dtype=dtype)
