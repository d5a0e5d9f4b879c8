"""The catalog entry of an object that people confirmed: made, and renewed as verdicts change."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from astrid.core.errors import AstridError
from catalog import estimates, publication
from catalog.models import CatalogEntry, PublicationState
from curation import taxonomy
from curation.models import ValidationEvent
from detection.models import Detection, DetectionStatus, DetectionType, SkyObject


class NoObject(AstridError):
    """A confirmed detection that belongs to no object of the sky."""


def publish_object_of(detection: Detection) -> CatalogEntry | None:
    """Bring the entry of the detection's object up to date.

    Raises
    ------
    NoObject
        If the detection belongs to no object.
    """
    if detection.sky_object is None:
        raise NoObject(
            f"detection {detection.pk} belongs to no sky object; join detections into objects first"
        )
    return publish(detection.sky_object)


@transaction.atomic
def publish(sky_object: SkyObject) -> CatalogEntry | None:
    """Make the current catalog entry say what the verdicts on an object say now.

    The first confirmation makes version 1, a draft. Whatever changes the content makes the
    next version, a draft again: what is published stays so until :mod:`catalog.publication` puts
    a later version in its place. A second call without news changes nothing. When no confirmed
    detection is left, the current entry and the published one are retracted. Returns the current
    entry, None if there never was one.
    """
    SkyObject.objects.select_for_update().get(pk=sky_object.pk)
    current = CatalogEntry.objects.filter(sky_object=sky_object, is_current=True).first()
    confirmed = _confirmed(sky_object)
    if not confirmed:
        publication.retract_all(sky_object, "no verdict confirms it any more")
        return CatalogEntry.objects.filter(sky_object=sky_object, is_current=True).first()
    content = _content(sky_object, confirmed)
    if current is not None and _says(current, content):
        return current
    return _next_version(sky_object, current, content)


def _confirmed(sky_object: SkyObject) -> list[Detection]:
    rows = sky_object.detections.filter(status=DetectionStatus.CONFIRMED)
    return list(rows.select_related("candidate", "observation", "model_run__model").order_by("id"))


def _says(entry: CatalogEntry, content: dict[str, Any]) -> bool:
    if entry.publication_state == PublicationState.RETRACTED:
        return False
    return all(getattr(entry, name) == value for name, value in content.items())


def _next_version(
    sky_object: SkyObject, current: CatalogEntry | None, content: dict[str, Any]
) -> CatalogEntry:
    version = 1
    if current is not None:
        version = current.version + 1
        current.is_current = False
        current.save(update_fields=["is_current", "updated_at"])
    return CatalogEntry.objects.create(sky_object=sky_object, version=version, **content)


def _content(sky_object: SkyObject, detections: Sequence[Detection]) -> dict[str, Any]:
    events = list(ValidationEvent.objects.current().filter(detection__in=detections).order_by("id"))
    position = estimates.mean_position([_measured(each) for each in detections])
    return {
        "designation": sky_object.designation,
        "object_class": _class(detections, events),
        "posterior": estimates.posterior(
            [each.confidence_score for each in detections], _witnesses(events)
        ),
        "ra": position.ra,
        "dec": position.dec,
        "position_error_arcsec": position.error_arcsec,
        "magnitudes": _peaks(detections),
        "evidence": _evidence(detections, events),
    }


def _measured(detection: Detection) -> estimates.Measured:
    found, scale = detection.candidate, detection.observation.pixel_scale
    fwhm = found.fwhm if found else None
    return estimates.Measured(
        ra=detection.ra,
        dec=detection.dec,
        snr=abs(found.snr) if found and found.snr else None,
        fwhm_arcsec=fwhm * scale if fwhm and scale else None,
        exposure=str(detection.observation_id),
    )


def _class(detections: Sequence[Detection], events: Sequence[ValidationEvent]) -> str:
    """Give the class that most real verdicts name, the network's where no verdict names one."""
    by_label = taxonomy.types_by_label()
    named = [by_label[event.label] for event in events if event.is_valid and event.label]
    guessed = [each.detection_type for each in detections]
    usable = named or [kind for kind in guessed if kind != DetectionType.ARTIFACT]
    counts = Counter(usable)
    # Of classes named equally often, the one named last.
    return max(reversed(usable), key=counts.__getitem__, default=DetectionType.UNKNOWN)


def _witnesses(events: Sequence[ValidationEvent]) -> list[float]:
    """Give each person's mean vote, +1 real to -1 bogus: five epochs are still one witness."""
    votes: dict[Any, list[float]] = defaultdict(list)
    for event in events:
        votes[event.validator_id].append(
            0.0 if event.is_unsure else 1.0 if event.is_valid else -1.0
        )
    return [sum(given) / len(given) for given in votes.values()]


def _peaks(detections: Sequence[Detection]) -> dict[str, dict[str, Any]]:
    """Give, per band, the flux farthest from zero with its error and epoch."""
    peaks: dict[str, dict[str, Any]] = {}
    for detection in detections:
        found = detection.candidate
        if found is None or found.flux is None:
            continue
        band = detection.observation.filter_band
        if band not in peaks or abs(found.flux) > abs(peaks[band]["peak_flux_adu"]):
            peaks[band] = {
                "peak_flux_adu": found.flux,
                "error_adu": found.flux_error,
                "mjd_utc": detection.observation.mjd_utc,
                "detection": str(detection.pk),
                **_known(found.brightness()),
            }
    return peaks


def _known(brightness: dict[str, Any]) -> dict[str, Any]:
    """Give the magnitude of a peak with its error, or its limit, as far as they are known."""
    names = ("magnitude", "magnitude_error", "upper_limit", "photometric_system")
    return {name: brightness[name] for name in names if brightness[name] not in (None, "")}


def _evidence(detections: Sequence[Detection], events: Sequence[ValidationEvent]) -> dict[str, Any]:
    models = {each.model_run.model_id: each.model_run.model for each in detections}
    return {
        "detections": [str(each.pk) for each in detections],
        "verdicts": [str(each.pk) for each in events],
        "models": [
            {"name": model.name, "version": model.version, "sha256": model.sha256}
            for model in models.values()
        ],
    }
