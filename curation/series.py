"""Light curves: what was measured, and how deep one looked without finding.

Forced photometry gives an epoch wherever the object was measured, seen or not, and its own limit;
elsewhere a detection stands for itself, and the depth of a frame for what was not seen.

This is the one place where the points of an object come together: another source of points is
added to :func:`history_of`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from curation import points, seriesrows
from curation.footprints import covers
from curation.points import Epoch
from curation.seriesrows import Facts
from detection.models import Detection, ForcedMeasurement
from differencing.models import DifferenceRun

SAME_NIGHT_DAYS = 1.0
CLEARLY_MAG = 0.5  # so much deeper than the source an epoch must be for its absence to tell


@dataclass(frozen=True)
class History:
    """What is known of the object behind one detection."""

    epochs: list[Epoch]
    is_known_variable: bool
    fluxes: Sequence[ForcedMeasurement] = ()

    def is_moving(self, detection: Detection) -> bool:
        """Say whether it was not there in the same night, though it would have been seen."""
        if detection.magnitude is None:
            return False
        when = detection.observation.mjd_utc
        return any(
            epoch.is_limit
            and 0 < abs(epoch.mjd - when) < SAME_NIGHT_DAYS
            and epoch.value > detection.magnitude + CLEARLY_MAG
            for epoch in self.epochs
        )


NOTHING = History([], is_known_variable=False)


def histories(detections: Sequence[Detection]) -> dict[UUID, History]:
    """Give the history of each detection, in three queries however many there are."""
    facts = seriesrows.facts_of(detections)
    return {one.pk: _history(one, facts) for one in detections}


def history_of(seen: Sequence[Detection]) -> History:
    """Give the history of one object from its detections, rows of :func:`points_in_time`.

    One looked wherever the reference of one of them was subtracted.
    """
    looked = {run.observation_id: run for runs in seriesrows.looked(seen).values() for run in runs}
    fluxes = [row for rows in seriesrows.forced(seen).values() for row in rows]
    return _together(seen, looked.values(), fluxes)


def _history(detection: Detection, facts: Facts) -> History:
    # A test has an object that no table knows: it is all that was seen of it.
    key = detection.sky_object_id or detection.pk
    others = facts.seen.get(key) or [detection]
    runs = facts.looked.get(seriesrows.baseline_of(detection.model_run.difference_run), [])
    return _together(others, runs, facts.forced.get(key, []))


def _together(
    seen: Sequence[Detection],
    looked: Iterable[DifferenceRun],
    fluxes: Sequence[ForcedMeasurement],
) -> History:
    by_difference = {row.difference_run_id: row for row in fluxes}
    there = {one.observation_id for one in seen}
    # One point per frame: of its differences, the newest.
    unseen = {row.observation_id: row for row in fluxes if row.observation_id not in there}
    known = there | unseen.keys()
    absent = [
        run
        for run in looked
        if run.observation_id not in known and covers(run.observation.footprint, seen[-1])
    ]
    found = [points.measured(one, by_difference) for one in seen] + [
        points.point(row) for row in unseen.values()
    ]
    epochs = [point for point in found if point] + [points.limit(run) for run in absent]
    return History(
        sorted(epochs, key=lambda epoch: epoch.mjd),
        any(seriesrows.varies(one) for one in seen),
        fluxes,
    )
