"""Circles on the sky as people type them."""

import re
from dataclasses import dataclass

from astropy import units as u
from astropy.coordinates import Angle

_UNITS = {"": u.arcsec, '"': u.arcsec, "s": u.arcsec, "'": u.arcmin, "m": u.arcmin, "d": u.deg}
_RADIUS = re.compile(r"""(\d+\.?\d*|\.\d+)(["'smd]?)""")
HELP = (
    "RA Dec radius, in degrees or as 10:01:00 +02:30:00; the radius in arcseconds, "
    "or with ' for arcminutes, d for degrees"
)


@dataclass(frozen=True)
class Cone:
    """A circle on the sky, degrees ICRS."""

    ra: float
    dec: float
    radius_deg: float


def cone_of(text: str) -> Cone | None:
    """Read "RA Dec radius"; None where the text is something else, such as a name.

    Raises
    ------
    ValueError
        If it reads as a cone but its angles cannot be.
    """
    words = text.replace(",", " ").split()
    radius = _RADIUS.fullmatch(words[2]) if len(words) == 3 else None
    if radius is None or not all(re.fullmatch(r"[-+0-9.:]+", word) for word in words[:2]):
        return None
    ra = Angle(words[0], u.hour if ":" in words[0] else u.deg).to_value(u.deg)
    dec = Angle(words[1], u.deg).to_value(u.deg)
    size = (float(radius[1]) * _UNITS[radius[2]]).to_value(u.deg)
    return Cone(float(ra), float(dec), float(size))
