"""A survey's schedule, in the table that beat reads."""

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import DatabaseScheduler

from astrid.celery import app
from observations import schedule
from observations.schedule import TASK
from tests.factories import make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly():
    return CrontabSchedule.objects.create(minute="30", hour="3", timezone="UTC")


def test_a_scheduled_survey_has_an_entry_that_beat_runs():
    # beat leaves crontabs of far hours out of its memory, so this one is always near
    hourly = CrontabSchedule.objects.create(minute="30", timezone="UTC")
    survey = make_survey(name="Deep", schedule=hourly)
    schedule.schedule(survey)
    entry = DatabaseScheduler(app=app, lazy=True).all_as_schedule()["ingest Deep"]
    assert (entry.task, list(entry.args)) == (TASK, [str(survey.pk)])
    assert entry.schedule == hourly.schedule


def test_a_survey_without_a_schedule_gets_no_entry():
    assert schedule.schedule(make_survey()) is None
    assert not PeriodicTask.objects.filter(task=TASK).exists()


def test_scheduling_again_changes_nothing_and_wakes_nobody(nightly):
    survey = make_survey(schedule=nightly)
    first = schedule.schedule(survey)
    told = PeriodicTasks.last_change()
    assert schedule.schedule(survey) == first
    assert PeriodicTasks.last_change() == told
    assert PeriodicTask.objects.filter(task=TASK).count() == 1


@pytest.mark.parametrize("change", [{"schedule": None}, {"is_active": False}])
def test_a_survey_that_is_not_looked_at_keeps_its_entry_switched_off(change):
    survey = make_survey(schedule=CrontabSchedule.objects.create(timezone="UTC"))
    schedule.schedule(survey)
    for name, value in change.items():
        setattr(survey, name, value)
    assert not schedule.schedule(survey).enabled
    assert f"ingest {survey.name}" not in DatabaseScheduler(app=app, lazy=True).all_as_schedule()


def test_switching_on_again_brings_the_entry_back(nightly):
    survey = make_survey(schedule=nightly, is_active=False)
    assert not schedule.schedule(survey).enabled
    survey.is_active = True
    assert schedule.schedule(survey).enabled


def test_a_renamed_survey_keeps_its_entry(nightly):
    survey = make_survey(name="Old", schedule=nightly)
    entry = schedule.schedule(survey)
    survey.name = "New"
    renamed = schedule.schedule(survey)
    assert (renamed.pk, renamed.name) == (entry.pk, "ingest New")


def test_beat_is_told_of_a_change(nightly):
    survey = make_survey(schedule=nightly)
    schedule.schedule(survey)
    told = PeriodicTasks.last_change()
    survey.is_active = False
    schedule.schedule(survey)
    assert PeriodicTasks.last_change() > told


def test_unscheduling_takes_the_entry_away(nightly):
    survey = make_survey(schedule=nightly)
    schedule.schedule(survey)
    schedule.unschedule(survey)
    assert schedule.entry_of(survey) is None
    schedule.unschedule(survey)


def test_the_words_say_when_and_what_is_missing(nightly):
    survey = make_survey()
    assert schedule.in_words(survey).startswith("Only when asked")
    survey.schedule = nightly
    assert schedule.in_words(survey).startswith("Not yet")
    schedule.schedule(survey)
    assert "03:30" in schedule.in_words(survey)
    assert "never yet" in schedule.in_words(survey)
    survey.is_active = False
    assert schedule.in_words(survey).startswith("Not now")
