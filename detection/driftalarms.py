"""From weeks that alarm to one alarm: it begins, goes on, is seen to, and is over."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from astrid.core.locks import queue_up
from detection.errors import NothingToAcknowledge
from detection.models import DriftAlarm, DriftLevel, DriftWeek


@dataclass(frozen=True)
class Turns:
    """Alarms that have begun, and those that are over now."""

    begun: list[DriftAlarm]
    over: list[DriftAlarm]


@transaction.atomic
def follow() -> Turns:
    """Bring alarms in line with the newest week of each network and survey.

    One alarm stands for all weeks in a row that alarm. It is over when the newest week does not
    alarm, or its network is no longer in force. Done twice, it changes nothing the second time.
    """
    queue_up("drift alarms")
    newest = _newest_weeks()
    standing = {
        (one.model_id, one.survey_id): one
        for one in DriftAlarm.objects.filter(over_at=None)
        .select_related("model", "survey", "first", "last")
        .order_by("id")
    }
    turns = Turns([], [])
    for key, alarm in standing.items():
        week = newest.get(key)
        if week is None or week.level != DriftLevel.ALARM:
            turns.over.append(_end(alarm))
    for key, week in newest.items():
        if week.level == DriftLevel.ALARM:
            turns.begun.extend(_go_on(standing.get(key), week))
    return turns


def _newest_weeks() -> dict[tuple[UUID, UUID], DriftWeek]:
    """Give the newest week that was compared, of each network in force and survey."""
    weeks = DriftWeek.objects.filter(model__is_active=True, is_reference=False)
    rows = weeks.select_related("model", "survey").order_by("model_id", "survey_id", "-monday")
    return {(row.model_id, row.survey_id): row for row in rows.distinct("model_id", "survey_id")}


def _end(alarm: DriftAlarm) -> DriftAlarm:
    # All that were told of this drift are over with it: those that were seen to as well.
    DriftAlarm.objects.filter(model=alarm.model, survey=alarm.survey, over_at=None).update(
        over_at=timezone.now()
    )
    alarm.refresh_from_db(fields=["over_at"])
    return alarm


def _go_on(alarm: DriftAlarm | None, week: DriftWeek) -> list[DriftAlarm]:
    """Note one more week on an open alarm, or begin one."""
    if alarm is not None and week.monday <= alarm.last.monday:
        return []
    if alarm is not None and alarm.is_open:
        alarm.last = week
        alarm.save(update_fields=["last", "updated_at"])
        return []
    return [DriftAlarm.objects.create(model=week.model, survey=week.survey, first=week, last=week)]


@transaction.atomic
def acknowledge(alarm: DriftAlarm, *, by: User) -> None:
    """Note that somebody has seen to an alarm; a later week that alarms begins another.

    Raises
    ------
    NothingToAcknowledge
        If it is over, or somebody has already.
    """
    queue_up("drift alarms")
    alarm.refresh_from_db()
    if not alarm.is_open:
        state = "over" if alarm.over_at else f"acknowledged by {alarm.acknowledged_by}"
        raise NothingToAcknowledge(f"{alarm} is {state} already")
    alarm.acknowledged_by, alarm.acknowledged_at = by, timezone.now()
    alarm.save(update_fields=["acknowledged_by", "acknowledged_at", "updated_at"])
