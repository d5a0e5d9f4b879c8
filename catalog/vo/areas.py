"""Areas of rows, as expressions of the database."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, FloatField, Func, TextField


class Corners(Func):
    """The corners of a footprint as one list of degrees."""

    function = "astrid_corners"
    output_field = ArrayField(FloatField())


class Square(Func):
    """The corners of a square round (ra, dec), whose half side is given in degrees."""

    function = "astrid_square"
    output_field = ArrayField(FloatField())


class Region(Func):
    """Corners written as STC-S, which TOPCAT and Aladin draw; nothing where there are none."""

    template = "('POLYGON ICRS ' || array_to_string(%(expressions)s, ' '))"
    output_field = TextField()


def corners(path: str = "footprint") -> Corners:
    """Give the corners that a column of footprints holds."""
    return Corners(F(path))
