"""One object at several epochs."""

from detection.models import Detection


def epochs_of(detection: Detection) -> list[Detection]:
    """List the other detections of the same object by time: the film strip."""
    if detection.sky_object is None:
        return []
    others = detection.sky_object.detections.exclude(pk=detection.pk)
    related = others.select_related("observation", "candidate")
    return list(related.order_by("observation__mjd_utc", "id")[:50])
