import pytest

from curation.alerts import raise_alerts
from curation.models import Alert, AlertChannel, AlertRule, Delivery, Trigger
from curation.parameters import AlertRuleSpec
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(db):
    return AlertChannel.objects.create(name="mail", kind="email", address="a@example.org")


@pytest.fixture
def hook(db):
    return AlertChannel.objects.create(name="hook", kind="webhook", address="http://localhost/")


def rule(**fields):
    return AlertRuleSpec(**{"name": "bright", "trigger": Trigger.DETECTED, **fields})


def test_an_alert_and_one_outbox_row_per_channel_are_written(mail, hook):
    detection = factories.make_detection(confidence_score=0.93)
    [alert] = raise_alerts(
        [detection], [rule(channels=("mail", "hook"), priority="high")], Trigger.DETECTED
    )
    assert (alert.status, alert.priority, alert.rule.name) == ("pending", "high", "bright")
    assert {each.channel.name for each in alert.deliveries.all()} == {"mail", "hook"}
    assert len(set(Delivery.objects.values_list("idempotency_key", flat=True))) == 2


def test_the_message_carries_the_numbers(mail):
    candidate = factories.make_candidate(
        ra=150.25, dec=-2.5, flux=1234.5, flux_error=67.8, snr=18.2
    )
    detection = factories.make_detection(candidate=candidate, confidence_score=0.93)
    [alert] = raise_alerts([detection], [rule(channels=("mail",))], Trigger.DETECTED)
    # 150.25 deg is 10h 01m 00s; -2.5 deg is -2d 30m.
    for words in ("10:01:00.00 -02:30:00.0", "1234.5 ± 67.8 ADU, S/N 18.2", "score 0.9300"):
        assert words in alert.message
    assert alert.alert_metadata["ra"] == 150.25


def test_telling_twice_adds_nothing(mail):
    detection = factories.make_detection()
    rules = [rule(channels=("mail",))]
    raise_alerts([detection], rules, Trigger.DETECTED)
    assert raise_alerts([detection], rules, Trigger.DETECTED) == []
    assert (Alert.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "trigger", "told"),
    [
        ({}, Trigger.DETECTED, True),
        ({}, Trigger.CONFIRMED, False),
        ({"min_confidence": 0.9}, Trigger.DETECTED, True),
        ({"min_confidence": 0.91}, Trigger.DETECTED, False),
        ({"detection_types": ("supernova", "transient")}, Trigger.DETECTED, True),
        ({"detection_types": ("variable",)}, Trigger.DETECTED, False),
    ],
)
def test_a_rule_picks_by_trigger_score_and_class(mail, fields, trigger, told):
    detection = factories.make_detection(confidence_score=0.9, detection_type="supernova")
    assert bool(raise_alerts([detection], [rule(channels=("mail",), **fields)], trigger)) is told


def test_the_class_that_people_gave_counts_before_the_networks(mail):
    detection = factories.make_detection(detection_type="supernova", human_label="agn")
    agn_counts_as_variable = rule(channels=("mail",), detection_types=("variable",))
    assert raise_alerts([detection], [agn_counts_as_variable], Trigger.DETECTED)


def test_rules_are_mirrored_and_those_gone_are_switched_off(mail):
    detection = factories.make_detection()
    raise_alerts([detection], [rule(channels=("mail",)), rule(name="other")], Trigger.DETECTED)
    raise_alerts([detection], [rule(channels=("mail",), min_confidence=0.5)], Trigger.DETECTED)
    bright, other = AlertRule.objects.order_by("name")
    assert (bright.min_confidence, bright.is_active, other.is_active) == (0.5, True, False)
    assert [channel.name for channel in bright.channels.all()] == ["mail"]


def test_a_missing_channel_is_named_on_the_alert(mail):
    specs = [rule(channels=("mail", "pager"))]
    [alert] = raise_alerts([factories.make_detection()], specs, Trigger.DETECTED)
    assert alert.status == "pending"
    assert "not there or switched off: pager" in alert.error_message


def test_an_alert_that_reaches_nobody_has_failed(db):
    [alert] = raise_alerts([factories.make_detection()], [rule()], Trigger.DETECTED)
    assert (alert.status, "names no channel" in alert.error_message) == ("failed", True)


def test_many_detections_cost_a_fixed_number_of_queries(mail, django_assert_max_num_queries):
    run = factories.make_model_run()
    made = [factories.make_detection(model_run=run).pk for _ in range(30)]
    from detection.models import Detection

    rows = Detection.objects.filter(pk__in=made).select_related(
        "observation__survey", "candidate", "sky_object"
    )
    rules = [rule(channels=("mail",))]
    # savepoints and the mirror of one rule are in this, too
    with django_assert_max_num_queries(20):
        assert len(raise_alerts(rows, rules, Trigger.DETECTED)) == 30


def test_a_score_outside_0_to_1_is_no_rule():
    with pytest.raises(ValueError, match=r"min_confidence is 1\.5"):
        rule(min_confidence=1.5)
