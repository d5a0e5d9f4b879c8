"""Networks in force are watched: weeks, alarms, letters to operators, the page."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from catalog import config
from catalog.watching import watch_models
from curation.channels import body_of
from curation.models import Alert, AlertChannel, Delivery, ReviewTask
from curation.parameters import ReviewPolicy
from curation.services import judge
from detection import registry
from detection.driftalarms import Turns, acknowledge
from detection.errors import NothingToAcknowledge
from detection.models import DriftAlarm, DriftWeek
from detection.watching import monday_of
from tests import factories
from tests.pages import act

pytestmark = pytest.mark.django_db

# Mostly bogus, few real; and a week in which everything looks real.
USUAL = [300, 100, 40, 20, *[5] * 12, 10, 20, 40, 60]
ODD = list(reversed(USUAL))
FIRST_MONDAY = datetime(2025, 3, 3, 4, 0, tzinfo=UTC)


@pytest.fixture
def champion():
    return registry.active()


@pytest.fixture
def survey():
    return factories.make_survey(name="north")


def a_night(model, survey, week, histogram, **fields):
    observation = factories.make_observation(
        survey=survey, observation_time=FIRST_MONDAY + timedelta(weeks=week, days=2)
    )
    difference = factories.make_difference_run(
        observation=observation, is_control=fields.pop("is_control", False)
    )
    return factories.make_model_run(
        model=model, difference_run=difference, score_histogram=histogram, **fields
    )


@pytest.fixture
def weeks(champion, survey):
    for week in range(6):
        a_night(champion, survey, week, USUAL)


def test_weeks_like_the_first_ones_are_steady(champion, survey, weeks):
    watch_models()
    rows = list(DriftWeek.objects.order_by("monday"))
    assert [row.is_reference for row in rows] == [True] * 4 + [False] * 2
    assert rows[0].monday == monday_of(FIRST_MONDAY.date())
    assert {row.level for row in rows} == {"steady"}
    assert rows[-1].psi == pytest.approx(0, abs=1e-3)
    assert not Alert.objects.exists()


def test_an_odd_week_alarms_the_operators_once(champion, survey, weeks):
    AlertChannel.objects.create(name="night desk", kind="email", address="desk@example.org")
    rule = {"name": "drift", "trigger": "drift", "priority": "high", "channels": ["night desk"]}
    config.put("alert_rules", [rule])
    a_night(champion, survey, 6, ODD)
    (alarm,) = watch_models().begun
    assert (alarm.first.level, alarm.survey) == ("alarm", survey)
    assert watch_models() == Turns([], [])
    alert = Alert.objects.get()
    assert (alert.detection, alert.drift_week, alert.priority) == (None, alarm.first, "high")
    assert "drift on north" in alert.title
    letter = json.loads(body_of(alert))
    assert letter["url"].endswith(reverse("admin:detection_model_watch", args=[champion.pk]))
    assert Delivery.objects.get().alert == alert


def test_a_drift_that_goes_on_is_told_of_once_and_then_that_it_is_over(champion, survey, weeks):
    for week in (6, 7):
        a_night(champion, survey, week, ODD)
        watch_models()
    assert Alert.objects.count() == DriftAlarm.objects.count() == 1
    alarm = DriftAlarm.objects.get()
    assert (alarm.last.monday - alarm.first.monday).days == 7
    a_night(champion, survey, 8, USUAL)
    assert watch_models().over == [alarm]
    assert watch_models() == Turns([], [])
    newest = Alert.objects.order_by("id").last()
    assert "no longer drift on north" in newest.title
    assert "from the week of 2025-04-14 to that of 2025-04-21" in newest.message
    a_night(champion, survey, 9, ODD)
    assert len(watch_models().begun) == 1


def test_after_an_acknowledged_alarm_only_a_later_week_is_told_of(client, champion, survey, weeks):
    a_night(champion, survey, 6, ODD)
    (alarm,) = watch_models().begun
    olga = factories.make_user("olga", group="operator", is_staff=True)
    client.force_login(olga)
    assert "acknowledged" in act(client, [alarm], "acknowledge")[0]
    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.is_open) == (olga, False)
    with pytest.raises(NothingToAcknowledge, match="acknowledged by olga already"):
        acknowledge(alarm, by=olga)
    assert watch_models() == Turns([], [])
    a_night(champion, survey, 7, ODD)
    assert len(watch_models().begun) == 1


def test_a_network_that_is_replaced_takes_its_alarm_with_it(champion, survey, weeks):
    a_night(champion, survey, 6, ODD)
    watch_models()
    registry.put_in_force(factories.make_model(model_type=champion.model_type))
    assert len(watch_models().over) == 1
    assert "no longer in force" in Alert.objects.order_by("id").last().message


def test_without_a_rule_the_alert_says_that_nobody_was_written_to(champion, survey, weeks):
    a_night(champion, survey, 6, ODD)
    watch_models()
    alert = Alert.objects.get()
    assert alert.status == "failed"
    assert "nobody was written to" in alert.error_message


def test_neither_shadows_nor_controls_nor_thin_weeks_count(champion, survey, weeks):
    a_night(champion, survey, 6, ODD, is_shadow=True)
    a_night(champion, survey, 7, ODD, is_control=True)
    a_night(champion, survey, 8, [1] * 20)
    assert watch_models() == Turns([], [])
    assert DriftWeek.objects.count() == 6


def test_each_survey_is_compared_with_itself(champion, survey, weeks):
    south = factories.make_survey(name="south")
    for week in range(6):
        a_night(champion, south, week, ODD)
    assert watch_models() == Turns([], [])


def test_the_command_prints_the_weeks(champion, survey, weeks):
    out = StringIO()
    call_command("watch_models", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert (len(report["weeks"]), report["new_alarms"]) == (6, 0)


@pytest.fixture
def judged(champion):
    """Eight detections of the random sample, six of them real, and two misses of ten rejected."""
    ada, policy = factories.make_user("ada", group="curator"), ReviewPolicy()
    run = factories.make_model_run(model=champion)
    truth = [True] * 6 + [False] * 2 + [True, False]
    for number, is_real in enumerate(truth):
        missed = number >= 8
        detection = factories.make_detection(
            model_run=run,
            is_audit=missed,
            confidence_score=0.2 if missed else 0.9,
            sampling_weight=5.0 if missed else 1.0,
        )
        ReviewTask.objects.create(
            detection=detection,
            score=detection.confidence_score,
            sampling_weight=5.0,
            offered_at=timezone.now(),
        )
        label = "supernova" if is_real else "artifact"
        judge(detection, by=ada, is_valid=is_real, label=label, policy=policy)
    return run


def page(client, row):
    return client.get(reverse("admin:detection_model_watch", args=[row.pk]))


def test_the_page_shows_precision_recall_and_calibration(client, champion, judged):
    client.force_login(factories.make_user("vic", group="viewer", is_staff=True))
    response = page(client, champion)
    shares = {name: share for name, _, share in response.context["shares"]}
    assert shares["Precision"].value == pytest.approx(6 / 8)
    assert shares["Recall"].value == pytest.approx(6 / 7)
    assert [each.share.verdicts for each in response.context["curve"]] == [2, 8]
    assert 'aria-label="Calibration on the random sample"' in response.content.decode()


def test_what_was_judged_out_of_turn_is_not_counted(client, champion, judged):
    ReviewTask.objects.filter(detection__is_audit=False).update(offered_at=None)
    client.force_login(factories.make_user("vic", group="viewer", is_staff=True))
    response = page(client, champion)
    assert (response.context["audit"].waiting, response.context["judged"]) == (8, 2)


def test_the_page_shows_weeks_and_their_charts(client, champion, survey, weeks):
    a_night(champion, survey, 6, ODD)
    watch_models()
    client.force_login(factories.make_user("vic", group="viewer", is_staff=True))
    shown = page(client, champion).content.decode()
    assert "Scores of north in the week of 2025-04-14" in shown
    assert "Alarm" in shown


def test_only_those_who_decide_see_what_a_challenger_would_do(client, champion, survey):
    rival = factories.make_model(model_type=champion.model_type)
    run = a_night(champion, survey, 0, USUAL)
    factories.make_model_run(
        model=rival, difference_run=run.difference_run, score_histogram=ODD, is_shadow=True
    )
    client.force_login(factories.make_user("vic", group="viewer", is_staff=True))
    assert "Beside" not in page(client, champion).content.decode()
    client.force_login(factories.make_user("olga", group="operator", is_staff=True))
    shown = page(client, champion)
    assert f"Beside {rival}" in shown.content.decode()
    assert shown.context["beside"][0].candidates == sum(ODD)
    client.force_login(factories.make_user("nobody", is_staff=True))
    assert page(client, champion).status_code == 403


def test_the_page_costs_the_same_whatever_was_judged(
    client, champion, judged, weeks, django_assert_max_num_queries
):
    watch_models()
    client.force_login(factories.make_user("olga", group="operator", is_staff=True))
    with django_assert_max_num_queries(25):
        page(client, champion)
