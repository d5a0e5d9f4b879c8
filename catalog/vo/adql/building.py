"""Makes the nodes of a query's tree while its text is read."""

import math
from typing import Any

from lark import Token, Transformer, v_args

from catalog.vo.adql.errors import AdqlError
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
    Item,
    Join,
    Junction,
    Like,
    Literal,
    Name,
    NamedTable,
    Not,
    Operation,
    Path,
    Query,
    QueryTable,
    Scalar,
    Select,
    SetOperation,
    Sign,
    Sort,
    Source,
    Star,
)

_MOST_DIGITS = 18  # what a long holds for certain


def _is(token: Any, kind: str) -> bool:
    return isinstance(token, Token) and token.type == kind


def builder() -> Transformer[Token, Any]:
    """Give what makes a tree, for the parser to call rule by rule."""
    return _Builder()


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes each rule of the grammar a node; each method is named as its rule."""

    def name(self, token: Token) -> Name:
        quoted = _is(token, "QUOTED")
        return Name(token[1:-1].replace('""', '"') if quoted else str(token), quoted)

    def integer(self, token: Token) -> Literal:
        return Literal(_whole(token))

    def real(self, token: Token) -> Literal:
        if not math.isfinite(value := float(token)):
            raise AdqlError(f"the number {token} is too large")
        return Literal(value)

    def string(self, *tokens: Token) -> Literal:
        return Literal("".join(each[1:-1].replace("''", "'") for each in tokens))

    def null(self) -> Literal:
        return Literal(None)

    def true(self) -> Literal:
        return Literal(True)

    def false(self) -> Literal:
        return Literal(False)

    def column(self, path: Path) -> ColumnName:
        return ColumnName(path)

    def quantifier(self, token: Token) -> str:
        return token.upper()

    def call(self, name: Name, *rest: Any) -> Call:
        quantifier = rest[0] if rest and isinstance(rest[0], str) else ""
        return Call(name.key.upper(), tuple(rest[1:] if quantifier else rest), quantifier)

    def count_rows(self, name: Name) -> CountRows:
        if name.key != "count":
            raise AdqlError(f"{name.text}(*) is no function; only COUNT(*) takes a star")
        return CountRows()

    def side(self, token: Token, text: Expression, length: Expression) -> Call:
        return Call(token.upper(), (text, length))

    def arithmetic(self, left: Expression, token: Token, right: Expression) -> Operation:
        return Operation(str(token), left, right)

    comparison = arithmetic

    def concat(self, left: Expression, right: Expression) -> Operation:
        return Operation("||", left, right)

    def sign(self, token: Token, value: Expression) -> Sign:
        return Sign(str(token), value)

    def or_(self, left: Expression, right: Expression) -> Junction:
        return _junction("OR", left, right)

    def and_(self, left: Expression, right: Expression) -> Junction:
        return _junction("AND", left, right)

    def not_(self, value: Expression) -> Not:
        return Not(value)

    def between(self, value: Expression, *rest: Any) -> Between:
        *negated, low, high = rest
        return Between(value, low, high, bool(negated))

    def in_list(self, value: Expression, *options: Any) -> InList:
        negated = _is(options[0], "NOT")
        return InList(value, tuple(options[1:] if negated else options), negated)

    def in_query(self, value: Expression, *rest: Any) -> InQuery:
        return InQuery(value, rest[-1], len(rest) > 1)

    def like(self, value: Expression, *rest: Any) -> Like:
        return Like(value, rest[-1], len(rest) > 2, _is(rest[-2], "ILIKE"))

    def is_null(self, value: Expression, *negated: Token) -> IsNull:
        return IsNull(value, bool(negated))

    def exists(self, query: Query) -> Exists:
        return Exists(query)

    def scalar_query(self, query: Query) -> Scalar:
        return Scalar(query)

    def type(self, name: Name, *rest: Any) -> tuple[str, tuple[int, ...]]:
        words = [name, *(each for each in rest if isinstance(each, Name))]
        sizes = tuple(_whole(each) for each in rest if isinstance(each, Token))
        return " ".join(each.key.upper() for each in words), sizes

    def cast(self, value: Expression, type_: tuple[str, tuple[int, ...]]) -> Cast:
        return Cast(value, *type_)

    def when(self, condition: Expression, value: Expression) -> tuple[Expression, Expression]:
        return condition, value

    def case(self, *parts: Any) -> Case:
        whens = tuple(each for each in parts if isinstance(each, tuple))
        return Case(whens, parts[-1] if len(parts) > len(whens) else None)

    def dotted(self, *parts: Any) -> Path:
        return (*(parts[0] if len(parts) > 1 else ()), parts[-1])

    path = dotted

    def star(self, path: Path = ()) -> Star:
        return Star(path)

    def item(self, expression: Expression, label: Name | None = None) -> Item:
        return Item(expression, label)

    def items(self, *items: Item | Star) -> dict[str, Any]:
        return {"items": items}

    def top(self, token: Token) -> dict[str, Any]:
        return {"top": _whole(token)}

    def from_(self, *sources: Any) -> dict[str, Any]:
        return {"sources": sources}

    def where(self, condition: Expression) -> dict[str, Any]:
        return {"where": condition}

    def group(self, *keys: Expression) -> dict[str, Any]:
        return {"group": keys}

    def having(self, condition: Expression) -> dict[str, Any]:
        return {"having": condition}

    def select(self, *parts: Any) -> Select:
        clauses: dict[str, Any] = {}
        for part in parts:
            clauses |= {"is_distinct": part == "DISTINCT"} if isinstance(part, str) else part
        return Select(**clauses)

    def named_table(self, path: Path, alias: Name | None = None) -> NamedTable:
        return NamedTable(path, alias)

    def query_table(self, query: Query, alias: Name) -> QueryTable:
        return QueryTable(query, alias)

    def kind(self, token: Token) -> str:
        return token.upper()

    def on(self, condition: Expression) -> dict[str, Any]:
        return {"condition": condition}

    def using(self, *shared: Name) -> dict[str, Any]:
        return {"shared": shared}

    def join(self, left: Source, *rest: Any) -> Join:
        natural = _is(rest[0], "NATURAL")
        kinds = [each for each in rest if type(each) is str]
        rule = rest[-1] if isinstance(rest[-1], dict) else {}
        (right,) = (each for each in rest if isinstance(each, Source))
        return Join(left, right, kinds[0] if kinds else "INNER", natural, **rule)

    def cross_join(self, left: Source, right: Source) -> Join:
        return Join(left, right, "CROSS")

    def set_operator(self, *tokens: Token) -> tuple[str, bool]:
        return tokens[0].upper(), len(tokens) > 1

    intersect = set_operator

    def set_query(self, left: Any, word: tuple[str, bool], right: Any) -> SetOperation:
        return SetOperation(*word, left, right)

    def nested(self, query: Query) -> Query:
        return query

    def sort(self, expression: Expression, token: Token | None = None) -> Sort:
        return Sort(expression, token is not None and _is(token, "DESC"))

    def order(self, *keys: Sort) -> dict[str, Any]:
        return {"order": keys}

    def offset(self, token: Token) -> dict[str, Any]:
        return {"offset": _whole(token)}

    def named_query(self, name: Name, query: Query) -> tuple[Name, Query]:
        return name, query

    def common(self, *tables: tuple[Name, Query]) -> dict[str, Any]:
        return {"tables": tables}

    def query(self, *parts: Any) -> Query:
        clauses: dict[str, Any] = {}
        for part in parts:
            clauses |= part if isinstance(part, dict) else {"body": part}
        return Query(**clauses)


def _junction(word: str, left: Expression, right: Expression) -> Junction:
    # A AND B AND C is one junction of three, however long: not a tree as deep as the list.
    if isinstance(left, Junction) and left.word == word:
        return Junction(word, (*left.terms, right))
    return Junction(word, (left, right))


def _whole(token: Token) -> int:
    if len(token) > _MOST_DIGITS:
        raise AdqlError(f"the number {token[:40]} is too large; write it as a decimal number")
    return int(token)
