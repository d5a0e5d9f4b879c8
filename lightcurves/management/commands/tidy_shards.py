"""Find, and delete, shards of light curves that no row names."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from lightcurves.orphans import delete_orphans, find_orphans


class Command(AstridCommand):
    """Tidy up after processes that ended between a shard and its rows."""

    help = "List shards of light curves that no row names (docs/lightcurves.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whether they go."""
        parser.add_argument("--delete", action="store_true", help="delete them, too")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say which there are, or were."""
        found = delete_orphans() if options["delete"] else list(find_orphans())
        if options["json"]:
            shown = {"deleted": options["delete"], "shards": [asdict(one) for one in found]}
            self.stdout.write(json.dumps(shown))
            return
        for one in found:
            self.stdout.write(f"{one.name}  {one.bytes / 1e6:.1f} MB")
        done = "deleted" if options["delete"] else "named by no row; --delete deletes them"
        self.stdout.write(f"{len(found)} shards {done}")
