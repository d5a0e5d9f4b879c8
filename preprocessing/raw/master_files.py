"""Masters as FITS files: pixels, their uncertainty, and the frames each pixel was made from."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy.io import fits

from preprocessing.calibrated import native, verify
from preprocessing.masks import Bools
from preprocessing.raw.masters import Kind, Master

PLANES = {"MASTER": "pixels", "ERROR": "uncertainty", "COUNT": "counts"}
KINDS: tuple[Kind, ...] = ("bias", "dark", "flat")
UNITS = {"bias": "adu", "dark": "adu", "flat": ""}
BAD_PIXELS = "BADPIX"
NONLINEAR = 2  # bit of that plane


def master_to_fits(master: Master) -> bytes:
    """Give the FITS file of a master, with checksums and its statistics in the primary header."""
    primary = fits.PrimaryHDU()
    primary.header["IMAGETYP"] = (f"Master {master.kind}", "what this is")
    primary.header["EXPTIME"] = (master.exposure_s, "[s] exposure that the pixels hold")
    primary.header["HASBIAS"] = (master.holds_bias, "bias not subtracted from this dark")
    for name, value in master.statistics.items():
        primary.header[f"HIERARCH ASTRID {name.upper()}"] = value
    units = [fits.ImageHDU(getattr(master, field), name=name) for name, field in PLANES.items()]
    for unit in units[:2]:
        unit.header["BUNIT"] = UNITS[master.kind]
    return written([primary, *units])


def master_from_fits(source: bytes | Path | BinaryIO) -> Master:
    """Read what :func:`master_to_fits` wrote; checksums are verified.

    Raises
    ------
    ValueError
        If this is no master, or does not match its own checksums.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with fits.open(stream, memmap=False) as units:
        for name in PLANES:
            verify(units, name)
        header = units[0].header
        return Master(
            kind=kind_in(header),
            pixels=native(units["MASTER"].data, np.float32),
            uncertainty=native(units["ERROR"].data, np.float32),
            counts=native(units["COUNT"].data, np.uint16),
            exposure_s=float(header["EXPTIME"]),
            holds_bias=bool(header["HASBIAS"]),
            statistics=statistics_in(header),
        )


def kind_in(header: fits.Header) -> Kind:
    """Give the kind of a master."""
    words = str(header.get("IMAGETYP", ""))
    for kind in KINDS:
        if words == f"Master {kind}":
            return kind
    raise ValueError(f"IMAGETYP is {words!r}: this is no master bias, dark or flat")


def statistics_in(header: fits.Header) -> dict[str, float]:
    """Give the figures that were written with a master."""
    prefix = "ASTRID "
    return {
        keyword.removeprefix(prefix).lower(): float(value)
        for keyword, value in header.items()
        if keyword.startswith(prefix)
    }


def bad_pixels_to_fits(
    bad: Bools, counts: dict[str, float], *, nonlinear: Bools | None = None
) -> bytes:
    """Give the FITS file of a bad-pixel mask: 1 is bad, 3 what these very flats show not linear."""
    primary = fits.PrimaryHDU()
    primary.header["IMAGETYP"] = "Bad pixel mask"
    for name, value in counts.items():
        primary.header[f"HIERARCH ASTRID {name.upper()}"] = value
    plane = bad.astype(np.uint8)
    if nonlinear is not None:
        plane[nonlinear] |= np.uint8(NONLINEAR)
    return written([primary, fits.ImageHDU(plane, name=BAD_PIXELS)])


def bad_pixels_from_fits(source: bytes | Path | BinaryIO) -> Bools:
    """Read what :func:`bad_pixels_to_fits` wrote; checksums are verified."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with fits.open(stream, memmap=False) as units:
        verify(units, BAD_PIXELS)
        return np.asarray(units[BAD_PIXELS].data != 0)


def nonlinear_from_fits(source: bytes) -> Bools:
    """Read which pixels a mask's own flats showed to be not linear; checksums are verified."""
    with fits.open(io.BytesIO(source), memmap=False) as units:
        verify(units, BAD_PIXELS)
        return np.asarray((units[BAD_PIXELS].data & NONLINEAR) != 0)


def written(units: list[fits.PrimaryHDU | fits.ImageHDU]) -> bytes:
    """Give the bytes of a file."""
    stream = io.BytesIO()
    fits.HDUList(units).writeto(stream, checksum=True)
    return stream.getvalue()
