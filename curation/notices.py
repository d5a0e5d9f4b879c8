"""What operators are told of the installation itself, beside what is found in the sky."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from curation.alerts import mirrored_rules, outbox
from curation.models import Alert, AlertChannel, AlertRule, AlertStatus, Delivery, Priority, Trigger
from curation.parameters import AlertRuleSpec

logger = logging.getLogger(__name__)


@transaction.atomic
def raise_notices(
    trigger: Trigger, content: dict[str, Any], rules: Sequence[AlertRuleSpec]
) -> list[Alert]:
    """Create an alert by each rule of a trigger, and its outbox rows.

    ``content`` are the columns of the alert that say what it is about. Without such a rule there
    is still one alert, which says that nobody was written to.
    """
    content = {"alert_type": trigger, **content}
    mirrored = mirrored_rules(rules)
    chosen = [spec for spec in rules if spec.trigger == trigger]
    alerts = [_alert(content, spec, mirrored[spec.name]) for spec in chosen]
    if not chosen:
        alerts = [_unheard(trigger, content)]
    for alert in alerts:
        logger.warning("%s", alert.title)
    return alerts


def _alert(content: dict[str, Any], spec: AlertRuleSpec, rule: AlertRule) -> Alert:
    channels = list(AlertChannel.objects.filter(name__in=spec.channels, is_active=True))
    missing = sorted(set(spec.channels) - {channel.name for channel in channels})
    trouble = f"channels that are not there or switched off: {', '.join(missing)}"
    reason = trouble if missing else None if channels else f"rule {spec.name!r} names no channel"
    alert = Alert.objects.create(
        **content,
        rule=rule,
        priority=spec.priority,
        status=AlertStatus.PENDING if channels else AlertStatus.FAILED,
        error_message=reason,
    )
    Delivery.objects.bulk_create(outbox([alert], channels))
    return alert


def _unheard(trigger: Trigger, content: dict[str, Any]) -> Alert:
    return Alert.objects.create(
        **content,
        priority=Priority.HIGH,
        status=AlertStatus.FAILED,
        error_message=(
            f"no rule of the setting alert_rules has the trigger {trigger}; nobody was written to"
        ),
    )
