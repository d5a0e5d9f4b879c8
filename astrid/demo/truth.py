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
        "detections": _found(truth, Detection.objects.all(), survey),
    }
    snr = np.abs(np.asarray(truth["snr"], dtype=float))
    return [
        _recovery(low, high, (snr >= low) & (snr < (high or np.inf)), found) for low, high in BINS
    ]


def _recovery(
    low: float, high: float | None, chosen: np.ndarray, found: dict[str, np.ndarray]
) -> Recovery:
    counts = {name: int((chosen & hits).sum()) for name, hits in found.items()}
    return Recovery(low, high, int(chosen.sum()), counts["candidates"], counts["detections"])


def _found(truth: Table, rows: QuerySet[Any], survey: str) -> np.ndarray:
    """Say for every row of the truth whether something was found there, in that frame."""
    places: dict[str, list[tuple[float, float]]] = {}
    chosen = rows.filter(observation__survey__name=survey).values_list(
        "observation__observation_id", "ra", "dec"
    )
    for name, ra, dec in chosen:
        places.setdefault(name, []).append((ra, dec))
    return np.array([_is_near(row, places.get(Path(row["file"]).stem, [])) for row in truth])


def _is_near(row: Table.Row, places: list[tuple[float, float]]) -> bool:
    if not places:
        return False
    ra, dec = np.transpose(places)
    return bool(separation_deg(row["ra"], row["dec"], ra, dec).min() * 3600 < MATCH_ARCSEC)
