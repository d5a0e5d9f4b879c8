"""Tasks of review."""

from celery import shared_task

from curation import delivery, gold, skill, weighing


@shared_task
def deliver(delivery_id: str) -> None:
    """Try one message of the outbox once; the sweep comes back for it if it fails."""
    delivery.deliver(delivery_id)


@shared_task
def measure_curators() -> None:
    """Weigh all verdicts, make gold of what many agree on, and measure whoever judged."""
    weighing.weigh()
    gold.promote()
    skill.measure(skill.judges())
