"""Areas on the sky given by their corners, degrees ICRS: rows in them, and frames that meet them.

The exact tests are functions of the database, which the migrations of the catalog make.
"""

from typing import Any

from django.db.models import BooleanField, F, Func, Max, QuerySet, Value
from django.db.models.lookups import LessThanOrEqual

from astrid.core.corners import Corners, circle_round
from astrid.core.sky import InCone, Separation, check_position


class _Area(Func):
    """Corners as a list of the database."""

    template = "ARRAY[%(numbers)s]::float8[]"

    def __init__(self, corners: Corners) -> None:
        numbers = ", ".join(repr(float(angle)) for corner in corners for angle in corner)
        super().__init__(numbers=numbers)


class _Footprint(Func):
    function = "astrid_corners"


class _Inside(Func):
    function = "astrid_inside"
    output_field = BooleanField()


class _Meets(Func):
    """Whether two areas have a place in common; one without corners is known by its circle."""

    function = "astrid_polygons_meet"
    output_field = BooleanField()


def within(rows: QuerySet[Any], corners: Corners) -> QuerySet[Any]:
    """Keep rows whose position lies in an area.

    Raises
    ------
    ValueError
        If the corners make no area.
    """
    near = rows.filter(InCone(*_circle(corners)))
    return near.filter(_Inside(_Area(corners), F("ra"), F("dec")))


def meeting(frames: QuerySet[Any], corners: Corners) -> QuerySet[Any]:
    """Keep frames whose footprint has a place in common with an area.

    Raises
    ------
    ValueError
        If the corners make no area.
    """
    return _near(frames, *_circle(corners)).filter(_Meets(_Footprint("footprint"), _Area(corners)))


def showing(frames: QuerySet[Any], ra: float, dec: float) -> QuerySet[Any]:
    """Keep frames whose footprint holds a position.

    Raises
    ------
    ValueError
        If it is no position.
    """
    ra, dec = check_position(ra, dec)
    shown = _Inside(_Footprint("footprint"), Value(ra), Value(dec))  # true without corners
    return _near(frames, ra, dec, 0.0).filter(shown)


def _circle(corners: Corners) -> tuple[float, float, float]:
    for corner in corners:
        check_position(*corner)
    ra, dec, radius_deg = circle_round(corners)
    return ra, dec, radius_deg + 1e-9  # a hair wider: the database rounds in another way


def _near(frames: QuerySet[Any], ra: float, dec: float, radius_deg: float) -> QuerySet[Any]:
    """Keep frames whose circle meets one."""
    widest = frames.order_by().aggregate(widest=Max("radius_deg"))["widest"] or 0.0
    near = frames.filter(InCone(ra, dec, min(widest + radius_deg, 180.0)))
    return near.filter(LessThanOrEqual(Separation(ra, dec), F("radius_deg") + Value(radius_deg)))
