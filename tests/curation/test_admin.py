"""The lists of verdicts, alerts and messages: what is found in them, and what operators do."""

import pytest

from curation.alerts import raise_alerts
from curation.models import Alert, AlertChannel, AlertRule, Delivery, ValidationEvent
from curation.parameters import AlertRuleSpec, Trigger
from curation.services import judge
from tests.factories import make_detection
from tests.pages import act, list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages_waiting(client, operator):
    client.force_login(operator)
    address = {"kind": "webhook", "address": "https://x.example/"}
    channel = AlertChannel.objects.create(name="night desk", **address)
    rule = AlertRuleSpec(name="all", trigger=Trigger.DETECTED, channels=(channel.name,))
    raise_alerts([make_detection(), make_detection()], [rule], Trigger.DETECTED)
    return list(Delivery.objects.order_by("pk"))


def test_a_verdict_is_found_by_its_detection_and_by_its_person(client, curator, policy):
    client.force_login(curator)
    wanted, other = (
        judge(make_detection(), by=curator, is_valid=None, label=None, policy=policy)
        for _ in range(2)
    )
    by_detection = list_page(client, ValidationEvent, f"?q={wanted.detection_id}")
    assert list(by_detection.context["cl"].result_list) == [wanted]
    by_person = list_page(client, ValidationEvent, "?q=ada")
    assert set(by_person.context["cl"].result_list) == {wanted, other}


def test_an_alert_is_found_by_its_detection(client, messages_waiting):
    alert = messages_waiting[0].alert
    page = list_page(client, Alert, f"?q={alert.detection_id}")
    assert list(page.context["cl"].result_list) == [alert]


def test_the_page_of_an_alert_shows_its_messages_and_lets_nobody_write_one(
    client, messages_waiting
):
    page = row_page(client, messages_waiting[0].alert).content.decode()
    assert "night desk" in page
    for column in ("status", "channel", "attempts"):
        assert f'name="deliveries-0-{column}"' not in page
        assert f'name="deliveries-__prefix__-{column}"' not in page


def test_the_page_of_a_rule_names_its_channels(client, messages_waiting):
    page = row_page(client, AlertRule.objects.get()).content.decode()
    assert "night desk" in page


def test_messages_are_put_back_and_cancelled_and_what_is_refused_is_said(client, messages_waiting):
    failed, waiting = messages_waiting
    Delivery.objects.filter(pk=failed.pk).update(status="failed", attempts=6)
    Alert.objects.filter(pk=failed.alert_id).update(status="failed")
    done, refused = act(client, messages_waiting, "redeliver")
    assert done == "1 put back into the outbox"
    assert f"delivery {waiting.pk} is pending" in refused
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("pending", 0)
    assert act(client, messages_waiting, "cancel") == ["2 cancelled"]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"cancelled"}
