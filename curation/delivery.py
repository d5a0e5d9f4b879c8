"""The outbox at work: claim a row, send, write down what came of it.

Delivery is at least once. A sender that dies between sending and writing leaves its row
``sending``; when its lease is over another sender takes the row up and sends again, with the
same ``Idempotency-Key`` (webhook) or ``Message-ID`` (mail), by which the other side can tell.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from astrid.core.states import transition
from curation import policy as policies
from curation.channels import Answer, NotDelivered, send
from curation.models import Alert, AlertStatus, Delivery, DeliveryStatus
from curation.parameters import DeliveryPolicy

logger = logging.getLogger(__name__)

_UNSENT = (DeliveryStatus.PENDING, DeliveryStatus.SENDING)


def due_deliveries(now: datetime | None = None, limit: int = 500) -> list[UUID]:
    """Give the deliveries to be tried now, those that waited longest first.

    Among them are rows whose sender has been silent for longer than its lease.
    """
    rows = Delivery.objects.filter(_due(now or timezone.now())).order_by("next_attempt_at", "id")
    return list(rows.values_list("pk", flat=True)[:limit])


def _due(now: datetime) -> Q:
    return Q(status__in=_UNSENT) & (Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))


def deliver(delivery_id: UUID | str, policy: DeliveryPolicy | None = None) -> Delivery | None:
    """Try one delivery once and record the outcome.

    Returns None, and does nothing, when the row is not due or another sender has it.
    """
    policy = policy or policies.in_force(DeliveryPolicy)
    delivery = _claim(delivery_id, policy)
    if delivery is None:
        return None
    try:
        answer = send(delivery, timeout_seconds=policy.timeout_seconds)
    except NotDelivered as refusal:
        return _record_failure(delivery, refusal, policy)
    return _record_success(delivery, answer)


@transaction.atomic
def _claim(delivery_id: UUID | str, policy: DeliveryPolicy) -> Delivery | None:
    now = timezone.now()
    row = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("channel", "alert")
        .filter(_due(now), pk=delivery_id)
        .first()
    )
    if row is None:
        return None
    if row.status == DeliveryStatus.SENDING:
        _give_up_sender(row, policy)
    if row.status == DeliveryStatus.PENDING and not row.channel.is_active:
        _close(row, DeliveryStatus.CANCELLED, f"channel {row.channel} is switched off")
    if row.status != DeliveryStatus.PENDING:
        return None
    lease_end = now + timedelta(seconds=policy.lease_seconds)
    transition(row, DeliveryStatus.SENDING, attempts=row.attempts + 1, next_attempt_at=lease_end)
    return row


def _give_up_sender(row: Delivery, policy: DeliveryPolicy) -> None:
    reason = "the sender went silent; whether the message left is not known"
    if row.attempts >= policy.max_attempts:
        _close(row, DeliveryStatus.FAILED, reason)
    else:
        transition(row, DeliveryStatus.PENDING, log=_logged(row, reason))


def _close(row: Delivery, status: DeliveryStatus, reason: str) -> None:
    alert = Alert.objects.select_for_update().get(pk=row.alert_id)
    transition(row, status, error_message=reason, log=_logged(row, reason), next_attempt_at=None)
    settle(alert, reason)


def _logged(row: Delivery, outcome: str, code: int | None = None) -> list[dict[str, Any]]:
    line = {"at": timezone.now().isoformat(), "attempt": row.attempts, "outcome": outcome}
    return [*row.log, line if code is None else {**line, "code": code}]


@transaction.atomic
def _record_success(delivery: Delivery, answer: Answer) -> Delivery:
    return _record(
        delivery,
        DeliveryStatus.DELIVERED,
        delivered_at=timezone.now(),
        next_attempt_at=None,
        response_code=answer.code,
        response=answer.text,
        error_message="",
        log=_logged(delivery, "delivered", answer.code),
    )


@transaction.atomic
def _record_failure(delivery: Delivery, refusal: NotDelivered, policy: DeliveryPolicy) -> Delivery:
    is_last = refusal.is_final or delivery.attempts >= policy.max_attempts
    wait = timedelta(seconds=policy.wait_after(delivery.attempts))
    return _record(
        delivery,
        DeliveryStatus.FAILED if is_last else DeliveryStatus.PENDING,
        next_attempt_at=None if is_last else timezone.now() + wait,
        response_code=refusal.code,
        error_message=str(refusal),
        log=_logged(delivery, str(refusal), refusal.code),
    )


def _record(delivery: Delivery, status: DeliveryStatus, **changes: Any) -> Delivery:
    alert = Alert.objects.select_for_update().get(pk=delivery.alert_id)
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if (row.status, row.attempts) != (DeliveryStatus.SENDING, delivery.attempts):
        # Our lease ran out and another sender has the row: its record stands.
        logger.warning("delivery %s was taken over during attempt %s", row.pk, delivery.attempts)
        return row
    transition(delivery, status, **changes)
    alert.delivery_attempts += 1
    alert.save(update_fields=["delivery_attempts", "updated_at"])
    settle(alert, delivery.error_message)
    return delivery


def settle(alert: Alert, reason: str = "") -> None:
    """Let an alert's status follow from its deliveries; the caller holds its row."""
    statuses = set(alert.deliveries.values_list("status", flat=True))
    status = _status_of(statuses)
    if status == alert.status:
        return
    changes: dict[str, Any] = {}
    if DeliveryStatus.DELIVERED in statuses and alert.sent_at is None:
        changes["sent_at"] = timezone.now()
    if status in (AlertStatus.FAILED, AlertStatus.DELIVERED):
        changes["error_message"] = reason or None
    transition(alert, status, **changes)


def _status_of(statuses: set[str]) -> AlertStatus:
    sent_some = DeliveryStatus.DELIVERED in statuses
    if statuses & set(_UNSENT):
        return AlertStatus.SENT if sent_some else AlertStatus.PENDING
    if DeliveryStatus.FAILED in statuses:
        return AlertStatus.FAILED
    return AlertStatus.DELIVERED if sent_some else AlertStatus.CANCELLED


@transaction.atomic
def redeliver(delivery: Delivery) -> None:
    """Put a failed delivery back into the outbox, with all its tries before it again.

    Raises
    ------
    InvalidTransition
        If it has not failed.
    """
    alert = Alert.objects.select_for_update().get(pk=delivery.alert_id)
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    log = _logged(row, "put back by hand")
    transition(row, DeliveryStatus.PENDING, attempts=0, next_attempt_at=timezone.now(), log=log)
    settle(alert)


@transaction.atomic
def cancel(delivery: Delivery) -> None:
    """Take a delivery that waits or failed out of the outbox for good.

    Raises
    ------
    InvalidTransition
        If it is being sent, was delivered or is cancelled already.
    """
    alert = Alert.objects.select_for_update().get(pk=delivery.alert_id)
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    log = _logged(row, "cancelled")
    transition(row, DeliveryStatus.CANCELLED, next_attempt_at=None, log=log)
    settle(alert)
