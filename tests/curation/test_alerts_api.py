"""Alerts over the API: sent again, sent to others, withdrawn; the channels that they go to."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import config
from catalog.models import AuditLog, SettingChange, SystemConfig
from curation.alerts import raise_alerts
from curation.models import Alert, AlertChannel, Delivery, Trigger
from curation.parameters import AlertRuleSpec
from detection.models import DriftAlarm, DriftWeek
from tests import factories
from tests.pages import act

pytestmark = pytest.mark.django_db
CHANNELS = "/api/v1/alert-channels/"


@pytest.fixture
def desk():
    return AlertChannel.objects.create(name="desk", kind="email", address="desk@example.org")


@pytest.fixture
def chief():
    return AlertChannel.objects.create(name="chief", kind="email", address="chief@example.org")


@pytest.fixture
def admin(client, operator):
    client.force_login(operator)
    return client


def alert_by(*channels):
    rule = AlertRuleSpec(name="all", trigger=Trigger.DETECTED, channels=channels)
    [alert] = raise_alerts([factories.make_detection()], [rule], Trigger.DETECTED)
    return alert


def set_failed(alert):
    alert.deliveries.update(status="failed", attempts=6, next_attempt_at=None)
    Alert.objects.filter(pk=alert.pk).update(status="failed")


def post(client, address, body=None, **options):
    return client.post(address, body or {}, content_type="application/json", **options)


def address_of(alert, move):
    return f"/api/v1/alerts/{alert.pk}/{move}/"


def statuses():
    return dict(Delivery.objects.values_list("channel__name", "status"))


def test_what_failed_is_put_back_and_the_rest_stays(admin, desk, chief):
    alert = alert_by("desk", "chief")
    set_failed(alert)
    Delivery.objects.filter(channel=chief).update(status="delivered")
    answer = post(admin, address_of(alert, "send-again"))
    assert (answer.status_code, answer.json()["status"]) == (200, "sent")
    assert statuses() == {"desk": "pending", "chief": "delivered"}
    assert Delivery.objects.get(channel=desk).attempts == 0
    refused = post(admin, address_of(alert, "send-again"))
    assert refused.status_code == 409
    assert "no failed delivery" in refused.json()["detail"]


def test_an_alert_that_reached_nobody_is_sent_to_channels_that_are_named(admin, desk, chief):
    alert = alert_by()
    assert alert.status == "failed"
    named = {"channels": [str(desk.pk)]}
    assert post(admin, address_of(alert, "send-again"), named).json()["status"] == "pending"
    assert statuses() == {"desk": "pending"}
    again = post(admin, address_of(alert, "send-again"), named)
    assert (again.status_code, "becomes pending only" in again.json()["detail"]) == (409, True)
    AlertChannel.objects.filter(pk=chief.pk).update(is_active=False)
    off = post(admin, address_of(alert, "send-again"), {"channels": [str(chief.pk)]})
    assert (off.status_code, "switched off: chief" in off.json()["detail"]) == (409, True)
    unknown = post(admin, address_of(alert, "send-again"), {"channels": [str(alert.pk)]})
    assert (unknown.status_code, statuses()) == (400, {"desk": "pending"})


@pytest.mark.parametrize("status", ["pending", "failed", None])
def test_what_waits_or_failed_is_withdrawn_for_good(admin, desk, status):
    alert = alert_by("desk") if status else alert_by()
    if status == "failed":
        set_failed(alert)
    assert post(admin, address_of(alert, "withdraw")).json()["status"] == "cancelled"
    assert set(statuses().values()) <= {"cancelled"}
    for move in ("withdraw", "send-again"):
        assert post(admin, address_of(alert, move)).status_code == 409


def test_an_alert_that_moved_meanwhile_is_not_touched(admin, desk):
    alert = alert_by("desk")
    seen = {"If-Match": admin.get(f"/api/v1/alerts/{alert.pk}/").headers["ETag"]}
    set_failed(alert)
    assert post(admin, address_of(alert, "withdraw"), headers=seen).status_code == 412
    assert statuses() == {"desk": "failed"}


def test_single_messages_are_cancelled_and_sent_again(admin, desk):
    alert = alert_by("desk")
    set_failed(alert)
    row = f"/api/v1/deliveries/{alert.deliveries.get().pk}/"
    assert post(admin, f"{row}redeliver/").json()["status"] == "pending"
    assert post(admin, f"{row}redeliver/").status_code == 409
    assert post(admin, f"{row}cancel/").json()["status"] == "cancelled"


def test_the_admin_has_the_same_on_alerts(admin, desk):
    alert = alert_by("desk")
    set_failed(alert)
    assert "put back into the outbox" in act(admin, [alert], "send_again")[0]
    assert "withdrawn" in act(admin, [alert], "withdraw")[0]
    assert statuses() == {"desk": "cancelled"}


def test_channels_are_made_changed_and_deleted_and_secrets_stay_inside(admin, operator):
    body = {"name": "hook", "kind": "webhook", "address": "https://x.example", "secret": "hush"}
    made = post(admin, CHANNELS, body)
    assert (made.status_code, "secret" in made.json()) == (201, False)
    row = AlertChannel.objects.get()
    assert (row.secret, row.is_active) == ("hush", True)
    address = f"{CHANNELS}{row.pk}/"
    seen = {"If-Match": admin.get(address).headers["ETag"]}
    options = {"content_type": "application/json"}
    with CaptureQueriesContext(connection) as asked:
        off = admin.patch(address, {"is_active": False}, headers=seen, **options)
    # what the mark is compared with is held until it is changed
    assert any("FOR UPDATE" in query["sql"] for query in asked)
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    assert admin.patch(address, {"is_active": True}, headers=seen, **options).status_code == 412
    row.refresh_from_db()
    assert (row.secret, row.is_active) == ("hush", False)
    assert admin.delete(address).status_code == 204
    logged = AuditLog.objects.filter(entity_id=row.pk, user_id=str(operator.pk)).order_by("id")
    assert list(logged.values_list("action", flat=True)) == ["create", "update", "delete"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": "not an address"}, "valid URL"),
        ({"kind": "email", "address": "nobody"}, "valid email"),
        ({"kind": "email", "address": " "}, "blank"),
        ({"name": "desk"}, "already exists"),
        ({"kind": "pigeon"}, "not a valid choice"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_in_words(admin, desk, given, words):
    body = {"name": "hook", "kind": "webhook", "address": "https://x.example", **given}
    answer = post(admin, CHANNELS, body)
    assert (answer.status_code, AlertChannel.objects.count()) == (400, 1)
    assert words in answer.json()["detail"]


def test_a_channel_that_was_written_to_is_switched_off_not_deleted(admin, desk):
    alert_by("desk")
    refused = admin.delete(f"{CHANNELS}{desk.pk}/")
    assert (refused.status_code, "is_active" in refused.json()["detail"]) == (409, True)


def test_who_may_only_look_moves_nothing(client, curator, desk):
    alert = alert_by("desk")
    client.force_login(curator)
    assert post(client, address_of(alert, "withdraw")).status_code == 403
    assert client.delete(f"{CHANNELS}{desk.pk}/").status_code == 403
    assert statuses() == {"desk": "pending"}


def test_rules_of_alerts_are_changed_with_a_reason(admin, operator):
    config.ensure_defaults()
    row = SystemConfig.objects.get(key="alert_rules")
    address, options = f"/api/v1/settings/{row.pk}/", {"content_type": "application/json"}
    rule = {"name": "bright", "min_confidence": 0.9, "channels": ["desk"]}
    seen = {"If-Match": admin.get(address).headers["ETag"]}
    body = {"value": [rule], "reason": "the night desk asked"}
    answer = admin.patch(address, body, headers=seen, **options)
    assert (answer.status_code, answer.json()["value"][0]["trigger"]) == (200, "confirmed")
    assert [spec.min_confidence for spec in config.get("alert_rules")] == [0.9]
    change = SettingChange.objects.get()
    assert (change.made_by, change.reason) == (operator, "the night desk asked")
    assert admin.patch(address, body, headers=seen, **options).status_code == 412
    for wrong, pointer in (
        ({"reason": "x", "value": [rule | {"min_confidence": 2}]}, "#/value"),
        ({"value": []}, "#/reason"),
    ):
        refused = admin.patch(address, wrong, **options)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, pointer)


def test_an_alarm_of_drift_is_acknowledged_once(admin, operator):
    model, survey = factories.make_model(), factories.make_survey()
    week = DriftWeek.objects.create(
        model=model, survey=survey, monday="2025-03-03", candidates=1000, psi=0.5, by_chance=0.1,
        histogram=[1000], level="alarm", is_reference=False,
    )  # fmt: skip
    alarm = DriftAlarm.objects.create(model=model, survey=survey, first=week, last=week)
    address = f"/api/v1/drift-alarms/{alarm.pk}/acknowledge/"
    assert post(admin, address).json()["acknowledged_by"] == operator.pk
    assert post(admin, address).status_code == 409
