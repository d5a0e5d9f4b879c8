"""With what camera, and where on Earth, an exposure was taken, as far as its header says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from observations.fits_blocks import card
from observations.fits_header import Cards, number_of

SITE_KEYWORDS = ("OBSERVAT", "SITENAME", "SITE")
# East is positive by the standard (FITS 4.0, section 9.3); of these keywords observatories
# use both signs.
LONGITUDE_KEYWORDS = ("SITELONG", "LONGITUD", "OBS-LONG", "LONG-OBS", "GEOLON", "TELLONG", "LONG")


@dataclass(frozen=True)
class Site:
    """Camera and place of an exposure; empty and None where the header does not say them.

    ``longitude`` is in degrees, east positive, -180 to 180.
    """

    instrument: str = ""
    name: str = ""
    longitude: float | None = None


def site_of(cards: Cards, mjd: float, default_instrument: str | None = None) -> Site:
    """Read camera, observatory and longitude; ``mjd`` (UTC) is when the frame was taken."""
    return Site(
        instrument=text_of(cards, cards.keywords("instrument")) or default_instrument or "",
        name=text_of(cards, SITE_KEYWORDS),
        longitude=longitude_of(cards, mjd),
    )


def text_of(cards: Cards, keywords: Sequence[str]) -> str:
    """First of ``keywords`` that has a value, at most the 100 characters that tables keep."""
    found = cards.first(keywords)
    return str(found[1]).strip()[:100] if found else ""


def longitude_of(cards: Cards, mjd: float) -> float | None:
    """Longitude of the site, degrees, east positive; None where the header does not say it.

    Where a keyword's sign is a matter of custom, that is taken which puts the exposure nearer to
    local midnight.
    """
    east = number_of(card(cards.header, "OBSGEO-L"))
    if east is not None:
        return wrapped(east)
    x, y = (number_of(card(cards.header, f"OBSGEO-{axis}")) for axis in "XY")
    if x is not None and y is not None and np.hypot(x, y) > 0:
        return float(np.degrees(np.arctan2(y, x)))
    found = cards.first(LONGITUDE_KEYWORDS)
    stated = degrees_of(found[1]) if found else None
    if stated is None:
        return None
    return min(wrapped(stated), wrapped(-stated), key=lambda each: from_midnight(mjd, each))


def degrees_of(value: object) -> float | None:
    """Read degrees as a number or as ``[-]ddd:mm:ss``; None for anything else."""
    number = number_of(value)
    if number is None and isinstance(value, str):
        try:
            number = float(Angle(value.strip(), u.deg).deg)
        except ValueError:
            return None
    return number if number is not None and abs(number) <= 360 else None


def wrapped(longitude: float) -> float:
    """Bring a longitude to -180 to 180 degrees."""
    return (longitude + 180) % 360 - 180


def from_midnight(mjd: float, longitude: float) -> float:
    """Give the time from the nearest mean local midnight, days."""
    part = (mjd + longitude / 360) % 1
    return min(part, 1 - part)


def night_of(mjd: float, longitude: float) -> int:
    """Give the number of the night, from local mean noon to noon, in which a moment lies.

    Parameters
    ----------
    mjd : float
        UTC.
    longitude : float
        Of the site, degrees, east positive.
    """
    return int(np.floor(mjd + longitude / 360 + 0.5))
