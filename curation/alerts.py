"""Alerts: which rules a detection meets, and the messages that follow from that.

Everything here writes in the caller's transaction: an alert exists exactly when the change that
it tells of does. Sending is :mod:`curation.delivery`'s.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from curation import taxonomy
from curation.messages import facts_of, text_of, title_of
from curation.models import Alert, AlertChannel, AlertRule, AlertStatus, Delivery, Trigger
from curation.parameters import AlertRuleSpec
from detection.models import Detection

logger = logging.getLogger(__name__)


@transaction.atomic
def raise_alerts(
    detections: Iterable[Detection], rules: Sequence[AlertRuleSpec], trigger: Trigger
) -> list[Alert]:
    """Create the alerts that ``rules`` ask for, and their outbox rows; give the new ones.

    ``rules`` are all rules in force, of every trigger. A detection is told once per rule:
    calling again adds nothing. A rule that names a channel which is not there, or is switched
    off, still makes its alert, with that reason on it.
    """
    detections = list(detections)
    mirrored = mirrored_rules(rules)
    classes = taxonomy.types_by_label()
    raised: list[Alert] = []
    for spec in rules:
        if spec.trigger == trigger:
            met = [each for each in detections if meets(each, spec, classes)]
            raised += _alert(met, spec, mirrored[spec.name])
    return raised


def meets(detection: Detection, rule: AlertRuleSpec, classes: Mapping[str, str]) -> bool:
    """Say whether a detection meets a rule; people's class counts before the network's."""
    kind = classes.get(detection.human_label or "", detection.detection_type)
    if rule.detection_types and kind not in rule.detection_types:
        return False
    return detection.confidence_score >= rule.min_confidence


def mirrored_rules(rules: Sequence[AlertRuleSpec]) -> dict[str, AlertRule]:
    """Write the rules in force as rows, so that an alert can say by which rule it was made."""
    names = [spec.name for spec in rules]
    AlertRule.objects.filter(is_active=True).exclude(name__in=names).update(is_active=False)
    known = {row.name: row for row in AlertRule.objects.filter(name__in=names)}
    return {spec.name: _mirrored(spec, known.get(spec.name)) for spec in rules}


def _mirrored(spec: AlertRuleSpec, row: AlertRule | None) -> AlertRule:
    wanted: dict[str, Any] = {
        "trigger": spec.trigger,
        "min_confidence": spec.min_confidence,
        "detection_types": list(spec.detection_types),
        "priority": spec.priority,
        "is_active": True,
    }
    if row is None or any(getattr(row, name) != value for name, value in wanted.items()):
        row, _ = AlertRule.objects.update_or_create(name=spec.name, defaults=wanted)
    row.channels.set(AlertChannel.objects.filter(name__in=spec.channels))
    return row


def _alert(detections: Sequence[Detection], spec: AlertRuleSpec, rule: AlertRule) -> list[Alert]:
    if not detections:
        return []
    channels = list(AlertChannel.objects.filter(name__in=spec.channels, is_active=True))
    trouble = _trouble(spec, channels)
    drafts = [_draft(each, spec, rule, trouble, bool(channels)) for each in detections]
    Alert.objects.bulk_create(drafts, ignore_conflicts=True)
    # Those of ours that are there now are new; the others were told before.
    new = list(Alert.objects.filter(pk__in=[draft.pk for draft in drafts]).order_by("id"))
    Delivery.objects.bulk_create(outbox(new, channels))
    for alert in new:
        if trouble:
            logger.error("alert %s by rule %s: %s", alert.pk, spec.name, trouble)
    return new


def _trouble(spec: AlertRuleSpec, channels: Sequence[AlertChannel]) -> str:
    missing = sorted(set(spec.channels) - {channel.name for channel in channels})
    if missing:
        return (
            f"rule {spec.name!r} names channels that are not there or switched off: "
            f"{', '.join(missing)}; add them under alert channels"
        )
    if not spec.channels:
        return f"rule {spec.name!r} names no channel; nobody was written to"
    return ""


def _draft(
    detection: Detection, spec: AlertRuleSpec, rule: AlertRule, trouble: str, can_send: bool
) -> Alert:
    facts = facts_of(detection)
    return Alert(
        detection=detection,
        rule=rule,
        alert_type=spec.trigger,
        priority=spec.priority,
        title=title_of(facts)[:200],
        message=text_of(facts, spec.name),
        alert_metadata=facts,
        status=AlertStatus.PENDING if can_send else AlertStatus.FAILED,
        error_message=trouble or None,
    )


def outbox(alerts: Sequence[Alert], channels: Sequence[AlertChannel]) -> list[Delivery]:
    """Give one unsaved delivery for each alert and channel, due now."""
    now = timezone.now()
    return [
        Delivery(
            alert=alert,
            channel=channel,
            idempotency_key=f"{alert.pk}:{channel.pk}",
            next_attempt_at=now,
        )
        for alert in alerts
        for channel in channels
    ]
