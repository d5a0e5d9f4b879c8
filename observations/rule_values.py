"""Strictly typed access to the tables of a rule file."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from astrid.core.errors import BadParameters


@dataclass(frozen=True)
class Table:
    """One table of a rule file; ``place`` is its name in messages."""

    file: str
    place: str
    values: dict[str, Any]

    def refuse(self, key: str, value: object, allowed: str) -> BadParameters:
        """Word a refusal: file, key, value, what is allowed."""
        where = f"{self.place}.{key}" if self.place else key
        return BadParameters(f"{self.file}: {where} is {value!r}; it must be {allowed}")

    def only(self, *keys: str) -> None:
        """Refuse keys that mean nothing."""
        for key in self.values:
            if key not in keys:
                where = f" in [{self.place}]" if self.place else ""
                raise BadParameters(
                    f"{self.file}: unknown key {key!r}{where}; allowed are {', '.join(keys)}"
                )

    def text(self, key: str, absent: str | None = None) -> str:
        """Text that is not empty, or ``absent`` when the key is not there."""
        if key not in self.values and absent is not None:
            return absent
        value = self.values.get(key)
        if not isinstance(value, str) or (not value.strip() and absent is None):
            raise self.refuse(key, value, "a text that is not empty")
        return value

    def flag(self, key: str, absent: bool) -> bool:
        """Read true or false."""
        value = self.values.get(key, absent)
        if not isinstance(value, bool):
            raise self.refuse(key, value, "true or false")
        return value

    def number(self, key: str, *, allow_zero: bool = False) -> float | None:
        """Positive number; None when the key is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not isfinite(value) or value < 0 or (value == 0 and not allow_zero):
            raise self.refuse(key, value, "zero or more" if allow_zero else "a number above zero")
        return float(value)

    def count(self, key: str) -> int | None:
        """Integer of 0 or more; None when the key is not there."""
        value = self.values.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value < 0
        ):
            raise self.refuse(key, value, "an integer of 0 or more")
        return value

    def moment(self, key: str) -> datetime:
        """Date and time, UTC unless it says otherwise; also as ISO text."""
        value = self.values[key]
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if not isinstance(moment, datetime):
            raise self.refuse(key, value, "a date and time such as 2018-08-04T09:23:31Z")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def regex(self, key: str) -> str:
        """Regular expression with exactly one group."""
        value = self.text(key)
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise self.refuse(key, value, f"a regular expression ({error})") from error
        if groups != 1:
            raise self.refuse(key, value, "a regular expression with one group (...)")
        return value

    def inner(self, key: str) -> "Table":
        """Table inside this one, empty when the key is not there."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.refuse(key, value, "a table")
        return Table(self.file, f"{self.place}.{key}" if self.place else key, value)

    def tables(self, key: str) -> list["Table"]:
        """Array of tables, empty when the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.refuse(key, value, f"an array of tables, written [[{key}]]")
        return [Table(self.file, f"{key}[{n}]", each) for n, each in enumerate(value, 1)]
