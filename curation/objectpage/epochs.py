"""The epochs of an object as the scripts of its page get them: without pixels, without markup."""

from typing import Any

from django.urls import reverse

from astrid.core.brightness import in_words
from curation import figures, items
from curation.objectpage.subject import Subject
from curation.points import Epoch
from curation.series import History
from detection.known import Found, known_at, spot_of
from detection.models import Detection

VECTOR_DECIMALS = 4
MJD_DECIMALS = 5
MAGNITUDE_DECIMALS = 4


def strip_of(subject: Subject, history: History) -> list[dict[str, Any]]:
    """Give the epochs of the film strip, by time."""
    known = known_at([spot_of(one) for one in subject.strip])
    return [
        _tile(one, history, there, blind=subject.is_held)
        for one, there in zip(subject.strip, known, strict=True)
    ]


def _tile(detection: Detection, history: History, known: Found, *, blind: bool) -> dict[str, Any]:
    frame = detection.observation
    where = items.pixels_of(detection)
    shown = figures.figures_of(detection, blind=blind)
    badges = figures.badges_of(
        detection,
        known,
        is_known_variable=history.is_known_variable,
        is_moving=history.is_moving(detection),
        blind=blind,
    )
    return {
        # the name under which the pixels are kept
        "task": str(detection.pk),
        "detection": str(detection.pk),
        "pixels": where["pixels"],
        "scale": where["scale"],
        "north": _short(where["north"]),
        "east": _short(where["east"]),
        "mjd": round(frame.mjd_utc, MJD_DECIMALS),
        "when": f"{frame.observation_time:%Y-%m-%d %H:%M}",
        "band": frame.filter_band,
        "frame": frame.observation_id,
        "figures": [[one["label"], one["text"]] for one in shown],
        "badges": [[badge["text"], badge["kind"]] for badge in badges],
        "status": "" if blind else detection.status,
    }


def _short(vector: list[float] | None) -> list[float] | None:
    return None if vector is None else [round(each, VECTOR_DECIMALS) for each in vector]


def curve_of(history: History) -> dict[str, list[Any]]:
    """Give the points of the light curve column by column, which takes a third of the bytes."""
    points = history.epochs
    return {
        "mjd": [round(point.mjd, MJD_DECIMALS) for point in points],
        "value": [round(point.value, MAGNITUDE_DECIMALS) for point in points],
        "error": [_rounded(point.error) for point in points],
        "limit": [int(point.is_limit) for point in points],
        "band": [point.band for point in points],
        "detection": [str(point.detection or "") for point in points],
    }


def _rounded(error: float | None) -> float | None:
    return None if error is None else round(error, MAGNITUDE_DECIMALS)


def address_pattern() -> str:
    """Give the address of a detection's page with ``KEY`` in place of its id."""
    nobody = "00000000-0000-0000-0000-000000000000"
    return reverse("curation:detection", args=[nobody]).replace(nobody, "KEY")


def curve_in_words(history: History) -> str:
    """Describe a light curve for someone who does not see it."""
    measured = [point for point in history.epochs if not point.is_limit]
    limits = len(history.epochs) - len(measured)
    if not history.epochs:
        return "No point: nothing was measured in magnitudes, and no depth is known."
    numbers = f"{len(measured)} measured, {limits} upper limits"
    if not measured:
        return f"{numbers}."
    brightest = min(measured, key=lambda point: point.value)
    return f"{numbers}. Brightest: {_said(brightest)}. Last: {_said(measured[-1])}."


def _said(point: Epoch) -> str:
    facts = {
        "magnitude": point.value,
        "magnitude_error": point.error,
        "upper_limit": None,
        "photometric_system": point.system,
    }
    return f"{in_words(facts)} in {point.band} at MJD {point.mjd:.3f}"
