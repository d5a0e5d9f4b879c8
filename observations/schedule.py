"""When a survey is looked at: its schedule, mirrored into the table that Celery beat reads."""

import json

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from observations.models import Survey

TASK = "observations.ingest_survey"


@transaction.atomic
def schedule(survey: Survey) -> PeriodicTask | None:
    """Make beat look at the survey as it says, or not at all; give the entry, if there is one.

    An inactive survey, or one without a schedule, keeps its entry switched off. Doing it
    again changes nothing.
    """
    entry = entry_of(survey)
    if entry is None and survey.schedule is None:
        return None
    entry = entry or PeriodicTask(task=TASK, args=_arguments(survey))
    wanted = {
        "name": f"ingest {survey.name}",
        "crontab": survey.schedule or entry.crontab,
        "enabled": survey.is_active and survey.schedule is not None,
    }
    if entry.pk is None or any(getattr(entry, name) != wanted[name] for name in wanted):
        for name, value in wanted.items():
            setattr(entry, name, value)
        entry.save()  # tells beat to read its table again
    return entry


def unschedule(survey: Survey) -> None:
    """Take the survey out of beat's table."""
    entry = entry_of(survey)
    if entry is not None:
        entry.delete()


def entry_of(survey: Survey) -> PeriodicTask | None:
    """Give the survey's entry in beat's table; its name may change, its argument does not."""
    return PeriodicTask.objects.filter(task=TASK, args=_arguments(survey)).first()


def in_words(survey: Survey) -> str:
    """Say when the survey is looked at."""
    entry = entry_of(survey)
    if survey.schedule is None:
        return "Only when asked: choose a schedule to look regularly."
    if not survey.is_active:
        return "Not now: the survey is not active."
    if entry is None or not entry.enabled:
        return "Not yet: save the survey to bring its schedule into force."
    last = f"{entry.last_run_at:%Y-%m-%d %H:%M} UTC" if entry.last_run_at else "never yet"
    return f"{survey.schedule.human_readable}; looked last: {last}."


def _arguments(survey: Survey) -> str:
    return json.dumps([str(survey.pk)])
