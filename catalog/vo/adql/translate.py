"""A whole query, written as PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.expressions import Writer
from catalog.vo.adql.geometry import Cover, Predicates
from catalog.vo.adql.schema import Published
from catalog.vo.adql.scope import Common, Field, Output, Scope
from catalog.vo.adql.sources import MOST_TABLES, Sources
from catalog.vo.adql.sql import Sql, joined, sql, value
from catalog.vo.adql.syntax import (
    Body,
    ColumnName,
    Expression,
    Item,
    Literal,
    Query,
    Select,
    SetOperation,
    Sort,
    Star,
)


@dataclass(frozen=True)
class Statement:
    """A statement that is ready to run.

    ``needs_index`` where tables are joined by cells: the database cannot guess how few rows meet,
    and must not look at all of them.
    """

    text: str
    parameters: tuple[Any, ...]
    outputs: tuple[Output, ...]
    needs_index: bool = False


def translate(query: Query, published: Published, cover: Cover, limit: int) -> Statement:
    """Write a query over published tables that gives ``limit`` rows at the most.

    Parameters
    ----------
    cover : callable
        Gives the ranges of HEALPix cells of a cone: (ra, dec, radius), all in degrees.

    Raises
    ------
    AdqlError
        If it names what is not published, or has no meaning.
    """
    predicates = Predicates(cover)
    written = Translator(published, predicates).query(query, None, {}, limit)
    made = written.sql
    return Statement(made.text, made.parameters, written.outputs, bool(predicates.joins))


@dataclass(frozen=True)
class Written:
    """A query that has been written, and the columns of its answer."""

    sql: Sql
    outputs: tuple[Output, ...]


@dataclass
class Translator:
    """Writes queries; one of these per whole query, so that no two tables are called the same."""

    published: Published
    predicates: Predicates
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def query(
        self, query: Query, outer: Scope | None, common: Common, limit: int | None = None
    ) -> Written:
        """Write a query, with its order and limits."""
        heads = []
        for name, inner in query.tables:
            made = self.query(inner, outer, common)
            alias = self.alias()
            heads.append(sql(f"{alias} ({_numbered(len(made.outputs))}) AS ({{}})", made.sql))
            common = {**common, name.key: (alias, made.outputs)}
        body, scope = self._body(query.body, outer, common)
        tail = self._tail(query, body, scope, common, limit)
        head = sql("WITH {} ", joined(", ", heads)) if heads else Sql("")
        return replace(body, sql=sql("{}{}{}", head, body.sql, tail))

    def alias(self) -> str:
        """Give a name that no table has yet."""
        number = next(self.numbers)
        if number > MOST_TABLES:
            raise AdqlError(f"the query uses more than {MOST_TABLES} tables")
        return f"t{number}"

    def _body(
        self, body: Body, outer: Scope | None, common: Common
    ) -> tuple[Written, Scope | None]:
        if isinstance(body, Select):
            return self._select(body, outer, common)
        if isinstance(body, Query):
            made = self.query(body, outer, common)
            return replace(made, sql=sql("({})", made.sql)), None
        return self._set_operation(body, outer, common), None

    def _set_operation(self, body: SetOperation, outer: Scope | None, common: Common) -> Written:
        left = self.query(_as_query(body.left), outer, common)
        right = self.query(_as_query(body.right), outer, common)
        if len(left.outputs) != len(right.outputs):
            numbers = f"{len(left.outputs)} and {len(right.outputs)}"
            raise AdqlError(f"the sides of {body.word} have {numbers} columns")
        word = f"{body.word} ALL" if body.is_all else body.word
        return Written(sql(f"({{}}) {word} ({{}})", left.sql, right.sql), left.outputs)

    def _tail(
        self,
        query: Query,
        body: Written,
        scope: Scope | None,
        common: Common,
        limit: int | None,
    ) -> Sql:
        pieces = []
        if query.order:
            keys = [self._sort(each, body.outputs, scope, common) for each in query.order]
            pieces.append(sql(" ORDER BY {}", joined(", ", keys)))
        top = query.body.top if isinstance(query.body, Select) else None
        limits = [each for each in (top, limit) if each is not None]
        if limits:
            pieces.append(sql(" LIMIT {}", value(min(limits))))
        if query.offset is not None:
            pieces.append(sql(" OFFSET {}", value(query.offset)))
        return joined("", pieces) if pieces else Sql("")

    def _sort(
        self, sort: Sort, outputs: Sequence[Output], scope: Scope | None, common: Common
    ) -> Sql:
        # Missing values last, whichever way: they are what nobody asks for first.
        way = " DESC NULLS LAST" if sort.is_descending else " ASC NULLS LAST"
        return sql(f"{{}}{way}", self._key(sort.expression, outputs, scope, common))

    def _key(
        self, node: Expression, outputs: Sequence[Output], scope: Scope | None, common: Common
    ) -> Sql:
        position = _position(node, outputs)
        if position is not None:
            return Sql(str(position))
        if scope is None:
            raise AdqlError("what a UNION and the like is ordered by must be one of its columns")
        return self.writer(scope, common).write(node)

    def _select(self, select: Select, outer: Scope | None, common: Common) -> tuple[Written, Scope]:
        sources = Sources(self, outer, common)
        tables = [sources.write(each) for each in select.sources]
        scope = Scope(tuple(r for each in tables for r in each.relations), outer)
        writer = self.writer(scope, common)
        columns, outputs = self._columns(select.items, writer)
        pieces = [sql("SELECT {}{}", Sql("DISTINCT " * select.is_distinct), joined(", ", columns))]
        if tables:
            pieces.append(sql("FROM {}", joined(", ", (each.sql for each in tables))))
        if select.where is not None:
            pieces.append(sql("WHERE {}", writer.write(select.where)))
        if select.group:
            keys = [writer.write(each) for each in select.group]
            pieces.append(sql("GROUP BY {}", joined(", ", keys)))
        if select.having is not None:
            pieces.append(sql("HAVING {}", writer.write(select.having)))
        return Written(joined(" ", pieces), outputs), scope

    def writer(self, scope: Scope, common: Common) -> Writer:
        """Give what writes the expressions of a query."""

        def subquery(query: Query, outer: Scope) -> Sql:
            return self.query(query, outer, common).sql

        return Writer(scope, subquery, self.predicates)

    def _columns(
        self, items: Sequence[Star | Item], writer: Writer
    ) -> tuple[list[Sql], tuple[Output, ...]]:
        columns, outputs = [], []
        for number, item in enumerate(items, 1):
            if isinstance(item, Star):
                found = writer.scope.all_of(item.path)
            else:
                found = [Field(_label(item, number), writer.write(item.expression))]
            columns += [each.sql for each in found]
            outputs += [Output(each.label, each.sql.about) for each in found]
        return columns, tuple(outputs)


def _label(item: Item, number: int) -> str:
    if item.label is not None:
        return item.label.text
    if isinstance(item.expression, ColumnName):
        return item.expression.path[-1].text
    return f"col{number}"


def _position(node: Expression, outputs: Sequence[Output]) -> int | None:
    """Give which column of the answer a key of the order means, by its label or its number."""
    if isinstance(node, Literal) and isinstance(node.value, int):
        if not 1 <= node.value <= len(outputs):
            raise AdqlError(f"ORDER BY {node.value}: the answer has {len(outputs)} columns")
        return node.value
    if not isinstance(node, ColumnName) or len(node.path) > 1:
        return None
    name = node.path[0]
    fits = [
        k for k, o in enumerate(outputs, 1) if o.label == name.text or o.label.lower() == name.key
    ]
    return fits[0] if len(fits) == 1 else None


def _as_query(body: Body) -> Query:
    return body if isinstance(body, Query) else Query(body)


def _numbered(number: int) -> str:
    return ", ".join(f"c{k}" for k in range(1, number + 1))
