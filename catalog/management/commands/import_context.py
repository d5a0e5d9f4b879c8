"""Take catalogues of others in: stars, variables, asteroids."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from catalog.audit import by_operator
from detection.contextimport import LAYOUTS, Taken, take_in


class Command(AstridCommand):
    """Copy what others know of the sky into the sky index of this site."""

    help = "Take files of Gaia, VSX or asteroid positions in (docs/context.md); each once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which catalogue, and its files."""
        parser.add_argument("catalog", choices=sorted(LAYOUTS))
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--release", default="", help="of the catalogue, for the record: DR3")
        parser.add_argument(
            "--replace", action="store_true", help="remove what files of before have given"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take every file in, and say what became of its rows."""
        found: list[Taken] = []
        for number, path in enumerate(options["files"]):
            # Of several files, only the first takes the place of those before.
            replaces = options["replace"] and number == 0
            with by_operator("import_context"):
                taken = take_in(
                    options["catalog"], path, release=options["release"], replaces=replaces
                )
            found.append(taken)
            if not options["json"]:
                self._say(path, taken)
        if options["json"]:
            self.stdout.write(json.dumps({"files": [_as_json(each) for each in found]}))

    def _say(self, path: Path, taken: Taken) -> None:
        if not taken.is_new:
            self.stdout.write(f"{path}: was taken in before, nothing changed")
            return
        row = taken.catalog
        self.stdout.write(f"{path}: {row.sources} sources taken in, {row.refused} rows refused")
        for reason in row.refusals:
            self.stderr.write(f"  {reason}")


def _as_json(taken: Taken) -> dict[str, Any]:
    row = taken.catalog
    return {
        "catalog": str(row.pk),
        "file": row.file_name,
        "sha256": row.sha256,
        "is_new": taken.is_new,
        "sources": row.sources,
        "refused": row.refused,
        "refusals": row.refusals,
    }
