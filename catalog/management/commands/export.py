"""Write the rows of a query to a file."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from catalog.exports import service, writers
from catalog.models import ExportFormat, SavedQuery


class Command(AstridCommand):
    """Export catalog entries, objects, detections, candidates, observations, or any query."""

    help = "Write a table, or the answer of a query in ADQL, to a file (docs/exports.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to write, how, and where."""
        parser.add_argument(
            "query", nargs="?", help="a table such as astrid.detections, or SELECT ... in ADQL"
        )
        parser.add_argument("--saved", metavar="NAME", help="a saved query in place of one")
        parser.add_argument("--owner", metavar="USER", help="whose, where two have one of the name")
        parser.add_argument(
            "--format", choices=ExportFormat.values, help="by the ending of --out, else csv"
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="standard output by default")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, then say how much it was."""
        out: Path | None = options["out"]
        if options["json"] and out is None:
            raise CommandError(
                "--json prints figures where the rows would go: name a file by --out"
            )
        query, usual = _query(options)
        file_format = options["format"] or (usual if out is None else _by_ending(out))
        with opened(out) as file:
            number, rows = service.export(query, file_format, file)
        if options["json"]:
            columns = writers.schema_of(rows)
            said = {"file": str(out), "format": file_format, "rows": number, "columns": columns}
            self.stdout.write(json.dumps(said))
        else:
            self.stderr.write(f"{number} rows written to {out or 'standard output'}")


def _query(options: dict[str, Any]) -> tuple[str, str]:
    """Give the query, and the format that it is usually written in."""
    if bool(options["query"]) == bool(options["saved"]):
        raise CommandError("give either a query or --saved NAME")
    if options["query"]:
        return options["query"], ExportFormat.CSV
    found = SavedQuery.objects.filter(name=options["saved"]).select_related("owner")
    rows = [each for each in found if options["owner"] in (None, each.owner.get_username())]
    if len(rows) != 1:
        owners = ", ".join(each.owner.get_username() for each in found) or "nobody"
        raise CommandError(
            f"{len(rows)} saved queries fit {options['saved']!r}; such a one has {owners}: "
            "see Saved queries in the admin, and say --owner"
        )
    return rows[0].adql, rows[0].file_format


def _by_ending(out: Path) -> str:
    known = {f".{ending}": name for name, ending in writers.ENDINGS.items()}
    if out.suffix not in known:
        raise CommandError(
            f"{out}: no format has the ending {out.suffix or '(none)'}; "
            f"there are {', '.join(known)}, or say --format"
        )
    return known[out.suffix]


@contextmanager
def opened(out: Path | None) -> Iterator[IO[bytes]]:
    """Open standard output, or a file that gets its name once all of it is there."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = out.with_name(f".{out.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
