"""What the page about an object shows, put together from what AstrID holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from curation.forms import VerdictForm
from curation.models import ValidationEvent
from curation.objectpage import epochs
from curation.objectpage.subject import Subject
from curation.page_config import preferences_of
from curation.series import NOTHING, History
from curation.series import history_of as history_of_rows
from curation.services import JUDGE
from detection.models import Detection, DetectionStatus
from detection.variation import variation_of
from detection.wording import sexagesimal

# Stored with a verdict that is given here: what it rests on.
SHOWN = ("science", "reference", "difference", "significance", "figures", "badges", "series",
         "score", "votes", "lineage", "surroundings")  # fmt: skip
HELD = (
    "You hold this in your review queue: judge it there. Score, verdicts and what came of them "
    "are shown here once you have."
)
PLANES = (
    ("science", "Science"),
    ("reference", "Reference"),
    ("difference", "Difference"),
    ("significance", "Significance"),
)
TOOLS = (
    ("stretch", "Stretch"),
    ("weaker", "Contrast \N{MINUS SIGN}"),
    ("stronger", "Contrast +"),
    ("invert", "Invert"),
    ("zoom", "Zoom"),
    ("blink", "Blink"),
)
MOST_VERDICTS = 200
VIEW_CURVES = "lightcurves.view_dataset"


@dataclass(frozen=True)
class Part:
    """A part of the page that comes when it is wanted, from an address of its own."""

    title: str
    address: str


# What the app above adds: it says so when it starts.
_parts: list[Callable[[Subject], Part | None]] = []


def add_part(part: Callable[[Subject], Part | None]) -> None:
    """Show a part on the page of each object that it gives one for."""
    if part not in _parts:
        _parts.append(part)


def history_of(subject: Subject) -> History:
    """Give the light curve of the subject, and whether it is known to vary."""
    return history_of_rows(subject.seen) if subject.seen else NOTHING


def context_of(subject: Subject, person: User) -> dict[str, Any]:
    """Give everything that the template shows."""
    history = history_of(subject)
    events = verdicts_on(subject)
    ra, dec = subject.place
    return {
        "title": subject.name,
        "subject": subject,
        "sexagesimal": sexagesimal(ra, dec),
        "degrees": f"{ra:.6f} {dec:+.6f}",
        "facts": _facts(subject),
        "planes": PLANES,
        "tools": TOOLS,
        "stored_curves": _stored_curves(subject, person),
        "curve_words": epochs.curve_in_words(history),
        "number_of_points": len(history.epochs),
        "variation": variation_of(history.fluxes),
        "verdicts": events,
        "tags": sorted({tag for event in events if event.is_in_force for tag in event.tags or []}),
        "form": _form(subject, person),
        "has_own": any(event.validator_id == person.pk and _counts(event) for event in events),
        "held": HELD if subject.is_held else "",
        "parts": [found for part in _parts if (found := part(subject))],
        "config": _config(subject, history, person),
    }


def _stored_curves(subject: Subject, person: User) -> str:
    """Give where the curves of the light-curve store are shown, to people who may see them."""
    thing = subject.thing
    if thing is None or thing.light_curve_target_id is None or subject.is_held:
        return ""
    address = reverse("lightcurves:target", args=[thing.light_curve_target_id])
    return address if person.has_perm(VIEW_CURVES) else ""


def _counts(event: ValidationEvent) -> bool:
    return event.is_in_force and not event.withdrawn


def _facts(subject: Subject) -> list[tuple[str, str]]:
    """Give the line below the heading."""
    thing, chosen = subject.thing, subject.chosen
    first, last = _times(subject)
    facts = [
        ("epochs", str(len(subject.seen))),
        ("first seen", f"{first:%Y-%m-%d}"),
        ("last seen", f"{last:%Y-%m-%d}"),
    ]
    if chosen is not None and not subject.is_held:
        said = sorted({one.human_label for one in subject.strip if one.human_label})
        best = thing.best_class if thing else chosen.detection_type
        facts += [("network", best), ("people", ", ".join(said) or "no label yet")]
    return facts


def _times(subject: Subject) -> tuple[datetime, datetime]:
    if subject.thing is not None:
        return subject.thing.first_seen, subject.thing.last_seen
    once = subject.epoch.observation.observation_time
    return once, once


def verdicts_on(subject: Subject) -> list[ValidationEvent]:
    """Give what people said, in time order; nothing to someone who is yet to judge."""
    if subject.is_held or not subject.seen:
        return []
    events = ValidationEvent.objects.filter(detection__in=[one.pk for one in subject.seen])
    rows = events.select_related("validator", "superseded_by", "detection__observation")
    rows = rows.only(*_EVENT).order_by("-id")[:MOST_VERDICTS]
    return list(reversed(rows))


_EVENT = (
    "created_at", "is_valid", "is_unsure", "withdrawn", "label", "confidence_level", "notes",
    "tags", "blind", "decides", "ms_spent", "validator__username", "superseded_by__id",
    "detection__observation__mjd_utc", "detection__observation__filter_band",
)  # fmt: skip


def _form(subject: Subject, person: User) -> VerdictForm | None:
    chosen = subject.chosen
    takes = chosen is not None and chosen.status != DetectionStatus.ARCHIVED
    return VerdictForm() if takes and not subject.is_held and person.has_perm(JUDGE) else None


def _config(subject: Subject, history: History, person: User) -> dict[str, Any]:
    chosen = subject.chosen
    kept = preferences_of(person)
    return {
        "epochs": epochs.strip_of(subject, history),
        "at": [one.pk for one in subject.strip].index(chosen.pk) if chosen else -1,
        "curve": epochs.curve_of(history),
        "system": chosen.photometric_system if chosen else "",
        "page": epochs.address_pattern(),
        "keys": kept.get("keys", {}),
        "keysOn": kept.get("keysOn", True),
        "look": kept.get("look", {}),
    }


def facts_of(subject: Subject) -> dict[str, Any]:
    """Give the page as plain values."""
    history = history_of(subject)
    ra, dec = subject.place
    return {
        "object": str(subject.thing.pk) if subject.thing and not subject.is_held else None,
        "designation": subject.name,
        "ra": ra,
        "dec": dec,
        "epochs": [_epoch(one, hides_score=subject.is_held) for one in subject.strip],
        "series": [point.as_json() for point in history.epochs],
        "verdicts": _as_json(verdicts_on(subject)),
    }


def _epoch(detection: Detection, *, hides_score: bool) -> dict[str, Any]:
    frame = detection.observation
    facts = {
        "detection": str(detection.pk),
        "exposure": frame.observation_id,
        "mjd": frame.mjd_utc,
        "band": frame.filter_band,
        "ra": detection.ra,
        "dec": detection.dec,
        **detection.brightness(),
    }
    opinions = {
        "score": detection.confidence_score,
        "type": detection.detection_type,
        "status": detection.status,
        "label": detection.human_label,
    }
    return facts if hides_score else facts | opinions


def _as_json(events: Sequence[ValidationEvent]) -> list[dict[str, Any]]:
    return [
        {
            "detection": str(event.detection_id),
            "at": event.created_at.isoformat(),
            "by": event.validator.get_username(),
            "verdict": event.verdict,
            "label": event.label,
            "confidence": event.confidence_level,
            "notes": event.notes,
            "tags": event.tags or [],
            "blind": event.blind,
            "in_force": event.is_in_force,
        }
        for event in events
    ]
