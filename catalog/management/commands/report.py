"""Write the report of some days as one HTML file."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from astrid.core.commands import AstridCommand
from catalog.analytics import report
from catalog.analytics.forms import WantedForm
from catalog.analytics.views import name_of


class Command(AstridCommand):
    """``manage.py report --from 2026-03-01 --to 2026-03-31 --out march.html``."""

    help = "Writes what was done in some days as one HTML file that prints well."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Days, survey, band and file."""
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY")
        parser.add_argument("--survey", help="The name of one; all surveys unless given.")
        parser.add_argument("--band", default="", help="One filter band; all unless given.")
        parser.add_argument("--out", type=Path, metavar="FILE", help="Where to write it.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file and say where."""
        form = WantedForm(_given(options))
        if not form.is_valid():
            said = [str(each) for errors in form.errors.values() for each in errors]
            raise CommandError("; ".join(said))
        out = options["out"] or Path(name_of(form.wanted.first, form.wanted.last))
        out.write_text(report.written(form.wanted, None))
        self.stderr.write(f"wrote {out}")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options[name] for name in ("first", "last", "band") if options[name]}
    if options["survey"]:
        given["survey"] = _survey(options["survey"])
    return given


def _survey(name: str) -> Any:
    surveys = WantedForm.base_fields["survey"].queryset  # type: ignore[attr-defined]
    known = dict(surveys.values_list("name", "pk"))
    if name not in known:
        raise CommandError(f"no survey is called {name!r}; there are {', '.join(known)}")
    return known[name]
