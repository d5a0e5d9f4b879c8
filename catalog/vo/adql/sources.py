"""The tables of a FROM, and how they are joined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.scope import Common, Field, Relation, Scope, relation_of, written
from catalog.vo.adql.sql import Sql, joined, sql
from catalog.vo.adql.syntax import Join, Name, NamedTable, QueryTable

if TYPE_CHECKING:
    from catalog.vo.adql.translate import Translator

MOST_TABLES = 60
_WORDS: Mapping[str, str] = {
    "INNER": "JOIN",
    "LEFT": "LEFT JOIN",
    "RIGHT": "RIGHT JOIN",
    "FULL": "FULL JOIN",
}


@dataclass(frozen=True)
class Written:
    """A piece of FROM, and the tables that it brings."""

    sql: Sql
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Sources:
    """Writes the tables of one SELECT."""

    translator: "Translator"
    outer: Scope | None
    common: Common

    @singledispatchmethod
    def write(self, source: Any) -> Written:
        """Write a table, or several joined."""
        raise TypeError(f"{type(source).__name__} is no table")

    @write.register
    def _named(self, source: NamedTable) -> Written:
        alias = self.translator.alias()
        name = written(source.path)
        if len(source.path) == 1 and source.path[0].key in self.common:
            made, outputs = self.common[source.path[0].key]
            names: tuple[str, ...] = ((source.alias or source.path[0]).text,)
            return Written(Sql(f"{made} AS {alias}"), (relation_of(alias, names, outputs),))
        table = self.translator.published.find(name)
        names = (source.alias.text,) if source.alias else tuple(table.name.split("."))
        columns = ", ".join(f'"{each.name}"' for each in table.columns)
        fields = tuple(
            Field(each.name, Sql(f'{alias}."{each.name}"', about=each), each.is_hidden)
            for each in table.columns
        )
        text = f"({table.statement}) AS {alias} ({columns})"
        relation = Relation(names, fields, table.place, table.area)
        return Written(Sql(text, table.parameters), (relation,))

    @write.register
    def _query(self, source: QueryTable) -> Written:
        made = self.translator.query(source.query, self.outer, self.common)
        alias = self.translator.alias()
        columns = ", ".join(f"c{k}" for k in range(1, len(made.outputs) + 1))
        text = sql(f"({{}}) AS {alias} ({columns})", made.sql)
        return Written(text, (relation_of(alias, (source.alias.text,), made.outputs),))

    @write.register
    def _join(self, join: Join) -> Written:
        left, right = self.write(join.left), self.write(join.right)
        if join.kind == "CROSS":
            return Written(sql("({} CROSS JOIN {})", left.sql, right.sql), _both(left, right))
        shared = self._shared(join, left, right)
        condition = _equal(shared, left, right) if shared else self._condition(join, left, right)
        text = sql(f"({{}} {_WORDS[join.kind]} {{}} ON {{}})", left.sql, right.sql, condition)
        if shared:
            left, right = _merge(join.kind, shared, left, right)
        return Written(text, _both(left, right))

    def _condition(self, join: Join, left: Written, right: Written) -> Sql:
        if join.condition is None:
            raise AdqlError("JOIN takes ON and a condition, or USING and columns")
        scope = Scope(_both(left, right), self.outer)
        return self.translator.writer(scope, self.common).write(join.condition)

    def _shared(self, join: Join, left: Written, right: Written) -> Sequence[Name]:
        if not join.is_natural:
            return join.shared
        if join.condition is not None or join.shared:
            raise AdqlError("a NATURAL JOIN takes neither ON nor USING")
        names = [Name(each, is_quoted=True) for each in _labels(left)]
        common = [each for each in names if each.text in set(_labels(right))]
        if not common:
            raise AdqlError("the tables of a NATURAL JOIN have no column in common")
        return common


def _both(left: Written, right: Written) -> tuple[Relation, ...]:
    return (*left.relations, *right.relations)


def _labels(side: Written) -> Iterable[str]:
    fields = (each for relation in side.relations for each in relation.fields)
    return list(dict.fromkeys(each.label for each in fields if not each.is_hidden))


def _equal(shared: Sequence[Name], left: Written, right: Written) -> Sql:
    pairs = [
        sql(
            "{} = {}",
            Scope(left.relations).resolve((name,)),
            Scope(right.relations).resolve((name,)),
        )
        for name in shared
    ]
    return sql("({})", joined(" AND ", pairs))


def _merge(
    kind: str, shared: Sequence[Name], left: Written, right: Written
) -> tuple[Written, Written]:
    """Let each shared column be named once: it is that of the side that always has it."""
    whole = _coalesced(shared, left, right) if kind == "FULL" else ()
    kept, dropped = (right, left) if kind == "RIGHT" else (left, right)
    for name in shared:
        for relation in dropped.relations:
            relation.merged |= {each.label for each in relation.fields if each.is_called(name)}
    if whole:
        kept = replace(kept, relations=whole)
    return (dropped, kept) if kind == "RIGHT" else (kept, dropped)


def _coalesced(shared: Sequence[Name], left: Written, right: Written) -> tuple[Relation, ...]:
    made = {}
    for name in shared:
        a, b = (Scope(each.relations).resolve((name,)) for each in (left, right))
        made[id(a)] = replace(sql("coalesce({}, {})", a, b), about=a.about)
    return tuple(
        replace(
            relation,
            fields=tuple(replace(f, sql=made.get(id(f.sql), f.sql)) for f in relation.fields),
        )
        for relation in left.relations
    )
