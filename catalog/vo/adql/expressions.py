"""Values and conditions, written as PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from astrid.core.corners import area_of
from catalog.vo.adql import functions
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.geometry import Predicates, distance
from catalog.vo.adql.healpix import index_of
from catalog.vo.adql.scope import Scope
from catalog.vo.adql.shapes import GEOMETRIES, Circle, Point, Polygon, Reader, constant
from catalog.vo.adql.sql import Sql, joined, sql, value
from catalog.vo.adql.syntax import (
    Between,
    Call,
    Case,
    Cast,
    ColumnName,
    CountRows,
    Exists,
    Expression,
    InList,
    InQuery,
    IsNull,
    Junction,
    Like,
    Literal,
    Not,
    Operation,
    Query,
    Scalar,
    Sign,
)

_CONDITIONS = ("CONTAINS", "INTERSECTS")
_COMPARISONS = ("=", "<>", "!=", "<", ">", "<=", ">=")
MOST_OPTIONS = 10_000


@dataclass(frozen=True)
class Writer:
    """Writes the expressions of one query; ``subquery`` writes a query inside it."""

    scope: Scope
    subquery: Callable[[Query, Scope], Sql]
    predicates: Predicates

    @property
    def reader(self) -> Reader:
        """Reads the shapes of this query."""
        return Reader(self.scope, self.write)

    @singledispatchmethod
    def write(self, node: Any) -> Sql:
        """Write an expression.

        Raises
        ------
        AdqlError
            If it names what there is not, or uses something in a way that has no meaning.
        """
        raise TypeError(f"{type(node).__name__} is no expression")

    @write.register
    def _literal(self, node: Literal) -> Sql:
        return value(node.value)

    @write.register
    def _column(self, node: ColumnName) -> Sql:
        return self.scope.resolve(node.path)

    @write.register
    def _sign(self, node: Sign) -> Sql:
        return sql(f"({node.operator} {{}})", self.write(node.value))

    @write.register
    def _count(self, _: CountRows) -> Sql:
        return Sql("count(*)")

    @write.register
    def _junction(self, node: Junction) -> Sql:
        parts = [self.write(each) for each in node.terms]
        return sql("({})", joined(f" {node.word} ", parts))

    @write.register
    def _not(self, node: Not) -> Sql:
        return sql("(NOT {})", self.write(node.value))

    @write.register
    def _between(self, node: Between) -> Sql:
        word = "NOT BETWEEN" if node.is_negated else "BETWEEN"
        parts = (self.write(each) for each in (node.value, node.low, node.high))
        return sql(f"({{}} {word} {{}} AND {{}})", *parts)

    @write.register
    def _in_list(self, node: InList) -> Sql:
        if len(node.options) > MOST_OPTIONS:
            raise AdqlError(f"IN lists {len(node.options)} values; at most {MOST_OPTIONS}")
        word = "NOT IN" if node.is_negated else "IN"
        options = joined(", ", (self.write(each) for each in node.options))
        return sql(f"({{}} {word} ({{}}))", self.write(node.value), options)

    @write.register
    def _in_query(self, node: InQuery) -> Sql:
        word = "NOT IN" if node.is_negated else "IN"
        return sql(f"({{}} {word} {{}})", self.write(node.value), self._inner(node.query))

    @write.register
    def _like(self, node: Like) -> Sql:
        word = "ILIKE" if node.ignores_case else "LIKE"
        negated = "NOT " if node.is_negated else ""
        # ADQL has no escape character, PostgreSQL would take the backslash for one.
        form = f"({{}} {negated}{word} {{}} ESCAPE '')"
        return sql(form, self.write(node.value), self.write(node.pattern))

    @write.register
    def _is_null(self, node: IsNull) -> Sql:
        return sql(f"({{}} IS {'NOT ' * node.is_negated}NULL)", self.write(node.value))

    @write.register
    def _exists(self, node: Exists) -> Sql:
        return sql("(EXISTS {})", self._inner(node.query))

    @write.register
    def _scalar(self, node: Scalar) -> Sql:
        return self._inner(node.query)

    def _inner(self, query: Query) -> Sql:
        return sql("({})", self.subquery(query, self.scope))

    @write.register
    def _cast(self, node: Cast) -> Sql:
        if node.type_name not in functions.TYPES:
            allowed = ", ".join(functions.TYPES)
            raise AdqlError(f"CAST to {node.type_name} is not served, only to {allowed}")
        made = sql(f"({{}})::{functions.TYPES[node.type_name]}", self.write(node.value))
        if functions.TYPES[node.type_name] != "text" or not node.sizes:
            return made
        return sql("left({}, {})", made, value(node.sizes[0]))

    @write.register
    def _case(self, node: Case) -> Sql:
        parts = [sql("WHEN {} THEN {}", self.write(a), self.write(b)) for a, b in node.whens]
        if node.otherwise is not None:
            parts.append(sql("ELSE {}", self.write(node.otherwise)))
        return sql("(CASE {} END)", joined(" ", parts))

    @write.register
    def _operation(self, node: Operation) -> Sql:
        if node.operator in _COMPARISONS:
            return self._comparison(node)
        return sql(f"({{}} {node.operator} {{}})", self.write(node.left), self.write(node.right))

    def _comparison(self, node: Operation) -> Sql:
        return (
            self._truth(node.left, node.operator, node.right)
            or self._truth(node.right, node.operator, node.left)
            or self._nearness(node)
            or sql(f"({{}} {node.operator} {{}})", self.write(node.left), self.write(node.right))
        )

    def _truth(self, call: Expression, operator: str, number: Expression) -> Sql | None:
        """Write ``CONTAINS(…) = 1`` as the condition that it is, which an index can serve."""
        if not isinstance(call, Call) or call.name not in _CONDITIONS:
            return None
        wanted = constant(number)
        if operator not in ("=", "<>", "!=") or wanted not in (0, 1):
            return None
        is_true = (wanted == 1) == (operator == "=")
        return self._condition(call) if is_true else sql("(NOT {})", self._condition(call))

    def _nearness(self, node: Operation) -> Sql | None:
        """Write ``DISTANCE(…) < r`` by cells as well."""
        left, operator, right = node.left, node.operator, node.right
        if operator in (">", ">="):
            left, operator, right = right, operator.replace(">", "<"), left
        if operator not in ("<", "<=") or not isinstance(left, Call) or left.name != "DISTANCE":
            return None
        radius = constant(right)
        if radius is None or not 0 <= radius <= 180:
            return None
        a, b = self._two_points(left)
        near = self.predicates.within(a, b, Circle(b, value(radius), radius))
        exact = sql(f"{{}} {operator} {{}}", distance(a, b), value(radius))
        return sql("({} AND {})", near, exact)

    @write.register
    def _call(self, node: Call) -> Sql:
        if node.name in _CONDITIONS:
            return sql("(CASE WHEN {} THEN 1 ELSE 0 END)", self._condition(node))
        if node.name in _GEOMETRIC:
            made = _GEOMETRIC[node.name](self, node)
            return made.measured_in(_UNITS.get(node.name, ""))
        if node.name in GEOMETRIES:
            raise AdqlError(f"{node.name} can be compared with, but is no value of its own")
        arguments = [self.write(each) for each in node.arguments]
        return functions.call(node.name, arguments, node.quantifier)

    def _condition(self, node: Call) -> Sql:
        if len(node.arguments) != 2:
            raise AdqlError(f"{node.name}() has {len(node.arguments)} arguments; it takes 2")
        a, b = (self.reader.shape(each) for each in node.arguments)
        contains = node.name == "CONTAINS"
        return self.predicates.contains(a, b) if contains else self.predicates.intersects(a, b)

    def _two_points(self, node: Call) -> tuple[Point, Point]:
        given = node.arguments
        if len(given) == 4:
            given = tuple(Call("POINT", given[k : k + 2]) for k in (0, 2))
        if len(given) != 2:
            raise AdqlError("DISTANCE takes two points, or four coordinates")
        return self.reader.point(given[0]), self.reader.point(given[1])

    def _distance(self, node: Call) -> Sql:
        return distance(*self._two_points(node))

    def _first(self, node: Call) -> Sql:
        return self._point_of(node).ra

    def _second(self, node: Call) -> Sql:
        return self._point_of(node).dec

    def _point_of(self, node: Call) -> Point:
        if len(node.arguments) != 1:
            raise AdqlError(f"{node.name}() takes one point")
        return self.reader.point(node.arguments[0])

    def _frame(self, _: Call) -> Sql:
        return value("ICRS")

    def _area(self, node: Call) -> Sql:
        shape = self.reader.shape(node.arguments[0]) if len(node.arguments) == 1 else None
        if isinstance(shape, Circle):
            # Of a cap: 2 pi (1 - cos r) sr; 129600/pi times that in square degrees over 2 pi.
            return sql("(129600 / pi() * (1 - cos(radians({}))) / 2)", shape.radius)
        if isinstance(shape, Polygon):
            return value(area_of(shape.corners))
        raise AdqlError("AREA is served for circles, boxes and polygons, not for columns")

    def _cell(self, node: Call) -> Sql:
        return index_of(node, self.reader)


_UNITS = {"DISTANCE": "deg", "COORD1": "deg", "COORD2": "deg", "AREA": "deg**2"}
_GEOMETRIC: dict[str, Callable[[Writer, Call], Sql]] = {
    "DISTANCE": Writer._distance,
    "COORD1": Writer._first,
    "COORD2": Writer._second,
    "COORDSYS": Writer._frame,
    "AREA": Writer._area,
    "IVO_HEALPIX_INDEX": Writer._cell,
}
