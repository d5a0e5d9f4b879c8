"""Daily summaries as a page or a file: what stands in them, and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe

from astrid.core.errors import MissingFile
from catalog.analytics.charts import Chart, in_words, of_days, of_times
from catalog.analytics.summary import Group, Summary, Times, Wanted, summary_of
from curation.curators_page import Interval
from curation.skill import Share
from observations.models import Survey

_STYLES = ("astrid/tokens.css", "astrid/console.css", "astrid/analytics.css")
_TOTALS = (
    ("frames", "frames came in"),
    ("differences", "differences"),
    ("candidates", "candidates"),
    ("scored", "scored"),
    ("detections", "detections"),
    ("verdicts", "verdicts"),
    ("alerts", "alerts"),
)
_FIELD_HEADS = ("Frames", "Candidates", "Detections", "Verdicts", "Alerts")
_MODEL_HEADS = ("Scored", "Detections", "Verdicts", "Alerts")


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    name: str
    numbers: list[tuple[str, int]]
    purity: Interval
    completeness: Interval
    raised: str


@dataclass(frozen=True)
class Person:
    """One curator's row."""

    name: str
    verdicts: int
    real: int
    bogus: int
    unsure: int
    seconds: float | None


def context_of(wanted: Wanted, person: User | None) -> dict[str, Any]:
    """Give what the templates show."""
    found = summary_of(wanted, person)
    return {
        "wanted": wanted,
        "survey": Survey.objects.filter(pk=wanted.survey).first() if wanted.survey else None,
        "totals": [(found.total.numbers[metric], words) for metric, words in _TOTALS],
        "waiting": found.backlog[-1],
        "charts": _charts(found),
        "purity": interval_of(found.total.purity, "no verdicts"),
        "completeness": interval_of(found.total.completeness, "no injections"),
        "times": [
            ("raised", "until the alert was raised", _words(found.total.times("raised"))),
            ("sent", "until it was first delivered", _words(found.total.times("sent"))),
        ],
        "field_heads": _FIELD_HEADS,
        "model_heads": _MODEL_HEADS,
        "fields": [_line(group, _FIELD_HEADS) for group in found.fields],
        "models": [_line(group, _MODEL_HEADS) for group in found.models],
        "people": [_person(group) for group in found.curators],
    }


def written(wanted: Wanted, person: User | None) -> str:
    """Write the report as one HTML file, styles inside.

    Raises
    ------
    MissingFile
        If a style sheet is not where it belongs.
    """
    context = context_of(wanted, person) | {
        "styles": mark_safe("\n".join(map(_style, _STYLES))),  # noqa: S308 - our own files
        "made_at": timezone.now(),
        "site": settings.SITE_URL,
    }
    return render_to_string("catalog/report.html", context)


def _style(name: str) -> str:
    found = finders.find(name)
    if found is None:
        raise MissingFile(f"the style sheet {name} is not among the static files")
    return Path(found).read_text()


def _charts(found: Summary) -> list[Chart]:
    days = found.wanted.days
    charts = [
        of_days(title, days, found.series(metric), note)
        for metric, title, note in (
            ("frames", "Frames per day", "By the day they came in."),
            ("candidates", "Candidates per day", "By the day of the difference."),
            ("detections", "Detections per day", "What the network believes in."),
            ("verdicts", "Verdicts per day", "Withdrawals left out."),
            ("alerts", "Alerts per day", ""),
        )
    ]
    waiting = of_days("Waiting for a verdict", days, found.backlog, "At the end of each day, UTC.")
    from_exposure = "From the end of the exposure; the width of a bar grows with the time."
    times = of_times("Time to the alert", found.total.bins["raised"], from_exposure)
    return [*charts, waiting, times]


def interval_of(share: Share, nothing: str) -> Interval:
    """Give a share with its interval, or say that there is nothing to take it from."""
    found = Interval.of(share)
    return found if share.number else Interval(nothing, None, found.low, found.high)


def _words(times: Times) -> dict[str, Any]:
    return {
        "number": times.number,
        "median": in_words(times.median),
        "most": in_words(times.most),
        "nearly_all": in_words(times.nearly_all),
    }


def _line(group: Group, heads: Sequence[str]) -> Line:
    counts = group.counts
    return Line(
        group.name,
        [(head, counts.numbers[head.lower()]) for head in heads],
        interval_of(counts.purity, "no verdicts"),
        interval_of(counts.completeness, "no injections"),
        in_words(counts.times("raised").median),
    )


def _person(group: Group) -> Person:
    numbers, seconds = group.counts.numbers, group.counts.seconds["verdicts"]
    verdicts = numbers["verdicts"]
    mean = seconds / verdicts if verdicts and seconds else None
    return Person(group.name, verdicts, numbers["real"], numbers["bogus"], numbers["unsure"], mean)
