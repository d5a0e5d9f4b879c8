"""Take light curves in."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.array_stores import STORES
from astrid.core.commands import AstridCommand
from astrid.core.console import progress
from lightcurves.choosing import store_for_new
from lightcurves.importing.batch import Outcome, import_files
from lightcurves.importing.places import Places
from lightcurves.reading.files import ENDINGS

# Files written in one transaction: enough that a commit costs little, few enough for memory.
TOGETHER = 32


class Command(AstridCommand):
    """Take in files of light curves; what is known already changes nothing."""

    help = "Take in light curves of TESS, Kepler, K2 and ZTF (docs/lightcurves.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files and where their arrays go."""
        parser.add_argument(
            "files", type=Path, nargs="+", help=f"files or folders of them: {', '.join(ENDINGS)}"
        )
        parser.add_argument(
            "--store",
            choices=["auto", *STORES],
            default="auto",
            help="where the arrays go, auto: to the database until there are many curves; "
            "manage.py move_lightcurves moves them later",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then say what happened to every file."""
        files = [file for path in options["files"] for file in found(path)]
        if not files:
            raise CommandError(f"no file there ends in {', '.join(ENDINGS)}")
        began = time.perf_counter()
        outcomes, places = list[Outcome](), Places()
        with progress(quiet=options["json"]) as bars:
            bar = bars.add_task("import", total=len(files))
            for first in range(0, len(files), TOGETHER):
                some = files[first : first + TOGETHER]
                outcomes += import_files(some, places, STORES[chosen(options["store"])])
                bars.advance(bar, len(some))
        self._tell(outcomes, time.perf_counter() - began, as_json=options["json"])

    def _tell(self, outcomes: Sequence[Outcome], seconds: float, *, as_json: bool) -> None:
        figures = summary(outcomes, seconds)
        self.stdout.write(json.dumps(figures) if as_json else sentence(figures))
        for one in figures["notes"]:
            self.stderr.write(f"{one['file']}: {one['note']}")
        for one in figures["refusals"]:
            self.stderr.write(f"refused {one['file']}: {one['reason']}")
        if figures["refused"]:
            raise CommandError(
                f"{figures['refused']} of {figures['files']} files refused", returncode=1
            )


def chosen(store: str) -> str:
    """Name the store, which may be told by how many curves there are."""
    return store_for_new() if store == "auto" else store


def found(path: Path) -> list[Path]:
    """Give the file, or those below a folder that may be light curves."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.name.lower().endswith(ENDINGS))


def summary(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Give what an import did, as JSON."""
    states = [one.state for one in outcomes]
    return {
        "files": len(outcomes),
        **{state: states.count(state) for state in ("new", "known", "refused")},
        "datasets": sum(one.datasets for one in outcomes),
        "notes": [{"file": str(one.file), "note": note} for one in outcomes for note in one.notes],
        "refusals": [
            {"file": str(one.file), "reason": one.reason} for one in outcomes if one.reason
        ],
        "seconds": round(seconds, 3),
    }


def sentence(figures: dict[str, Any]) -> str:
    """Give what an import did, in words."""
    return (
        f"{figures['files']} files: {figures['new']} new with {figures['datasets']} datasets, "
        f"{figures['known']} known, {figures['refused']} refused, in {figures['seconds']:.1f} s"
    )
