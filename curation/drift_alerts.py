"""What operators are told when the scores of a network drift."""

from collections.abc import Sequence
from typing import Any

from curation.models import Alert, Trigger
from curation.notices import raise_notices
from curation.parameters import AlertRuleSpec
from detection.models import DriftAlarm, DriftWeek


def raise_drift_alerts(alarm: DriftAlarm, rules: Sequence[AlertRuleSpec]) -> list[Alert]:
    """Create an alert by each rule of the trigger ``drift``, and its outbox rows.

    It tells that a drift has begun or, once it is, that it is over.
    """
    return raise_notices(Trigger.DRIFT, _content(alarm), rules)


def _content(alarm: DriftAlarm) -> dict[str, Any]:
    week, is_over = alarm.last, alarm.over_at is not None
    what = f"no longer drift on {week.survey}"
    if not is_over:
        what = f"drift on {week.survey}, PSI {week.psi:.2f}"
    return {
        "drift_week": week,
        "title": f"AstrID: scores of {week.model} {what}"[:200],
        "message": _end(alarm) if is_over else _begin(week),
        "alert_metadata": {
            "model": str(week.model),
            "survey": week.survey.name,
            "since": alarm.first.monday.isoformat(),
            "monday": week.monday.isoformat(),
            "psi": week.psi,
            "by_chance": week.by_chance,
            "candidates": week.candidates,
            "is_over": is_over,
        },
    }


def _begin(week: DriftWeek) -> str:
    return (
        f"In the week of {week.monday} the scores of {week.model} on {week.survey} differ from "
        f"those of its first weeks: population-stability index {week.psi:.3f}, by chance at most "
        f"{week.by_chance:.3f}, {week.candidates} candidates.\n"
        "Either the data have changed (camera, seeing, processing) or the network no longer fits "
        "them. Look at the frames of that week, and at precision and recall of the random sample.\n"
        "Nothing more is said of this drift until it is over, or until somebody acknowledges it "
        "under drift alarms and a later week alarms again.\n"
    )


def _end(alarm: DriftAlarm) -> str:
    if not alarm.model.is_active:
        return (
            f"{alarm.model} is no longer in force; its drift on {alarm.survey} is over with it.\n"
        )
    return (
        f"The scores of {alarm.model} on {alarm.survey} are again as in its first weeks, or nearer "
        f"to them than an alarm asks for. They drifted from the week of {alarm.first.monday} to "
        f"that of {alarm.last.monday}.\n"
    )
