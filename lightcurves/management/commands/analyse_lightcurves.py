"""Analyse stored light curves."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.console import progress
from lightcurves.analysing import ANALYSES, analyse
from lightcurves.errors import BadLightCurve
from lightcurves.exporting.tables import with_all
from lightcurves.models import CurveFeatures, DataSet


class Command(AstridCommand):
    """Analyse curves; a curve that cannot be analysed costs only itself."""

    help = "Detrend, clip, bin, measure, find periods and transits (docs/lightcurves.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to do, with which curves."""
        parser.add_argument("analysis", choices=list(ANALYSES))
        parser.add_argument("--dataset", type=int, nargs="+", metavar="ID", help="these curves")
        parser.add_argument("--target", type=int, nargs="+", metavar="ID", help="of these targets")
        parser.add_argument("--source", metavar="NAME", help="of this photometric source")
        parser.add_argument(
            "--processing",
            metavar="NAME",
            help="processed so; without it and --dataset, curves that are not derived here",
        )
        parser.add_argument(
            "--set",
            type=setting,
            nargs="+",
            default=[],
            metavar="NAME=VALUE",
            help="parameters, as width=0.5",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Analyse, then say what was made of every curve."""
        name = options["analysis"]
        parameters = ANALYSES[name].read(dict(word.split("=", 1) for word in options["set"]))
        datasets = chosen(options)
        with progress(quiet=options["json"]) as bars:
            tracked = bars.track(datasets, description=name)
            outcomes = [outcome(key, name, parameters) for key in tracked]
        self._tell(name, parameters, outcomes, as_json=options["json"])

    def _tell(
        self, name: str, parameters: Any, outcomes: Sequence[dict[str, Any]], *, as_json: bool
    ) -> None:
        refused = [one for one in outcomes if "reason" in one]
        figures = {
            "analysis": name,
            "version": ANALYSES[name].version,
            "parameters": asdict(parameters),
            "datasets": len(outcomes),
            "refused": len(refused),
            "made": [one for one in outcomes if "reason" not in one],
            "refusals": refused,
        }
        self.stdout.write(json.dumps(figures) if as_json else sentence(figures))
        for one in refused:
            self.stderr.write(f"refused {one['reason']}")
        if refused:
            raise CommandError(f"{len(refused)} of {len(outcomes)} curves refused", returncode=1)


def setting(word: str) -> str:
    """Check that a word is NAME=VALUE.

    Raises
    ------
    ArgumentTypeError
        If it is not of that form.
    """
    name, equals, _ = word.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{word!r} is not NAME=VALUE")
    return word


def chosen(options: dict[str, Any]) -> list[int]:
    """Give the keys of the curves asked for.

    Raises
    ------
    CommandError
        If there is none, or one that was named does not exist.
    """
    rows = DataSet.objects.order_by("pk")
    wanted = {
        "pk__in": options["dataset"],
        "target__in": options["target"],
        "photometric_method__name": options["source"],
        "processing_method__name": options["processing"],
    }
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    if options["dataset"] is None and options["processing"] is None:
        rows = rows.exclude(processing_method__version__gt="")
    keys = list(rows.values_list("pk", flat=True))
    if options["dataset"] and (missing := set(options["dataset"]) - set(keys)):
        raise CommandError(f"there is no such dataset: {', '.join(map(str, sorted(missing)))}")
    if not keys:
        raise CommandError("no light curve is like that")
    return keys


def outcome(key: int, name: str, parameters: Any) -> dict[str, Any]:
    """Analyse one curve; give what was made of it, or why nothing."""
    dataset = with_all().get(pk=key)
    try:
        made = analyse(dataset, name, parameters)
    except BadLightCurve as error:
        return {"dataset": key, "reason": str(error)}
    if isinstance(made, CurveFeatures):
        return {"dataset": key, "features": made.pk, **made.features}
    return {"dataset": key, "derived": made.pk, "n": made.n}


def sentence(figures: dict[str, Any]) -> str:
    """Give what was made, in words."""
    lines = [
        f"{figures['analysis']}: {figures['datasets']} curves, {len(figures['made'])} done, "
        f"{figures['refused']} refused"
    ]
    for one in figures["made"]:
        found = f"DataSet {one['derived']}" if "derived" in one else _figures(one)
        lines.append(f"DataSet {one['dataset']}: {found}")
    return "\n".join(lines)


def _figures(one: dict[str, Any]) -> str:
    skipped = ("dataset", "features", "rivals")
    return ", ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in one.items()
        if name not in skipped and value is not None
    )
