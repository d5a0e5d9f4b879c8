"""Tasks of review."""

from celery import shared_task

from curation import delivery


@shared_task
def deliver(delivery_id: str) -> None:
    """Try one message of the outbox once; the sweep comes back for it if it fails."""
    delivery.deliver(delivery_id)
