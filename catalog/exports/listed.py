"""Rows that are in memory, as files are written of."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from catalog.exports.reading import PART_ROWS
from catalog.vo.adql.schema import Column
from catalog.vo.types import converter, written


@dataclass(frozen=True)
class ListedRows:
    """Some rows, and what their columns are."""

    columns: tuple[Column, ...]
    lines: Sequence[tuple[Any, ...]]

    def parts(self) -> Iterator[list[tuple[Any, ...]]]:
        """Give them from the beginning."""
        for start in range(0, len(self.lines), PART_ROWS):
            yield list(self.lines[start : start + PART_ROWS])

    def number_and_widths(self) -> tuple[int, list[int]]:
        """Count the rows, and the bytes of the longest text of each column."""
        values = zip(*self.lines, strict=True) if self.lines else ([] for _ in self.columns)
        widths = [
            max((len(_text(each).encode()) for each in column), default=0) for column in values
        ]
        return len(self.lines), widths

    def copy_csv(self, out: IO[bytes]) -> int:
        """Write them as CSV; give their number."""
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([one.name for one in self.columns])
        converters = [converter(one) for one in self.columns]
        writer.writerows(
            [_cell(convert(value)) for convert, value in zip(converters, line, strict=True)]
            for line in self.lines
        )
        text.detach()
        return len(self.lines)


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _text(value: Any) -> str:
    return "" if value is None else str(written(value))
