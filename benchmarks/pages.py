"""Tables of the documentation that a benchmark writes itself."""

from collections.abc import Sequence
from pathlib import Path


def markers(name: str) -> tuple[str, str]:
    """Give the lines of a page between which the tables of a benchmark stand."""
    return f"<!-- benchmark {name}: begin -->", f"<!-- benchmark {name}: end -->"


def write(page: Path, name: str, tables: str) -> None:
    """Put the tables of a benchmark between its markers.

    Raises
    ------
    ValueError
        If the page has not both markers, in their order.
    """
    first, last = markers(name)
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {first} and {last} to put the tables between")
    page.write_text(f"{before}{begin}\n{tables}\n{end}{after}", encoding="utf-8")


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out as a Markdown table."""
    both = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in both)
