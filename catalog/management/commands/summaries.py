"""Compare the daily summaries with the archive, or write them anew."""

import argparse
import json
from typing import Any

from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from catalog.analytics import sums


class Command(AstridCommand):
    """``manage.py summaries check`` and ``manage.py summaries recount``."""

    help = "Compares the daily summaries with the archive itself, or counts everything anew."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what to do, and how to tell."""
        parser.add_argument("what", choices=["check", "recount", "fold"])
        parser.add_argument("--json", action="store_true", help="One JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; a check that finds differences fails."""
        if options["what"] == "recount":
            sums.recount()
        elif options["what"] == "fold":
            sums.fold()
        found = sums.differences()
        if options["json"]:
            lines = [vars(one) | {"day": str(one.day)} for one in found]
            self.stdout.write(json.dumps({"differences": lines}, default=int))
        else:
            self.stdout.write("\n".join(map(str, found)) or "The summaries fit the archive.")
        if found:
            raise CommandError(
                f"{len(found)} figures differ; mend them: manage.py summaries recount"
            )
