"""The words and numbers of an alert."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from astrid.core.brightness import in_words
from curation.models import Alert
from detection.models import Detection
from detection.wording import flux, sexagesimal

Facts = dict[str, Any]


def facts_of(detection: Detection) -> Facts:
    """Give what is known of a detection as JSON: the body of a webhook."""
    observation, found = detection.observation, detection.candidate
    return {
        "detection": str(detection.pk),
        "object": detection.sky_object.designation if detection.sky_object else None,
        "ra": detection.ra,
        "dec": detection.dec,
        "score": detection.confidence_score,
        "type": detection.detection_type,
        "human_label": detection.human_label,
        "status": detection.status,
        "model_version": detection.model_version,
        "survey": observation.survey.name,
        "observation": observation.observation_id,
        "band": observation.filter_band,
        "mjd_utc": observation.mjd_utc,
        "flux_adu": detection.flux,
        "flux_error_adu": detection.flux_error,
        "magnitude": detection.magnitude,
        "magnitude_error": detection.magnitude_error,
        "upper_limit": detection.upper_limit,
        "photometric_system": detection.photometric_system,
        "snr": found.snr if found else None,
    }


def title_of(facts: Facts) -> str:
    """Give the subject line."""
    name = facts["object"] or f"detection {facts['detection']}"
    kind = facts["human_label"] or facts["type"]
    return f"AstrID: {kind} {name}, score {facts['score']:.3f}"


def text_of(facts: Facts, rule: str) -> str:
    """Give the message as plain text, one figure a line."""
    lines = [
        title_of(facts),
        "",
        f"Position     {sexagesimal(facts['ra'], facts['dec'])} (ICRS)",
        f"             {facts['ra']:.6f} {facts['dec']:+.6f} deg",
        f"Seen         MJD {facts['mjd_utc']:.5f} (UTC), band {facts['band']}",
        f"Exposure     {facts['observation']} of {facts['survey']}",
        f"Network      {facts['type']}, score {facts['score']:.4f}, model {facts['model_version']}",
        f"People       {facts['human_label'] or 'no label'}, {facts['status']}",
        f"Difference   {flux(facts['flux_adu'], facts['flux_error_adu'], facts['snr'])}",
        f"Magnitude    {in_words(facts) or 'no zero point'}",
        f"Rule         {rule}",
    ]
    return "\n".join(lines)


def link_to(alert: Alert) -> str:
    """Give the address of the page that an alert is about, for people outside."""
    if alert.drift_week is not None:
        path = reverse("admin:detection_model_watch", args=[alert.drift_week.model_id])
    elif alert.entity_id is not None:
        path = reverse("admin:catalog_exportjob_change", args=[alert.entity_id])
    else:
        path = reverse("curation:detection", args=[alert.detection_id])
    return f"{settings.SITE_URL.rstrip('/')}{path}"
