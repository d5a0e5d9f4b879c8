"""The functions that a query may call, each with what it is in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.sql import Sql, joined, sql

MANY = 100


@dataclass(frozen=True)
class Function:
    """How a function is written for each number of arguments, or with any number of them."""

    forms: Mapping[int, str]
    any_number: str = ""

    def numbers(self) -> str:
        """Say how many arguments it takes."""
        return "1 or more" if self.any_number else " or ".join(map(str, self.forms))


def _of(*templates: str) -> Function:
    return Function({each.count("{}"): each for each in templates})


def _many(name: str) -> Function:
    return Function({}, any_number=name)


_AS_NUMBER = "({})::numeric"

FUNCTIONS: Mapping[str, Function] = {
    **{
        name: _of(f"{name.lower()}({{}})")
        for name in (
            "ABS", "CEILING", "DEGREES", "EXP", "FLOOR", "RADIANS", "SQRT", "SIGN",
            "ACOS", "ASIN", "ATAN", "COS", "COT", "SIN", "TAN", "LOWER", "UPPER",
        )
    },
    "LOG": _of("ln({})"),
    "LOG10": _of("log({})"),
    "PI": _of("pi()"),
    "RAND": _of("random()"),
    "ATAN2": _of("atan2({}, {})"),
    "POWER": _of("power(({})::float8, ({})::float8)"),
    "MOD": _of(f"mod({_AS_NUMBER}, {_AS_NUMBER})::float8"),
    "ROUND": _of("round({})", f"round({_AS_NUMBER}, {{}})::float8"),
    "TRUNCATE": _of("trunc({})", f"trunc({_AS_NUMBER}, {{}})::float8"),
    "CHAR_LENGTH": _of("char_length({})"),
    "LENGTH": _of("char_length({})"),
    "TRIM": _of("btrim({})"),
    "LTRIM": _of("ltrim({})"),
    "RTRIM": _of("rtrim({})"),
    "LEFT": _of("left({}, {})"),
    "RIGHT": _of("right({}, {})"),
    "SUBSTRING": _of("substring({} from {})", "substring({} from {} for {})"),
    "NULLIF": _of("nullif({}, {})"),
    "CONCAT": _many("concat"),
    "COALESCE": _many("coalesce"),
    "GREATEST": _many("greatest"),
    "LEAST": _many("least"),
    "IVO_NOCASEMATCH": _of("(lower({}) LIKE lower({}))::int"),
}  # fmt: skip
AGGREGATES = ("COUNT", "SUM", "AVG", "MIN", "MAX")
TYPES: Mapping[str, str] = {
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "INT": "integer",
    "BIGINT": "bigint",
    "REAL": "real",
    "FLOAT": "float8",
    "DOUBLE": "float8",
    "DOUBLE PRECISION": "float8",
    "CHAR": "text",
    "VARCHAR": "text",
    "TEXT": "text",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamptz",
}


def call(name: str, arguments: Sequence[Sql], quantifier: str) -> Sql:
    """Write a call of a function or an aggregate.

    Raises
    ------
    AdqlError
        If no such function may be called, or not with so many arguments.
    """
    if name in AGGREGATES:
        return _aggregate(name, arguments, quantifier)
    if quantifier:
        raise AdqlError(f"{quantifier} has no meaning in {name}(), which is no aggregate")
    if name not in FUNCTIONS:
        raise AdqlError(f"no function is called {name}; there are {', '.join(sorted(known()))}")
    return _plain(name, arguments).measured_in(_unit(name, arguments))


def _plain(name: str, arguments: Sequence[Sql]) -> Sql:
    function, number = FUNCTIONS[name], len(arguments)
    if function.any_number and 1 <= number <= MANY:
        return sql(function.any_number + "({})", joined(", ", arguments))
    if number not in function.forms:
        raise AdqlError(f"{name}() has {number} arguments; it takes {function.numbers()}")
    return sql(function.forms[number], *arguments)


def _unit(name: str, arguments: Sequence[Sql]) -> str:
    """Give the unit of an outcome: a fixed one, or that of the first argument."""
    if name not in _KEEPING or not arguments or arguments[0].about is None:
        return _UNITS.get(name, "")
    return arguments[0].about.unit


_UNITS = {"DEGREES": "deg", **dict.fromkeys(("RADIANS", "ACOS", "ASIN", "ATAN", "ATAN2"), "rad")}
_KEEPING = ("ABS", "CEILING", "COALESCE", "FLOOR", "GREATEST", "LEAST", "ROUND", "SUM", "TRUNCATE")


def known() -> set[str]:
    """Name all functions and aggregates apart from those of geometry."""
    return {*FUNCTIONS, *AGGREGATES}


def _aggregate(name: str, arguments: Sequence[Sql], quantifier: str) -> Sql:
    if len(arguments) != 1:
        raise AdqlError(f"{name}() has {len(arguments)} arguments; it takes 1")
    (argument,) = arguments
    written = sql(
        f"{name.lower()}({'DISTINCT ' if quantifier == 'DISTINCT' else ''}{{}})", argument
    )
    # The largest of a column is still what the column is; a count or a sum of angles is not.
    if name in ("MIN", "MAX", "AVG"):
        return replace(written, about=argument.about)
    return written.measured_in(_unit(name, arguments))
