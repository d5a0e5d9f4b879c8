"""Tables of the documentation that a benchmark writes itself."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path


def markers(name: str) -> tuple[str, str]:
    """Give the lines of a page between which the tables of a benchmark stand."""
    return f"<!-- benchmark {name}: begin -->", f"<!-- benchmark {name}: end -->"


def page_for(name: str) -> Callable[[str], Path]:
    """Give what reads from the command line the name of a page with both markers of a benchmark.

    So that no benchmark runs for nothing.
    """

    def read(text: str) -> Path:
        try:
            parted(Path(text), name)
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        if not os.access(text, os.W_OK):
            raise argparse.ArgumentTypeError(f"{text} cannot be written")
        return Path(text)

    return read


def parted(page: Path, name: str) -> tuple[str, str]:
    """Give what stands on a page before and behind the tables of a benchmark.

    Raises
    ------
    ValueError
        If the page has not both markers, in their order.
    """
    first, last = markers(name)
    before, begin, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {first} and {last} to put the tables between")
    return before, after


def write(page: Path, name: str, tables: str) -> None:
    """Put the tables of a benchmark between its markers.

    Raises
    ------
    ValueError
        If the page has not both markers, in their order.
    """
    before, after = parted(page, name)
    first, last = markers(name)
    page.write_text(f"{before}{first}\n{tables}\n{last}{after}", encoding="utf-8")


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out as a Markdown table."""
    both = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in both)
