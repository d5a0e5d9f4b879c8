"""The page on which a network is watched: its charts, and the figures behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from django.utils.safestring import SafeString

from curation.audit_sample import audit_of
from curation.unbiased import Bin, Share, calibration, precision, recall
from detection import charts
from detection.charts import Axes, Point
from detection.models import DriftWeek, Model, ModelRun
from detection.parameters import WatchParameters
from detection.watching import reference_of

SHOWN_WEEKS = 26
SCORES = (0.0, 1.0)


@dataclass(frozen=True)
class Watched:
    """One survey: the scores of its last week beside the first ones, and all its weeks."""

    survey: str
    histogram: SafeString
    index: SafeString
    weeks: list[DriftWeek]


def context_of(row: Model, limits: WatchParameters) -> dict[str, Any]:
    """Give what the page shows to everybody who may see networks."""
    audit = audit_of(row)
    curve = calibration(audit.sample)
    return {
        "surveys": [_watched(weeks, limits) for weeks in _weeks_of(row)],
        "audit": audit,
        "judged": audit.sample.is_real.size,
        "shares": [
            ("Precision", "of the detections, those that are real", precision(audit.sample)),
            ("Recall", "of the real candidates, those that became detections",
             recall(audit.sample)),
        ],
        "curve": curve,
        "curve_chart": _curve_chart(curve) if curve else "",
        "limits": limits,
    }  # fmt: skip


def _weeks_of(row: Model) -> list[list[DriftWeek]]:
    """Give the weeks of each survey, oldest first."""
    weeks = row.weeks.select_related("survey").order_by("survey__name", "survey", "monday")
    return [list(group) for _, group in groupby(weeks, key=lambda week: week.survey_id)]


def _watched(weeks: Sequence[DriftWeek], limits: WatchParameters) -> Watched:
    last = weeks[-1]
    return Watched(
        survey=last.survey.name,
        histogram=score_chart(
            f"Scores of {last.survey} in the week of {last.monday} and in the first weeks",
            reference_of(weeks),
            last.histogram,
        ),
        index=_index_chart(weeks[-SHOWN_WEEKS:], limits),
        weeks=list(reversed(weeks[-SHOWN_WEEKS:])),
    )


def score_chart(title: str, old: Sequence[int], new: Sequence[int]) -> SafeString:
    """Lay two histograms of scores over each other: bars and a line."""
    before, after = (_shares(counts) for counts in (old, new))
    axes = Axes(SCORES, (0.0, float(max(*before, *after, 0.05))), "confidence", "share")
    shapes = [charts.bars(axes, before, "old"), charts.outline(axes, after, "new")]
    return charts.chart(title, axes, shapes)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _index_chart(weeks: Sequence[DriftWeek], limits: WatchParameters) -> SafeString:
    measured = [(number, week.psi) for number, week in enumerate(weeks, 1) if week.psi is not None]
    top = max([psi for _, psi in measured] + [1.4 * limits.alarm])
    # A multiple of four, so that the five marks are whole weeks.
    axes = Axes((0, 4 * (len(weeks) // 4 + 1)), (0.0, top), "week", "stability index")
    shapes = [
        charts.level(axes, limits.warning),
        charts.level(axes, limits.alarm, "limit strong"),
        charts.points(axes, [Point(x, psi, 0.0, psi) for x, psi in measured], "new"),
    ]
    return charts.chart("Population-stability index of each week", axes, shapes)


def _curve_chart(curve: Sequence[Bin]) -> SafeString:
    axes = Axes(SCORES, SCORES, "confidence", "share that is real")
    dots = [
        Point(each.confidence, each.share.value or 0.0, each.share.low, each.share.high)
        for each in curve
    ]
    shapes = [charts.diagonal(axes), charts.points(axes, dots, "new")]
    return charts.chart("Calibration on the random sample", axes, shapes)


@dataclass(frozen=True)
class Beside:
    """What a challenger would have done with the candidates that it scored beside a champion."""

    challenger: Model
    frames: int
    failed: int
    candidates: int
    chart: SafeString


def beside(row: Model) -> list[Beside]:
    """Sum up the challengers of a champion; single scores are shown to nobody."""
    shadows = ModelRun.objects.filter(is_shadow=True, difference_run__model_runs__model=row)
    rivals = Model.objects.filter(runs__in=shadows).distinct().order_by("-id")
    return [_beside(row, rival) for rival in rivals.exclude(pk=row.pk)]


def _beside(row: Model, rival: Model) -> Beside:
    runs = ModelRun.objects.filter(
        model=rival, is_shadow=True, difference_run__model_runs__model=row
    )
    done = runs.filter(status="completed")
    own = ModelRun.objects.filter(
        model=row, status="completed", difference_run__in=done.values("difference_run")
    )
    old, new = (_summed(each) for each in (own, done))
    title = f"Scores of {row} and {rival} for the same candidates"
    return Beside(
        challenger=rival,
        frames=done.count(),
        failed=runs.filter(status="failed").count(),
        candidates=sum(new),
        chart=score_chart(title, old, new),
    )


def _summed(runs: Any) -> list[int]:
    rows = [each for each in runs.values_list("score_histogram", flat=True) if each]
    return np.sum(rows, axis=0).tolist() if rows else [0]


def in_percent(share: Share) -> str:
    """Write a share with its interval and the number of verdicts behind it."""
    if share.value is None:
        return "nothing judged yet"
    return (
        f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}], "
        f"{share.verdicts} verdicts"
    )
