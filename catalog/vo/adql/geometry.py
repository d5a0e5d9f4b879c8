"""Which rows lie within, meet, or are near a shape: written so that the index of the sky serves.

A circle becomes a few ranges of HEALPix cells, which a B-tree finds, and an exact test of
what lies in them. Polygons and areas are sought by the circles round them, and tested by functions
in the database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from astrid.core.healpix import NARROWEST_DEG, ORDER
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.shapes import Circle, Footprint, Point, Polygon, Shape, fixed
from catalog.vo.adql.sql import Sql, joined, sql, value

# From here on ranges no longer pay: look at every row.
WHOLE_SKY_DEG = 60.0
# The distance of a place from itself is not always 0 to the last digit.
_ROUNDING_DEG = 1e-11

Cover: TypeAlias = Callable[[float, float, float], Sequence[tuple[int, int]]]


def distance(a: Point, b: Point) -> Sql:
    """Write the great-circle distance of two points, degrees."""
    return sql("astrid_separation({}, {}, {}, {})", a.ra, a.dec, b.ra, b.dec)


@dataclass(frozen=True)
class Predicates:
    """Writes conditions; ``cover`` gives the ranges of cells of a cone.

    ``joins`` is filled with the cells by which two tables were joined.
    """

    cover: Cover
    joins: list[Sql] = field(default_factory=list)

    def contains(self, inner: Shape, outer: Shape) -> Sql:
        """Write that all of a shape lies in another."""
        if isinstance(outer, Point):
            raise AdqlError("a POINT contains nothing")
        if isinstance(inner, Point):
            return self._holds_point(outer, inner)
        if isinstance(outer, Circle):
            return self._circle_holds(outer, inner)
        if isinstance(inner, Circle):
            return self._holds_circle(outer, inner)
        test = "astrid_polygon_in_polygon({}, {})"
        return self._near(outer, inner, sql(test, corners_of(inner), corners_of(outer)))

    def intersects(self, a: Shape, b: Shape) -> Sql:
        """Write that two shapes have a place in common."""
        if isinstance(a, Point):
            return self.contains(a, b)
        if isinstance(b, Point):
            return self.contains(b, a)
        if isinstance(a, Circle) and isinstance(b, Circle):
            return self.within(a.centre, b.centre, _sum(a, b))
        if isinstance(a, Circle):
            a, b = b, a
        if isinstance(a, Circle):
            raise TypeError("two circles were dealt with before")
        if isinstance(b, Circle):
            return self._meets_circle(a, b)
        test = sql("astrid_polygons_meet({}, {})", corners_of(a), corners_of(b))
        return self._near(a, b, test)

    def within(self, a: Point, b: Point, radius: Circle) -> Sql:
        """Write that two points are no farther apart than the radius of a circle."""
        exact = sql(f"{{}} <= {{}} + {_ROUNDING_DEG}", distance(a, b), radius.radius)
        return self._also_by_cells(a, b, radius.radius_deg, exact)

    def _also_by_cells(self, a: Point, b: Point, radius_deg: float | None, exact: Sql) -> Sql:
        cells = None
        if radius_deg is not None and radius_deg < WHOLE_SKY_DEG:
            cells = self._cells(a, b, radius_deg) or self._cells(b, a, radius_deg)
        return sql("({})", exact) if cells is None else sql("({} AND {})", cells, exact)

    def _cells(self, row: Point, centre: Point, radius_deg: float) -> Sql | None:
        """Write in which cells a row must be, if it has one and the centre tells."""
        if row.cell is None or row.around:
            return None
        if centre.at is not None:
            ranges = [
                sql("{} BETWEEN {} AND {}", row.cell, value(first), value(last))
                for first, last in self.cover(*centre.at, radius_deg)
            ]
            return sql("({})", joined(" OR ", ranges))
        fitting = [each for each in centre.around if NARROWEST_DEG / 2 ** each[0] > radius_deg]
        if not fitting:
            return None
        self.joins.append(row.cell)
        return _next_to(row.cell, *max(fitting, key=_order))

    def _holds_point(self, outer: Circle | Polygon | Footprint, point: Point) -> Sql:
        if isinstance(outer, Circle):
            return self.within(point, outer.centre, outer)
        test = sql("astrid_inside({}, {}, {})", corners_of(outer), point.ra, point.dec)
        return self._near(outer, point, test)

    def _circle_holds(self, outer: Circle, inner: Circle | Polygon | Footprint) -> Sql:
        if isinstance(inner, Circle):
            test = "({} + {} <= {})"
            return sql(test, distance(inner.centre, outer.centre), inner.radius, outer.radius)
        corners = (corners_of(inner), outer.centre.ra, outer.centre.dec, outer.radius)
        return self._near(outer, inner, sql("astrid_farthest({}, {}, {}) <= {}", *corners))

    def _holds_circle(self, outer: Polygon | Footprint, inner: Circle) -> Sql:
        parts = (corners_of(outer), inner.centre.ra, inner.centre.dec, inner.radius)
        return self._near(outer, inner, sql("astrid_circle_in_polygon({}, {}, {}, {})", *parts))

    def _meets_circle(self, area: Polygon | Footprint, circle: Circle) -> Sql:
        parts = (corners_of(area), circle.centre.ra, circle.centre.dec, circle.radius)
        return self._near(area, circle, sql("astrid_circle_meets({}, {}, {}, {})", *parts))

    def _near(self, a: Shape, b: Shape, test: Sql) -> Sql:
        """Ask first whether the circles round two shapes meet; that is cheap and has an index."""
        first, second = round_of(a), round_of(b)
        apart = sql(
            f"{{}} <= {{}} + {{}} + {_ROUNDING_DEG}",
            distance(first.circle.centre, second.circle.centre),
            first.circle.radius,
            second.circle.radius,
        )
        widest = first.widest_deg + second.widest_deg
        near = self._also_by_cells(first.circle.centre, second.circle.centre, widest, apart)
        # CASE, because PostgreSQL asks the parts of an AND in any order it likes.
        return sql("({} AND CASE WHEN {} THEN {} ELSE false END)", near, apart, test)


def _order(around: tuple[int, Sql]) -> int:
    return around[0]


def _next_to(cell: Sql, order: int, around: Sql) -> Sql:
    """Write that a cell lies in one of the nine of a list, of a lower order.

    Nine ranges, each of which an index can serve for a row of the other table.
    """
    shift = 2 * (ORDER - order)
    one = f"{{}} BETWEEN {{}}[%d] << {shift} AND (({{}}[%d] + 1) << {shift}) - 1"
    ranges = [sql(one % (k, k), cell, around, around) for k in range(1, 10)]
    return sql("({})", joined(" OR ", ranges))


@dataclass(frozen=True)
class Round:
    """A circle round a shape, and how wide it is at the most."""

    circle: Circle
    widest_deg: float


def round_of(shape: Shape) -> Round:
    """Give a circle round a shape."""
    if isinstance(shape, Point):
        return Round(Circle(shape, value(0.0), 0.0), 0.0)
    if isinstance(shape, Circle):
        unknown = 180.0
        return Round(shape, unknown if shape.radius_deg is None else shape.radius_deg)
    if isinstance(shape, Polygon):
        # A hair wider than the farthest corner: this is worked out in another way.
        wide = shape.radius_deg + 1e-9
        return Round(Circle(fixed(*shape.centre), value(wide), wide), wide)
    return Round(shape.circle, shape.widest_deg)


def corners_of(shape: Polygon | Footprint) -> Sql:
    """Write the corners of an area, as one list of degrees."""
    if isinstance(shape, Footprint):
        return shape.corners
    return value([float(number) for corner in shape.corners for number in corner])


def _sum(a: Circle, b: Circle) -> Circle:
    known = None if None in (a.radius_deg, b.radius_deg) else a.radius_deg + b.radius_deg  # type: ignore[operator]
    return Circle(a.centre, sql("({} + {})", a.radius, b.radius), known)
