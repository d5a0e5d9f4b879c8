"""What commands write: progress and tables on standard error, results on standard output."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

stderr = Console(stderr=True)
# Columns that no table reaches.
UNBOUNDED = 100_000


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Show one bar per stage on standard error while the block runs."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, disable=quiet) as bars:
        yield bars


def table(title: str, header: list[str], rows: list[list[str]]) -> Table:
    """Lay rows out as a table, numbers to the right."""
    found = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        found.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        found.add_row(*row)
    return found


def show(found: Table) -> None:
    """Print a table on standard error; where that is no terminal, as wide as it needs."""
    if stderr.is_terminal:
        stderr.print(found)
        return
    needed = Measurement.get(stderr, stderr.options.update(width=UNBOUNDED), found).maximum
    Console(file=stderr.file, width=needed).print(found)
