"""Points, circles, polygons and areas of a query, read and checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from astrid.core.corners import circle_round
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.schema import Area, Place
from catalog.vo.adql.scope import Relation, Scope
from catalog.vo.adql.sql import Sql, value
from catalog.vo.adql.syntax import Call, ColumnName, Expression, Literal, Operation, Sign

_FRAMES = ("ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER", "UNKNOWNFRAME", "")


@dataclass(frozen=True)
class Point:
    """A position; ``at`` where it is a constant, ``cell`` where it is that of indexed rows.

    ``around`` gives, per order, the list of the cells that are next to a row's.
    """

    ra: Sql
    dec: Sql
    at: tuple[float, float] | None = None
    cell: Sql | None = None
    around: tuple[tuple[int, Sql], ...] = ()


@dataclass(frozen=True)
class Circle:
    """All within ``radius`` degrees of a point; ``radius_deg`` where that is a constant."""

    centre: Point
    radius: Sql
    radius_deg: float | None = None


@dataclass(frozen=True)
class Polygon:
    """Corners, degrees, joined by great circles, and the circle round them."""

    corners: tuple[tuple[float, float], ...]
    centre: tuple[float, float]
    radius_deg: float


@dataclass(frozen=True)
class Footprint:
    """The area of a row: its corners, and the circle round it that stands in where none are."""

    corners: Sql
    circle: Circle
    widest_deg: float


Shape: TypeAlias = Point | Circle | Polygon | Footprint
GEOMETRIES = ("POINT", "CIRCLE", "BOX", "POLYGON")


@dataclass(frozen=True)
class Reader:
    """Reads the shapes of one place of a query."""

    scope: Scope
    write: Callable[[Expression], Sql]

    def shape(self, node: Expression) -> Shape:
        """Read any shape.

        Raises
        ------
        AdqlError
            If it is none, or its numbers cannot be.
        """
        if isinstance(node, ColumnName):
            return self._footprint(node)
        if not isinstance(node, Call) or node.name not in GEOMETRIES:
            raise AdqlError(f"a geometry is needed here: {', '.join(GEOMETRIES)} or an area column")
        arguments = _without_frame(node)
        if node.name == "POINT":
            return self._point(arguments)
        if node.name == "CIRCLE":
            return self._circle(arguments)
        return _box(arguments) if node.name == "BOX" else _polygon(arguments)

    def point(self, node: Expression) -> Point:
        """Read a point, or the centre of a shape with CENTROID."""
        if isinstance(node, Call) and node.name == "CENTROID" and len(node.arguments) == 1:
            return self.centre(self.shape(node.arguments[0]))
        found = self.shape(node)
        if not isinstance(found, Point):
            raise AdqlError("a POINT is needed here")
        return found

    def centre(self, shape: Shape) -> Point:
        """Give the middle of a shape."""
        if isinstance(shape, Point):
            return shape
        if isinstance(shape, Polygon):
            return fixed(*shape.centre)
        return (shape if isinstance(shape, Circle) else shape.circle).centre

    def _point(self, arguments: Sequence[Expression]) -> Point:
        if len(arguments) != 2:
            raise AdqlError("POINT takes a right ascension and a declination")
        ra, dec = (constant(each) for each in arguments)
        if ra is not None and dec is not None:
            return fixed(ra, dec)
        ra_sql, dec_sql = (self.write(each) for each in arguments)
        place = self._place(ra_sql, dec_sql)
        if place is None:
            return Point(ra_sql, dec_sql)
        relation, named = place
        around = tuple((order, relation.column(name)) for order, name in named.around)
        return Point(ra_sql, dec_sql, cell=relation.column(named.cell), around=around)

    def _place(self, ra: Sql, dec: Sql) -> tuple[Relation, Place] | None:
        relation = self.scope.owner(ra)
        if relation is None or relation.place is None:
            return None
        place = relation.place
        if relation.column(place.ra) is not ra or relation.column(place.dec) is not dec:
            return None
        return relation, place

    def _circle(self, arguments: Sequence[Expression]) -> Circle:
        if len(arguments) == 2:
            centre = self.point(arguments[0])
        elif len(arguments) == 3:
            centre = self._point(arguments[:2])
        else:
            raise AdqlError("CIRCLE takes a centre and a radius in degrees")
        radius = constant(arguments[-1])
        if radius is None:
            return Circle(centre, self.write(arguments[-1]))
        if not 0 <= radius <= 180:
            raise AdqlError(f"the radius is {radius}; it must lie in 0 to 180 degrees")
        return Circle(centre, value(radius), radius)

    def _footprint(self, node: ColumnName) -> Footprint:
        column = self.scope.resolve(node.path)
        relation = self.scope.owner(column)
        if relation is None or relation.area is None or relation.place is None:
            raise AdqlError(f"column {node.path[-1].text!r} is no area")
        if relation.column(relation.area.name) is not column:
            raise AdqlError(f"column {node.path[-1].text!r} is no area; {relation.area.name} is")
        return footprint_of(relation, relation.place, relation.area)


def footprint_of(relation: Relation, place: Place, area: Area) -> Footprint:
    """Give the area of a table's rows."""
    ra, dec, cell = (relation.column(each) for each in (place.ra, place.dec, place.cell))
    circle = Circle(Point(ra, dec, cell=cell), relation.column(area.radius))
    return Footprint(relation.column(area.corners), circle, area.widest())


def fixed(ra: float, dec: float) -> Point:
    """Make a point of two numbers, or say why they are none."""
    check_angles(ra, dec)
    return Point(value(ra % 360), value(dec), at=(ra % 360, dec))


def check_angles(ra: float, dec: float) -> None:
    """Refuse a position that is not on the sky."""
    if not 0 <= ra <= 360:
        raise AdqlError(f"the right ascension is {ra}; it must lie in 0 to 360 degrees")
    if not -90 <= dec <= 90:
        raise AdqlError(f"the declination is {dec}; it must lie in -90 to 90 degrees")


def _without_frame(node: Call) -> Sequence[Expression]:
    first = node.arguments[0] if node.arguments else None
    if not isinstance(first, Literal) or not isinstance(first.value, str):
        return node.arguments
    if first.value.upper().strip() not in _FRAMES:
        raise AdqlError(f"coordinates in {first.value!r} are not served, only 'ICRS'")
    return node.arguments[1:]


def _numbers(name: str, arguments: Sequence[Expression]) -> list[float]:
    found: list[float] = []
    for each in arguments:
        if isinstance(each, Call) and each.name == "POINT":
            found += _numbers(name, _without_frame(each))
        elif (number := constant(each)) is None:
            raise AdqlError(f"the corners of {name} must be numbers, not columns")
        else:
            found.append(number)
    return found


def _box(arguments: Sequence[Expression]) -> Polygon:
    numbers = _numbers("BOX", arguments)
    if len(numbers) != 4:
        raise AdqlError("BOX takes a centre, a width and a height in degrees")
    ra, dec, width, height = numbers
    check_angles(ra, dec)
    if not (0 < width < 180 and 0 < height < 180 and abs(dec) + height / 2 < 90):
        raise AdqlError(f"a BOX of {width} by {height} degrees there is not served; use POLYGON")
    sides = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return polygon([((ra + x * width / 2) % 360, dec + y * height / 2) for x, y in sides])


def _polygon(arguments: Sequence[Expression]) -> Polygon:
    numbers = _numbers("POLYGON", arguments)
    if len(numbers) % 2:
        raise AdqlError(f"POLYGON has {len(numbers)} numbers; each corner takes two")
    return polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


def polygon(corners: Sequence[tuple[float, float]]) -> Polygon:
    """Make a polygon of its corners.

    Raises
    ------
    AdqlError
        If it has fewer than 3 corners or more than 200, or does not fit in half the sky.
    """
    for corner in corners:
        check_angles(*corner)
    try:
        ra, dec, farthest = circle_round(corners)
    except ValueError as error:
        raise AdqlError(str(error)) from error
    return Polygon(tuple(corners), (ra, dec), farthest)


def constant(node: Expression) -> float | None:
    """Work out an expression of numbers; None where it is anything else."""
    if isinstance(node, Literal):
        is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return float(node.value) if is_number and node.value is not None else None
    if isinstance(node, Sign):
        inner = constant(node.value)
        return None if inner is None else -inner if node.operator == "-" else inner
    if isinstance(node, Operation) and node.operator in _ARITHMETIC:
        left, right = constant(node.left), constant(node.right)
        if left is None or right is None or (node.operator == "/" and right == 0):
            return None
        return _ARITHMETIC[node.operator](left, right)
    return None


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
