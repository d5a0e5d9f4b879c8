"""The tree of a query."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Name:
    """A name as written: capitals count only in quotation marks."""

    text: str
    is_quoted: bool = False

    @property
    def key(self) -> str:
        """What it is compared by."""
        return self.text if self.is_quoted else self.text.lower()


Path: TypeAlias = tuple[Name, ...]


@dataclass(frozen=True)
class Literal:
    """A number, a text, a truth value, or nothing."""

    value: str | int | float | bool | None


@dataclass(frozen=True)
class ColumnName:
    """A column, with its table if that was written."""

    path: Path


@dataclass(frozen=True)
class Call:
    """A function of arguments; ``quantifier`` is DISTINCT, ALL or empty."""

    name: str
    arguments: "tuple[Expression, ...]"
    quantifier: str = ""


@dataclass(frozen=True)
class CountRows:
    """``COUNT(*)``."""


@dataclass(frozen=True)
class Operation:
    """Two values and what stands between them: arithmetic, ``||``, or a comparison."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Sign:
    """A value with a sign before it."""

    operator: str
    value: "Expression"


@dataclass(frozen=True)
class Junction:
    """Conditions that all hold (AND), or of which one does (OR)."""

    word: str
    terms: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Not:
    """The contrary."""

    value: "Expression"


@dataclass(frozen=True)
class Between:
    """A value within two others."""

    value: "Expression"
    low: "Expression"
    high: "Expression"
    is_negated: bool


@dataclass(frozen=True)
class InList:
    """A value that is one of several."""

    value: "Expression"
    options: "tuple[Expression, ...]"
    is_negated: bool


@dataclass(frozen=True)
class InQuery:
    """A value that a query finds."""

    value: "Expression"
    query: "Query"
    is_negated: bool


@dataclass(frozen=True)
class Like:
    """A text that fits a pattern."""

    value: "Expression"
    pattern: "Expression"
    is_negated: bool
    ignores_case: bool


@dataclass(frozen=True)
class IsNull:
    """A value that is missing."""

    value: "Expression"
    is_negated: bool


@dataclass(frozen=True)
class Exists:
    """A query that finds something."""

    query: "Query"


@dataclass(frozen=True)
class Scalar:
    """The one value that a query finds."""

    query: "Query"


@dataclass(frozen=True)
class Cast:
    """A value made into another type; ``sizes`` are the numbers in brackets."""

    value: "Expression"
    type_name: str
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """The value of the first condition that holds."""

    whens: "tuple[tuple[Expression, Expression], ...]"
    otherwise: "Expression | None" = None


Expression: TypeAlias = (
    Literal
    | ColumnName
    | Call
    | CountRows
    | Operation
    | Sign
    | Junction
    | Not
    | Between
    | InList
    | InQuery
    | Like
    | IsNull
    | Exists
    | Scalar
    | Cast
    | Case
)


@dataclass(frozen=True)
class Star:
    """All columns, or all of one table."""

    path: Path = ()


@dataclass(frozen=True)
class Item:
    """One column of an answer."""

    expression: Expression
    label: Name | None = None


@dataclass(frozen=True)
class NamedTable:
    """A published table, or one that WITH made."""

    path: Path
    alias: Name | None = None


@dataclass(frozen=True)
class QueryTable:
    """A query that stands for a table."""

    query: "Query"
    alias: Name


@dataclass(frozen=True)
class Join:
    """Two tables side by side; ``kind`` is INNER, LEFT, RIGHT, FULL or CROSS."""

    left: "Source"
    right: "Source"
    kind: str
    is_natural: bool = False
    condition: Expression | None = None
    shared: Path = ()


Source: TypeAlias = NamedTable | QueryTable | Join


@dataclass(frozen=True)
class Select:
    """One SELECT."""

    items: tuple[Star | Item, ...]
    sources: tuple[Source, ...] = ()
    where: Expression | None = None
    group: tuple[Expression, ...] = ()
    having: Expression | None = None
    top: int | None = None
    is_distinct: bool = False


@dataclass(frozen=True)
class SetOperation:
    """Two answers made into one: UNION, EXCEPT or INTERSECT."""

    word: str
    is_all: bool
    left: "Body"
    right: "Body"


@dataclass(frozen=True)
class Sort:
    """One key of an order."""

    expression: Expression
    is_descending: bool = False


@dataclass(frozen=True)
class Query:
    """A whole query, or one in brackets."""

    body: "Body"
    order: tuple[Sort, ...] = ()
    offset: int | None = None
    tables: "tuple[tuple[Name, Query], ...]" = field(default=())


Body: TypeAlias = Select | SetOperation | Query
