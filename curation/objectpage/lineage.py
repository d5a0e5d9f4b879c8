"""How a detection came about and what came of it: from the exposure to the catalog entry."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from curation.models import Alert, ValidationEvent
from curation.objectpage.subject import Subject
from detection.models import Detection, SkyObject
from detection.provenance import Step, chain_of
from differencing.models import Candidate

# What the app above adds: it says so when it starts.
Later = Callable[[SkyObject], Iterator[Step]]
_later: list[Later] = []
_OPINIONS = ("score", "type")


def follow_with(steps: Later) -> None:
    """Add steps that come after verdicts and alerts."""
    if steps not in _later:
        _later.append(steps)


def steps_of(subject: Subject) -> list[Step]:
    """List the steps; for someone who is yet to judge, up to the score and without it."""
    detection = subject.epoch
    steps = [*chain_of(detection), _detection(detection)]
    if subject.is_held:
        return [_without_opinions(step) for step in steps]
    return [*steps, *_verdicts(detection), *_alerts(detection), *_entries(subject.thing)]


def _without_opinions(step: Step) -> Step:
    facts = {name: value for name, value in step.facts.items() if name not in _OPINIONS}
    # A test has no such rows: nobody who is to judge gets links to them.
    hides_row = isinstance(step.row, Candidate | Detection)
    return replace(step, facts=facts, is_linked=not hides_row, title=step.title)


def _detection(detection: Detection) -> Step:
    facts = {
        "type": detection.detection_type,
        "magnitude": detection.in_magnitudes() or "no zero point",
        "network version": detection.model_version,
    }
    files = {"cutouts": detection.cutouts_path, "picture": detection.thumbnail_path}
    return Step("Detection", detection, facts, provenance={"outputs": files})


def _verdicts(detection: Detection) -> Iterator[Step]:
    events = ValidationEvent.objects.current().filter(detection=detection)
    for event in events.select_related("validator").order_by("id"):
        facts = {
            "verdict": event.verdict,
            "label": event.label or "none",
            "by": event.validator.get_username(),
            "at": f"{event.created_at:%Y-%m-%d %H:%M:%S UTC}",
            "blind": event.blind,
        }
        yield Step("Verdict", event, facts, {"shown": event.shown_fields})


def _alerts(detection: Detection) -> Iterator[Step]:
    alerts = Alert.objects.filter(detection=detection).prefetch_related("deliveries")
    for alert in alerts.order_by("id"):
        delivered = [one.status for one in alert.deliveries.all()]
        facts = {
            "kind": alert.alert_type,
            "priority": alert.priority,
            "status": alert.status,
            "deliveries": ", ".join(delivered) or "none",
        }
        yield Step("Alert", alert, facts, _plain(alert.alert_metadata))


def _plain(metadata: Any) -> dict[str, Any]:
    return metadata if isinstance(metadata, dict) else {}


def _entries(thing: SkyObject | None) -> Iterator[Step]:
    if thing is not None:
        for steps in _later:
            yield from steps(thing)


def may_see(person: User, row: models.Model) -> bool:
    """Say whether a person may open the admin page of a row."""
    meta = row._meta
    return person.is_staff and person.has_perm(f"{meta.app_label}.view_{meta.model_name}")
