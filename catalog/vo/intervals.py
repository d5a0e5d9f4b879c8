"""Regions and intervals of SIA parameters, as conditions of a query.

Reference: Dowler et al. 2015, Simple Image Access 2.0, section 2.1; DALI 1.1, section 3.3.
"""

import math
from itertools import pairwise

import numpy as np

from catalog.vo.adql.syntax import (
    Call,
    ColumnName,
    Expression,
    Junction,
    Literal,
    Name,
    Operation,
)
from catalog.vo.errors import BadValue
from catalog.vo.requests import finite

_PIECE_RA, _PIECE_DEC, _STEPS = 40.0, 90.0, 80


def column(name: str) -> ColumnName:
    """Name a column."""
    return ColumnName((Name(name),))


def any_of(terms: list[Expression]) -> Expression:
    """Ask that one of several conditions holds."""
    return terms[0] if len(terms) == 1 else Junction("OR", tuple(terms))


def position(text: str) -> Expression:
    """Read a value of POS: CIRCLE, RANGE or POLYGON; images that meet it are wanted.

    Raises
    ------
    BadValue
        If it is none of these, or its numbers cannot be.
    """
    kind, *words = text.split() or [""]
    shape = kind.upper()
    if shape == "RANGE" and len(words) == 4:
        return _range(words)
    numbers = [finite("POS", each) for each in words]
    if (shape == "CIRCLE" and len(numbers) == 3) or (shape == "POLYGON" and len(numbers) >= 6):
        return _meets(shape, numbers)
    raise BadValue(
        f"POS is {text[:80]!r}; it must be CIRCLE ra dec radius, RANGE ra ra dec dec, or POLYGON "
        "and at least three corners, all in degrees"
    )


def _meets(shape: str, numbers: list[float]) -> Expression:
    area = Call(shape, tuple(Literal(each) for each in numbers))
    return Operation("=", Call("INTERSECTS", (column("s_region"), area)), Literal(1))


def _range(words: list[str]) -> Expression:
    """Cover a range of coordinates with polygons, whose long sides follow the parallels."""
    left, right = _bounds("POS", words[0], words[1], 0.0, 360.0)
    low, high = _bounds("POS", words[2], words[3], -90.0, 90.0)
    if (left, right, low, high) == (0.0, 360.0, -90.0, 90.0):
        return Operation("=", Literal(1), Literal(1))
    pieces = [
        _meets("POLYGON", _outline(*sides, *ends))
        for sides in pairwise(_cuts(left, right, _PIECE_RA))
        for ends in pairwise(_cuts(low, high, _PIECE_DEC))
    ]
    return any_of(pieces)


def _cuts(start: float, end: float, longest: float) -> list[float]:
    number = max(1, math.ceil((end - start) / longest))
    return [float(each) for each in np.linspace(start, end, number + 1)]


def _outline(left: float, right: float, low: float, high: float) -> list[float]:
    along = np.linspace(left, right, _STEPS + 1)
    corners = [(ra, low) for ra in along] + [(ra, high) for ra in along[::-1]]
    return [float(number) for corner in corners for number in corner]


def overlaps(name: str, text: str, first: str, last: str) -> Expression:
    """Ask that the interval between two columns has something in common with one that is given."""
    low, high = _interval(name, text)
    return Junction(
        "AND",
        (
            Operation("<=", column(first), Literal(high)),
            Operation(">=", column(last), Literal(low)),
        ),
    )


def lies_in(name: str, text: str, among: str) -> Expression:
    """Ask that a column lies in an interval that is given."""
    return overlaps(name, text, among, among)


def equals(among: str, text: str) -> Expression:
    """Ask that a column has a value."""
    return Operation("=", column(among), Literal(text))


_LARGEST = 1.7976931348623157e308


def _interval(name: str, text: str) -> tuple[float, float]:
    words = text.split()
    if len(words) not in (1, 2):
        raise BadValue(f"{name} is {text[:60]!r}; it must be one number, or two that span a range")
    return _bounds(name, words[0], words[-1], -_LARGEST, _LARGEST)


def _bounds(name: str, first: str, last: str, least: float, most: float) -> tuple[float, float]:
    low = least if first.lower() == "-inf" else finite(name, first)
    high = most if last.lower() in ("+inf", "inf") else finite(name, last)
    if not least <= low <= high <= most:
        raise BadValue(
            f"{name} has the range {first} to {last}; it must rise, within {least:g} to {most:g}"
        )
    return low, high
