"""The keys of the rows in a circle: the sky search at its least cost.

The covering index of :class:`astrid.core.sky.SkyPosition` holds all that this asks for, so that no
row is read, and the statement is planned once. To read rows that other conditions hold for too,
ask the table's manager: ``cone_search``.
"""

import math
from functools import cache
from typing import Any

from django.db import connection

from astrid.core.healpix import WHOLE_SKY, cone_ranges
from astrid.core.prepared import ends, fetch_prepared, in_parts
from astrid.core.sky import WHOLE_SKY_DEG, SkyPosition, check_cone, haversine_of

# As astrid.core.sky.haversine prints it.
INSIDE = (
    "POWER(SIN(RADIANS(dec - %s::float8) / 2), 2) + COS(RADIANS(dec)) * %s::float8 * "
    "POWER(SIN(RADIANS(ra - %s::float8) / 2), 2) <= %s::float8"
)
EVERYWHERE = 2.0  # rounding lifts sin² of half the way to the antipode above 1


def keys_within(model: type[SkyPosition], ra: float, dec: float, radius_deg: float) -> list[Any]:
    """Give the primary keys of the rows within ``radius_deg`` degrees of a position, in no order.

    Raises
    ------
    ValueError
        If the position is not on the sky, or the radius is not in 0 to 180 degrees.
    """
    ra, dec = check_cone(ra, dec, radius_deg)
    is_wide = radius_deg >= WHOLE_SKY_DEG
    ranges = [(0, WHOLE_SKY - 1)] if is_wide else cone_ranges(ra, dec, radius_deg)
    most = EVERYWHERE if radius_deg == 180 else haversine_of(radius_deg)
    values = (*ends(ranges), dec, math.cos(math.radians(dec)), ra, most)
    return [key for (key,) in fetch_prepared(_statement(model), values)]


@cache
def _statement(model: type[SkyPosition]) -> bytes:
    table, key = map(connection.ops.quote_name, (model._meta.db_table, str(model._meta.pk.column)))
    return f"SELECT {key} FROM {in_parts(key, table, INSIDE)}".encode()  # noqa: S608 - names of the model
