"""How much of what was injected came out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from django.db.models import QuerySet

from astrid.core.sky import separation_deg
from detection.models import Detection
from differencing.models import Candidate

MATCH_ARCSEC = 1.5
Place = tuple[float, float]  # right ascension and declination, degrees
BINS: tuple[tuple[float, float | None], ...] = ((5.0, 7.0), (7.0, 10.0), (10.0, None))


@dataclass(frozen=True)
class Recovery:
    """Injected sources in one range of ideal signal to noise, and how many were found.

    ``high`` is None where the range has no end.
    """

    low: float
    high: float | None
    injected: int
    candidates: int
    detections: int


def recoveries(truth_file: Path, survey: str) -> list[Recovery]:
    """Compare the truth of a simulated night with candidates and detections.

    A source counts in a frame where its core is not masked; it is found where one of the
    frame's candidates (or detections) lies within 1.5 arcseconds of its true place.
    """
    truth = Table.read(truth_file, format="ascii.ecsv")
    truth = truth[~np.asarray(truth["is_masked"], dtype=bool)]
    found = {
        "candidates": _found(truth, Candidate.objects.all(), survey),
        "detections": _found(truth, Detection.objects.believed(), survey),
    }
    snr = np.abs(np.asarray(truth["snr"], dtype=float))
    return [
        _recovery(low, high, (snr >= low) & (snr < (high or np.inf)), found) for low, high in BINS
    ]


@dataclass(frozen=True)
class FalsePositives:
    """What was found where nothing was injected: before the network, and after it."""

    candidates: int
    detections: int


def false_positives(truth_file: Path, survey: str) -> FalsePositives:
    """Count what the frames of a simulated night show beside every injected source.

    What remains of a source that is masked or too faint to be found is not counted as false.
    """
    truth = Table.read(truth_file, format="ascii.ecsv")
    true: dict[str, list[Place]] = {}
    for row in truth:
        true.setdefault(Path(row["file"]).stem, []).append((row["ra"], row["dec"]))
    counts = (
        sum(
            not _is_near(place, true.get(frame, []))
            for frame, places in _places(rows, survey).items()
            for place in places
        )
        for rows in (Candidate.objects.all(), Detection.objects.all())
    )
    return FalsePositives(*counts)


def _recovery(
    low: float, high: float | None, chosen: np.ndarray, found: dict[str, np.ndarray]
) -> Recovery:
    counts = {name: int((chosen & hits).sum()) for name, hits in found.items()}
    return Recovery(low, high, int(chosen.sum()), counts["candidates"], counts["detections"])


def _found(truth: Table, rows: QuerySet[Any], survey: str) -> np.ndarray:
    """Say for every row of the truth whether something was found there, in that frame."""
    places = _places(rows, survey)
    return np.array(
        [_is_near((row["ra"], row["dec"]), places.get(Path(row["file"]).stem, [])) for row in truth]
    )


def _places(rows: QuerySet[Any], survey: str) -> dict[str, list[Place]]:
    """Give where the rows are, frame by frame."""
    places: dict[str, list[Place]] = {}
    chosen = rows.filter(observation__survey__name=survey).values_list(
        "observation__observation_id", "ra", "dec"
    )
    for name, ra, dec in chosen:
        places.setdefault(name, []).append((ra, dec))
    return places


def _is_near(place: Place, places: list[Place]) -> bool:
    if not places:
        return False
    ra, dec = np.transpose(places)
    return bool(separation_deg(*place, ra, dec).min() * 3600 < MATCH_ARCSEC)
