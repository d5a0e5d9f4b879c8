"""From the text of a query to its tree."""

from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path as File

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from catalog.vo.adql.building import builder
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.syntax import Query

LONGEST = 100_000  # characters
DEEPEST = 120  # brackets and operators within one another
GRAMMAR = File(__file__).with_name("grammar.lark")


def parse(text: str) -> Query:
    """Read a query.

    Raises
    ------
    AdqlError
        If it is too long or too deep, or no query: with the line, the column, and what could
        have stood there.
    """
    if len(text) > LONGEST:
        raise AdqlError(f"the query has {len(text)} characters; at most {LONGEST} are read")
    if "\0" in text:
        raise AdqlError("the query contains a character of code 0")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise AdqlError(_explain(error, text)) from None
    _check_depth(tree)
    return tree  # type: ignore[return-value]  # the transformer makes Query of it


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR.read_text(), parser="lalr", start="start", transformer=builder())


def _explain(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedEOF) or getattr(error, "token", Token("", "")).type == "$END":
        place = "at its end"
    else:
        near = text[error.pos_in_stream or 0 :][:30].split("\n")[0]
        place = f"at line {error.line}, column {error.column}, near {near!r}"
    wanted: set[str] = set()
    if isinstance(error, UnexpectedToken):
        wanted = {_WORDS.get(each, each) for each in error.expected}
    elif isinstance(error, UnexpectedCharacters):
        wanted = {_WORDS.get(each, each) for each in error.allowed or ()}
    hint = f"; expected {', '.join(sorted(wanted))}" if 0 < len(wanted) <= 12 else ""
    return f"the query cannot be read {place}{hint}. Only SELECT queries of ADQL are answered"


_WORDS = {
    "$END": "the end",
    "<END-OF-FILE>": "the end",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "DOT": "'.'",
    "SEMICOLON": "';'",
    "NAME": "a name",
    "QUOTED": "a name in quotation marks",
    "INTEGER": "a whole number",
    "REAL": "a number",
    "STRING": "a text",
    "PLUS": "'+'",
    "MINUS": "'-'",
    "STAR": "'*'",
    "SLASH": "'/'",
    "COMPARISON": "a comparison",
    "__ANON_0": "'||'",
}


def _check_depth(tree: object) -> None:
    # Not by recursion: that is what too deep a tree would break.
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > 3 * DEEPEST:
            raise AdqlError(f"the query is nested more than about {DEEPEST} deep; write it flatter")
        if isinstance(node, tuple):
            waiting += [(each, depth + 1) for each in node]
        elif is_dataclass(node):
            waiting += [(getattr(node, each.name), depth + 1) for each in fields(node)]
