"""What people do with a whole alert: write again, write to others too, hold it back."""

from collections.abc import Sequence

from django.db import transaction

from astrid.core.errors import InvalidTransition
from astrid.core.states import transition
from curation.alerts import outbox
from curation.delivery import cancel, redeliver, settle
from curation.models import Alert, AlertChannel, AlertStatus, Delivery, DeliveryStatus

_HELD_BACK = (DeliveryStatus.PENDING, DeliveryStatus.FAILED)


@transaction.atomic
def send_again(alert: Alert, channels: Sequence[AlertChannel] = ()) -> None:
    """Put what failed of an alert back into the outbox; where channels are named, write to these.

    A channel that the alert was never written to gets it for the first time: of a rule that named
    none, say.

    Raises
    ------
    InvalidTransition
        If nothing of it failed; if a channel is switched off, or has the message or waits for it;
        if the alert is delivered or withdrawn.
    """
    held = Alert.objects.select_for_update().get(pk=alert.pk)
    known = {row.channel_id: row for row in held.deliveries.all()}
    failed = [row for row in known.values() if row.status == DeliveryStatus.FAILED]
    again = [known[one.pk] for one in channels if one.pk in known] if channels else failed
    new = [one for one in channels if one.pk not in known]
    _check(held, [*again, *new], new)
    for row in again:
        redeliver(row)
    Delivery.objects.bulk_create(outbox([held], new))
    held.refresh_from_db()  # it moved with each delivery
    settle(held)


def _check(alert: Alert, meant: Sequence[object], new: Sequence[AlertChannel]) -> None:
    if not meant:
        raise InvalidTransition(
            f"alert {alert.pk} is {alert.status} and has no failed delivery to repeat; "
            "name the channels that it is to be sent to"
        )
    if off := sorted(one.name for one in new if not one.is_active):
        raise InvalidTransition(f"switched off: {', '.join(off)}; switch a channel on first")


@transaction.atomic
def withdraw(alert: Alert) -> None:
    """Take what waits or failed of an alert out of the outbox for good; what was sent stays sent.

    Raises
    ------
    InvalidTransition
        If nothing of it waits or failed.
    """
    held = Alert.objects.select_for_update().get(pk=alert.pk)
    rows = list(held.deliveries.filter(status__in=_HELD_BACK))
    for row in rows:
        cancel(row)
    if rows:
        return
    if held.deliveries.exists():
        raise InvalidTransition(f"nothing of alert {alert.pk}, {alert.status}, waits or failed")
    transition(held, AlertStatus.CANCELLED)
