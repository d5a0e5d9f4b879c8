"""Read one calibrated or raw exposure from a FITS file, or say in one sentence why not."""

import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from observations.advice import RULE_FILE, Advice, advising
from observations.fits_blocks import Hdu, card, decompressed, quiet_astropy, split, verify_checksums
from observations.fits_header import Cards, FrameDefaults, filter_band
from observations.fits_image import FloatImage, check_pixels, find_image, read_pixels
from observations.fits_site import Site, site_of
from observations.fits_time import HeaderTime, mjd_of, observed_at
from observations.fits_wcs import NOWHERE, Place, celestial_wcs, names_axes, place_of

Source = Path | str | bytes | BinaryIO

# NAXISn aside, which are structural, what a keyword may be (also behind HIERARCH).
LEGAL = re.compile(r"(?!NAXIS)[A-Z0-9_\- ]+")
# Keywords of the primary header that say nothing about an image in an extension.
STRUCTURAL = frozenset(
    {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND", "PCOUNT", "GCOUNT", "GROUPS", "BSCALE"}
    | {"BZERO", "BLANK", "CHECKSUM", "DATASUM", "EXTNAME", "END", "COMMENT", "HISTORY", ""}
)
NOTHING_ASSUMED = FrameDefaults()


@dataclass(frozen=True)
class Frame:
    """One exposure, ready for preprocessing.

    Attributes
    ----------
    name : str
        File name, for messages.
    pixels : (ny, nx) float32 array
        ADU in native byte order; NaN where there is no measurement.
    wcs : WCS
        Maps 0-based pixels to the sky in the header's own reference system.
    header : Header
        The image's cards, and the primary header's behind them.
    hdu : int
        Index of the unit that held the pixels.
    gain, read_noise, saturation : float
        Electrons per ADU, electrons, ADU.
    exposure_s : float
    filter_band : str
    observed_at : datetime
        Start, UTC.
    mjd : float
        The same as a modified Julian date, UTC.
    airmass : float or None
    seeing : float or None
        FWHM in arcsec, when the header states it.
    ra, dec : float
        Centre of the frame, degrees ICRS, 0 <= ra < 360.
    pixel_scale_arcsec : float
        At the centre.
    footprint : tuple of four (ra, dec)
        Outer corners, degrees ICRS: first pixel, then around the frame along the x axis.
    digest : str
        SHA-256 of the shape and the pixels.
    site : Site
        Camera and place on Earth, as far as the header says.
    """

    name: str
    pixels: FloatImage
    wcs: WCS
    header: fits.Header
    hdu: int
    gain: float
    read_noise: float
    saturation: float
    exposure_s: float
    filter_band: str
    observed_at: datetime
    mjd: float
    airmass: float | None
    seeing: float | None
    ra: float
    dec: float
    pixel_scale_arcsec: float
    footprint: tuple[tuple[float, float], ...]
    digest: str
    site: Site = field(default_factory=Site)

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True)
class ReadOptions:
    """What a survey's rule file, or a command line, says about reading files.

    Attributes
    ----------
    defaults : FrameDefaults
        Fills in what headers do not say.
    hdu : int, optional
        Unit that holds the image; needed only where a file has several.
    verify_checksums : bool
        False for files that were edited without renewing CHECKSUM and DATASUM.
    observed_at : datetime or HeaderTime, optional
        Overrides a wrong DATE-OBS: the time itself, or where else the header has it.
    needs_wcs : bool
        False where a frame whose header names no axes may have no WCS: it gets ``WCS(naxis=2)``
        and no place in the sky.
    keywords : mapping, optional
        The keyword to read first for gain, read_noise, saturation, exposure_s, filter or
        instrument.
    overrides : FrameDefaults
        What is believed whatever the header says.
    advice : mapping
        How to state what a file leaves unsaid: :mod:`observations.advice`.
    """

    defaults: FrameDefaults = field(default_factory=FrameDefaults)
    hdu: int | None = None
    verify_checksums: bool = True
    observed_at: datetime | HeaderTime | None = None
    needs_wcs: bool = True
    keywords: Mapping[str, str] = field(default_factory=dict)
    overrides: FrameDefaults = field(default_factory=FrameDefaults)
    advice: Advice = field(default_factory=lambda: RULE_FILE)


def read_frame(
    source: Source,
    *,
    defaults: FrameDefaults = NOTHING_ASSUMED,
    options: ReadOptions | None = None,
    name: str | None = None,
) -> Frame:
    """Read the one image of a FITS file.

    Parameters
    ----------
    source : path, bytes or binary file
        Plain, gzipped or tile-compressed (fpack) FITS.
    defaults : FrameDefaults
        The survey's values for what headers leave out; nothing else is ever assumed.
    options : ReadOptions, optional
        Everything a rule file may say; replaces ``defaults``.
    name : str, optional
        What messages call the file; its own name where it has one.

    Returns
    -------
    Frame

    Raises
    ------
    BadImage
        In one sentence with file, HDU and keyword: no FITS, truncated or corrupt, no image or
        several, not two-dimensional, without one finite or two different pixels, without a
        usable celestial WCS, or without a quantity that the defaults do not give either.
    OSError
        When the file itself cannot be opened.
    """
    options = options or ReadOptions(defaults)
    with advising(options.advice):
        return frame_of(*contents(source, name), options)


def frame_of(data: bytes, file: str, options: ReadOptions) -> Frame:
    """Find the image among the bytes of a file, check it, and read what its header says."""
    data = decompressed(data, file)
    hdus = split(data, file)
    hdu = find_image(hdus, options.hdu)
    if options.verify_checksums:
        verify_checksums(hdu, data)
    raw, header = read_pixels(hdu, data)
    pixels = check_pixels(hdu, raw)
    cards = cards_of(hdu, merged(header, hdus[0].header), options)
    if options.needs_wcs or names_axes(header):
        wcs = celestial_wcs(hdu, header, pixels.shape)
        return describe(cards, pixels, (wcs, place_of(hdu, wcs, pixels.shape)), options)
    return describe(cards, pixels, (WCS(naxis=2), NOWHERE), options)


def cards_of(hdu: Hdu, header: fits.Header, options: ReadOptions) -> Cards:
    """Give the cards of an image as the options want them read."""
    return Cards(hdu, header, options.keywords, options.overrides)


def describe(
    cards: Cards, pixels: FloatImage, sky: tuple[WCS, Place], options: ReadOptions
) -> Frame:
    """Put a frame together from its pixels, its place and what its header says."""
    wcs, place = sky
    defaults = options.defaults
    moment = observed_at(cards, options.observed_at)
    return Frame(
        name=cards.hdu.file,
        pixels=pixels,
        wcs=wcs,
        header=cards.header,
        hdu=cards.hdu.index,
        gain=cards.positive("gain", defaults.gain),
        read_noise=cards.positive("read_noise", defaults.read_noise, allow_zero=True),
        saturation=cards.positive("saturation", defaults.saturation),
        exposure_s=cards.positive("exposure_s", defaults.exposure_s),
        filter_band=filter_band(cards, defaults.filter_band),
        observed_at=moment,
        mjd=mjd_of(moment),
        airmass=cards.optional(("AIRMASS", "SECZ")),
        seeing=seeing_arcsec(cards, place.pixel_scale_arcsec),
        ra=place.ra,
        dec=place.dec,
        pixel_scale_arcsec=place.pixel_scale_arcsec,
        footprint=place.footprint,
        digest=digest_of(pixels),
        site=site_of(cards, mjd_of(moment), defaults.instrument),
    )


def contents(source: Source, name: str | None) -> tuple[bytes, str]:
    """Bytes of a file and what to call it."""
    if isinstance(source, bytes):
        return source, name or "(bytes)"
    if isinstance(source, str | Path):
        path = Path(source)
        return path.read_bytes(), name or path.name
    return source.read(), name or Path(str(getattr(source, "name", "(stream)"))).name


def merged(image: fits.Header, primary: fits.Header) -> fits.Header:
    """Cards of the image, then those of the primary header that it lacks."""
    header = image.copy()
    with quiet_astropy():
        for keyword in primary:
            if LEGAL.fullmatch(keyword) and keyword not in STRUCTURAL and keyword not in header:
                header[keyword] = card(primary, keyword)
    return header


def seeing_arcsec(cards: Cards, pixel_scale_arcsec: float) -> float | None:
    """FWHM that the header states: SEEING in arcsec, or FWHM if its comment says pixels."""
    seeing = cards.optional(("SEEING", "PSF_FWHM"))
    if seeing is not None:
        return seeing
    fwhm = cards.optional(("FWHM",))
    if fwhm is None or "pixel" not in cards.header.comments["FWHM"].lower():
        return None
    return fwhm * pixel_scale_arcsec


def digest_of(pixels: FloatImage) -> str:
    """SHA-256 of the shape and the little-endian pixels, the same on every machine."""
    content = np.ascontiguousarray(pixels, dtype="<f4").tobytes()
    return hashlib.sha256(struct.pack("<2q", *pixels.shape) + content).hexdigest()
