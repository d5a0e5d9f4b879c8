"""What was seen before at the places of a frame: the history that the networks are told."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from django.db.models import Count, Q
from numpy.typing import NDArray

from astrid.core.models import RunStatus
from detection.models import Detection, ModelRun, SkyObject
from detection.parameters import DetectionParameters
from differencing.models import Candidate
from observations.models import Observation

FloatArray = NDArray[np.floating]
# Of earlier visits that are looked at: more say nothing new.
MOST_VISITS = 1000


def histories(
    observation: Observation, candidates: Sequence[Candidate], parameters: DetectionParameters
) -> dict[UUID, float]:
    """Count, for every candidate of a frame, the detections at its place so far, itself included.

    Counted are those of the same survey before the exposure. A place that was looked at fewer
    than ``history_visits`` times has no history yet: one detection among many visits tells a new
    star, one among few tells nothing. Two queries, however many candidates there are.

    Returns
    -------
    dict of UUID to float
        By the key of the candidate; NaN where there is no history yet.
    """
    if not candidates:
        return {}
    places = _on_sky([(one.ra, one.dec) for one in candidates])
    is_known = visits(observation, places) >= parameters.history_visits
    counts = np.full(len(candidates), np.nan)
    if is_known.any():
        radius = parameters.association_radius_arcsec * u.arcsec
        counts[is_known] = 1 + earlier_detections(observation, places[is_known], radius)
    return dict(zip((one.pk for one in candidates), counts.tolist(), strict=True))


def visits(observation: Observation, places: SkyCoord) -> NDArray[np.intp]:
    """Count the earlier frames of the survey, scored by a network, that cover each place."""
    reach = observation.radius_deg or 0.0
    rows = (
        Observation.objects.cone_search(observation.ra, observation.dec, min(2 * reach, 180.0))
        .filter(
            pk__in=ModelRun.objects.filter(status=RunStatus.COMPLETED, is_shadow=False).values(
                "observation"
            ),
            survey=observation.survey_id,
            observation_time__lt=observation.observation_time,
        )
        .order_by("-observation_time")
        .values_list("ra", "dec", "radius_deg")[:MOST_VISITS]
    )
    count = np.zeros(len(places), np.intp)
    for ra, dec, radius in rows:
        count += places.separation(SkyCoord(ra, dec, unit="deg")).deg <= (radius or 0.0)
    return count


def earlier_detections(
    observation: Observation, places: SkyCoord, radius: u.Quantity
) -> FloatArray:
    """Count the earlier detections of the sky object at each place; 0 where there is none."""
    counted = Q(
        detections__is_audit=False,
        detections__observation__survey=observation.survey_id,
        detections__observation__observation_time__lt=observation.observation_time,
    )
    reach = min((observation.radius_deg or 0.0) + radius.to_value(u.deg), 180.0)
    rows = (
        SkyObject.objects.cone_search(observation.ra, observation.dec, reach)
        .annotate(seen=Count("detections", filter=counted))
        .values_list("ra", "dec", "seen")
    )
    known = np.array(list(rows), float).reshape(-1, 3)
    if not len(known):
        return np.zeros(len(places))
    index, apart, _ = places.match_to_catalog_sky(_on_sky(known[:, :2]))
    return np.where(apart <= radius, known[index, 2], 0.0)


def _on_sky(places: Any) -> SkyCoord:
    ra, dec = np.asarray(places, float).T
    return SkyCoord(ra, dec, unit="deg")


def note(detections: Sequence[Detection], found: Mapping[UUID, float]) -> None:
    """Write on unsaved detections what the networks were told, for later trainings."""
    for one in detections:
        count = found.get(one.candidate_id, np.nan) if one.candidate_id else np.nan
        known = None if np.isnan(count) else count
        one.prediction_metadata = {**(one.prediction_metadata or {}), "history": known}


def noted(detection: Detection) -> float:
    """Give the history that the networks were told; NaN where there was none."""
    known = (detection.prediction_metadata or {}).get("history")
    return float("nan") if known is None else float(known)
