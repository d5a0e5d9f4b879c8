"""Look at every stored file that a row names."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import progress, show, table
from catalog import stored
from catalog.stored import Findings


class Command(AstridCommand):
    """Find lost and damaged files before somebody misses them."""

    help = "Check that every stored file is there and is what was written (docs/operations.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how closely to look."""
        parser.add_argument(
            "--presence", action="store_true", help="only ask whether they are there; read none"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at all of them, say what is lost; fail if anything is."""
        found = _verify(only_presence=options["presence"], quiet=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(_plain(found)))
        elif not found.is_whole:
            show(_table(found))
        if not found.is_whole:
            raise CommandError(
                f"{len(found.missing)} stored files are gone and {len(found.corrupt)} damaged, "
                f"{len(found.intact)} are whole: restore them from a backup, or run their stages "
                "again"
            )
        if not options["json"]:
            self.stdout.write(f"all {len(found.intact)} stored files are there and whole")


def _verify(*, only_presence: bool, quiet: bool) -> Findings:
    with progress(quiet=quiet) as bars:
        files = bars.track(stored.named(), total=stored.count(), description="files")
        return stored.verify(files, only_presence=only_presence)


def _plain(found: Findings) -> dict[str, Any]:
    return {
        "intact": len(found.intact),
        "missing": [vars(one) for one in found.missing],
        "corrupt": [vars(one) for one in found.corrupt],
    }


def _table(found: Findings) -> Any:
    rows = [[one.name, one.column, "gone"] for one in found.missing]
    rows += [[one.name, one.column, "damaged"] for one in found.corrupt]
    return table("stored files", ["file", "named by", "state"], rows)
