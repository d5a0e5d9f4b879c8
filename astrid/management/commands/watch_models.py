"""Look whether the scores of networks drift."""

import json
from typing import Any

from django.core.management.base import CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import show, table
from catalog.watching import watch_models
from detection.models import DriftWeek

HEADER = ["network", "survey", "week", "candidates", "PSI", "by chance", "level"]


class Command(AstridCommand):
    """Bring the weeks up to date, raise the alerts that follow, and print where things stand."""

    help = "Compare the scores of each week and survey with the first weeks; done daily by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Watch and print."""
        turns = watch_models()
        rows = [_facts(each) for each in DriftWeek.objects.select_related("model", "survey")]
        if options["json"]:
            counts = {"new_alarms": len(turns.begun), "over": len(turns.over)}
            self.stdout.write(json.dumps({"weeks": rows, **counts}))
            return
        show(table("Weeks", HEADER, [[str(value) for value in row.values()] for row in rows]))
        self.stdout.write(f"{len(turns.begun)} new alarms, {len(turns.over)} over")


def _facts(week: DriftWeek) -> dict[str, Any]:
    return {
        "model": str(week.model),
        "survey": str(week.survey),
        "monday": week.monday.isoformat(),
        "candidates": week.candidates,
        "psi": week.psi,
        "by_chance": week.by_chance,
        "level": week.level,
    }
