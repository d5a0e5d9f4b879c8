"""What a curator reads beside the pixels: six figures, the badges, and one sentence of them all."""

from collections.abc import Collection
from typing import Any

from detection.models import ContextKind, Detection
from detection.wording import sexagesimal

Figure = dict[str, Any]
Badge = dict[str, str]
STAR_RADIUS_PX = 1.5  # nearer than this to a point source of the reference it is that star
NOVEL = 1.0  # beyond this distance the network has seen nothing like it


def figures_of(detection: Detection, *, blind: bool) -> list[Figure]:
    """Give the six figures that matter; what is not known has no value.

    A blind curator sees how well the PSF fits in place of the network's score.
    """
    found, frame = detection.candidate, detection.observation
    chosen = (
        _figure("misfit", "PSF misfit", found.psf_misfit if found else None, "", 2)
        if blind
        else _figure("score", "score", detection.confidence_score, "", 3)
    )
    return [
        _figure("snr", "S/N", found.snr if found else None, "", 1),
        _magnitude(detection),
        _figure("fwhm", "FWHM / seeing", _fwhm_ratio(detection), "", 2),
        chosen,
        _figure("host", "to host", _host_offset(detection, frame.pixel_scale), "arcsec", 1),
        _figure("age", "first seen", _age_days(detection), "d ago", 1),
    ]


def _figure(key: str, label: str, value: float | None, unit: str, decimals: int) -> Figure:
    text = "unknown" if value is None else f"{value:.{decimals}f} {unit}".strip()
    return {"key": key, "label": label, "value": value, "unit": unit, "text": text}


def _magnitude(detection: Detection) -> Figure:
    return {
        "key": "magnitude",
        "label": "magnitude",
        "value": detection.magnitude,
        "unit": detection.photometric_system,
        "text": detection.in_magnitudes() or "unknown",
    }


def _fwhm_ratio(detection: Detection) -> float | None:
    found, frame = detection.candidate, detection.observation
    if not (found and found.fwhm and frame.pixel_scale and frame.seeing):
        return None
    return found.fwhm * frame.pixel_scale / frame.seeing


def neighbour_of(detection: Detection) -> dict[str, Any] | None:
    """Give what the reference shows nearest, as the network's run noted it."""
    context = (detection.prediction_metadata or {}).get("context") or {}
    beside: dict[str, Any] | None = context.get("neighbour")
    return beside


def _host_offset(detection: Detection, scale: float | None) -> float | None:
    beside = neighbour_of(detection)
    if beside is None or beside["is_point"] or scale is None:
        return None
    return float(beside["separation_px"]) * scale


def _age_days(detection: Detection) -> float:
    if detection.sky_object is None:
        return 0.0  # seen never before
    taken_at = detection.observation.observation_time
    return max(0.0, (taken_at - detection.sky_object.first_seen).total_seconds() / 86_400)


def badges_of(
    detection: Detection,
    known: Collection[str],
    *,
    is_known_variable: bool,
    is_moving: bool,
    blind: bool,
) -> list[Badge]:
    """Give what a curator should know at a glance, warnings first.

    ``known`` names the kinds of sources that catalogues of others have at the place.
    """
    found, beside = detection.candidate, neighbour_of(detection)
    on_star = beside and beside["is_point"] and beside["separation_px"] <= STAR_RADIUS_PX
    warnings = {
        "saturated": ("saturated", found and found.is_saturated),
        "bright_star": ("bright star beside", found and found.near_bright_star),
        "edge": ("edge", found and found.is_edge),
        "dipole": ("dipole", found and found.is_dipole),
        "masked": ("masked pixels", found and found.mask_bits != 0),
    }
    facts = {
        "variable": ("known variable", is_known_variable or ContextKind.VARIABLE in known),
        "asteroid": ("known asteroid", ContextKind.ASTEROID in known),
        "known_star": ("known star", ContextKind.STAR in known),
        "star": ("on a star", on_star),
        "moving": ("moving?", is_moving),
        "fading": ("fading", found and found.is_negative),
        "blended": ("blended", found and found.is_blended),
        "novel": ("like nothing learned", not blind and (detection.novelty or 0) > NOVEL),
    }
    return _shown(warnings, "warn") + _shown(facts, "info")


def _shown(badges: dict[str, tuple[str, Any]], kind: str) -> list[Badge]:
    return [
        {"key": key, "text": text, "kind": kind}
        for key, (text, is_shown) in badges.items()
        if is_shown
    ]


def in_words(detection: Detection, figures: list[Figure], badges: list[Badge]) -> str:
    """Describe an item for someone who does not see its pixels."""
    place = sexagesimal(detection.ra, detection.dec)
    numbers = ", ".join(f"{one['label']} {one['text']}" for one in figures)
    warned = ", ".join(badge["text"] for badge in badges) or "none"
    return f"Candidate at {place}: {numbers}. Remarks: {warned}."
