"""What a caller asks, read from the address or a form; names of parameters have no capitals.

Reference: Dowler et al. 2017, Data Access Layer Interface 1.1, section 2.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.http import QueryDict
from rest_framework.request import Request

from catalog.vo.errors import BadValue, TooLarge

MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """The parameters of a request, each with all its values."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read the parameters of a request.

        Raises
        ------
        TooLarge
            If it is longer than any query or table that is read.
        BadValue
            If a value has characters that cannot be.
        """
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            raise TooLarge(f"the request is longer than {MOST_BYTES} bytes")
        found: dict[str, tuple[str, ...]] = {}
        for given in (request.query_params, request.data):
            for name, values in given.lists() if isinstance(given, QueryDict) else ():
                texts = tuple(each for each in values if isinstance(each, str))
                found[name.upper()] = (*found.get(name.upper(), ()), *_clean(name, texts))
        return cls({name: values for name, values in found.items() if values})

    def many(self, name: str) -> tuple[str, ...]:
        """Give all values of a parameter."""
        return self.values.get(name, ())

    def one(self, name: str, default: str = "") -> str:
        """Give the value of a parameter, or the default.

        Raises
        ------
        BadValue
            If it has several that differ.
        """
        values = set(self.many(name))
        if len(values) > 1:
            raise BadValue(f"{name} is given {len(self.many(name))} times; give it once")
        return values.pop() if values else default

    def needed(self, name: str) -> str:
        """Give the value of a parameter that must be there."""
        if not (value := self.one(name)):
            raise BadValue(f"{name} is missing")
        return value

    def rows(self, default: int, most: int) -> int:
        """Give how many rows are wanted: MAXREC, but no more than may be asked for."""
        text = self.one("MAXREC")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise BadValue(f"MAXREC is {text[:40]!r}; it must be a whole number, 0 or more")
        return min(int(text), most)


def _clean(name: str, values: Iterable[str]) -> Iterable[str]:
    for value in values:
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise BadValue(f"{name[:40]} has characters that no text has")
        yield value.strip()


def finite(name: str, text: str) -> float:
    """Read a number.

    Raises
    ------
    BadValue
        If it is none, NaN, or infinite.
    """
    try:
        value = float(text)
    except ValueError:
        raise BadValue(f"{name} is {text[:40]!r}; it must be a number") from None
    if not math.isfinite(value):
        raise BadValue(f"{name} is {text[:40]!r}; it must be a finite number")
    return value


def within(name: str, text: str, low: float, high: float) -> float:
    """Read a number that lies between two others."""
    value = finite(name, text)
    if not low <= value <= high:
        raise BadValue(f"{name} is {value:g}; it must lie in {low:g} to {high:g}")
    return value
