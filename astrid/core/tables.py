"""JSON as tables of a page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join

_LONGEST_LIST = 24  # a histogram of 20 bins is shown whole, seeds of a hundred scenes are not


def as_table(value: Any) -> str:
    """Show JSON as an HTML table: an object as name and value, a list of objects as rows."""
    if _is_grid(value):
        return _grid(value)
    if isinstance(value, Mapping) and value:
        return _table((), [(name, _cell(each)) for name, each in _flat(value)])
    return shown(value) or "none"


def _is_grid(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _cell(value: Any) -> str:
    return _grid(value) if _is_grid(value) else shown(value)


def _grid(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _table(names, [[shown(row.get(name, "")) for name in names] for row in rows])


def _flat(value: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping) and each:
            yield from _flat(each, f"{before}{name} · ")
        else:
            yield f"{before}{name}", each


def shown(value: Any) -> str:
    """Write a figure with at most six digits, a long list by its ends, anything else as it is."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return _listed([shown(each) for each in value])
    return "" if value is None or value in ({}, "") else str(value)


def _listed(words: list[str]) -> str:
    if len(words) <= _LONGEST_LIST:
        return ", ".join(words)
    return f"{', '.join(words[:3])}, … {words[-1]} ({len(words)} values)"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = format_html_join("", "<th>{}</th>", ([name] for name in header))
    lines = (format_html_join("", "<td>{}</td>", ([cell] for cell in row)) for row in rows)
    body = format_html_join("", "<tr>{}</tr>", ([line] for line in lines))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)
