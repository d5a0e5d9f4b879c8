"""The zero point that a frame's header states."""

import math
import re
from typing import Any

from astropy.io import fits

from preprocessing.photometry.bands import usual_system
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource

# The first keyword with a value wins; beside each, where its error is.
KEYWORDS = {
    "MAGZP": ("MAGZPERR", "MAGZPUNC", "MAGZPRMS"),
    "MAGZERO": ("MAGZERR", "MAGZUNC"),
    "MAGZPT": ("MAGZPTER",),
    "PHOTZP": ("PHOTZPER", "PHOTZPE"),
    "ZPT": ("ZPTERR",),
    "ZEROPT": ("ZEROPTER",),
    "ZP": ("ZPERR",),
}
SYSTEMS = ("MAGSYS", "PHOTSYS", "MAGZPSYS")
# Magnitudes of 1 ADU that telescopes have; what lies outside is no zero point.
LEAST, GREATEST = 5.0, 45.0
PER_SECOND = re.compile(r"/\s*s(ec)?\b|per\s+s(ec)?(ond)?\b|\b1\s*s(ec)?\b", re.IGNORECASE)
# Pixels in units of flux need no keyword.
AB_OF_UNIT = {"nanomaggy": 22.5, "nmgy": 22.5, "jy": 8.9, "mjy": 16.4, "ujy": 23.9, "njy": 31.4}


def from_header(header: fits.Header, *, exposure_s: float, band: str) -> ZeroPoint | None:
    """Give the zero point that a header states, for 1 unit of its pixels; None without one.

    A value for one unit per second, as its comment then says, is turned into one for the exposure
    unless the pixels are per second themselves.

    Raises
    ------
    ValueError
        If the keyword holds no number or one that no telescope has.
    """
    unit = str(header.get("BUNIT", "")).strip()
    if unit.lower() in AB_OF_UNIT:
        value = AB_OF_UNIT[unit.lower()]
        return ZeroPoint(value, None, ZeroPointSource.HEADER, System.AB, band)
    for keyword, errors in KEYWORDS.items():
        if header.get(keyword) in (None, ""):
            continue
        value = checked(keyword, header[keyword])
        if PER_SECOND.search(header.comments[keyword]) and not PER_SECOND.search(unit):
            value += 2.5 * math.log10(exposure_s)
        return ZeroPoint(
            value, error_of(header, errors), ZeroPointSource.HEADER, system_of(header, band), band
        )
    return None


def checked(keyword: str, value: Any) -> float:
    """Give the number of a keyword."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not LEAST <= number <= GREATEST:
        raise ValueError(
            f"{keyword} is {value!r}: a zero point lies between {LEAST:g} and {GREATEST:g} mag"
        )
    return number


def error_of(header: fits.Header, keywords: tuple[str, ...]) -> float | None:
    """Give the first positive error below 1 mag among ``keywords``."""
    for keyword in keywords:
        value = header.get(keyword)
        if isinstance(value, int | float) and 0 < value < 1:
            return float(value)
    return None


def system_of(header: fits.Header, band: str) -> System:
    """Give the system that the header names, else that in which the band is used."""
    said = next((str(header[key]).strip().upper() for key in SYSTEMS if key in header), "")
    named = {"AB": System.AB, "VEGA": System.VEGA}.get(said)
    return named or System(usual_system(band))


def write_cards(header: fits.Header, zero_point: ZeroPoint | None) -> None:
    """Write what turns the pixels of a product into magnitudes; nothing when it is not known."""
    if zero_point is None:
        return
    header["MAGZP"] = (zero_point.value, "[mag] of 1 adu in this exposure")
    if zero_point.error is not None:
        header["MAGZPERR"] = (zero_point.error, "[mag] standard error of MAGZP")
    header["MAGSYS"] = (str(zero_point.system), "photometric system")
    header["ZPSOURCE"] = (str(zero_point.source), "where MAGZP comes from")
    header["ZPBAND"] = (zero_point.band, "band of MAGZP")


def read_cards(header: fits.Header) -> ZeroPoint | None:
    """Read what :func:`write_cards` wrote."""
    if "ZPSOURCE" not in header:
        return None
    error = header.get("MAGZPERR")
    return ZeroPoint(
        value=float(header["MAGZP"]),
        error=None if error is None else float(error),
        source=ZeroPointSource(header["ZPSOURCE"]),
        system=System(header["MAGSYS"]),
        band=str(header["ZPBAND"]),
    )
