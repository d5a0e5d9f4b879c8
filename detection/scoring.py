"""From what the networks say to the rows of candidates: score, status, or why there is none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.calibration import Calibration
from detection.inference import outside, score
from differencing.models import Candidate, CandidateStatus

WRITTEN = ["network_score", "status", "unscored_reason"]


@dataclass(frozen=True)
class Scored:
    """Candidates of a difference with their confidence, in the order of their rows."""

    candidates: list[Candidate]
    threshold: float

    @property
    def believed(self) -> list[Candidate]:
        """Those that become detections."""
        return [one for one in self.candidates if one.status == CandidateStatus.DETECTED]

    @property
    def scores(self) -> list[float]:
        """All confidences that there are."""
        return [one.network_score for one in self.candidates if one.network_score is not None]


def score_by_map(
    candidates: list[Candidate],
    probability: NDArray[np.float32],
    calibration: Calibration,
    threshold: float,
) -> Scored:
    """Put the confidence of the U-Net's map on every candidate, and what follows from it."""
    x, y = (np.array([getattr(one, name) for one in candidates]) for name in ("pixel_x", "pixel_y"))
    faults = outside(probability.shape, x, y)
    is_good = faults == ""
    confidence = np.full(len(candidates), np.nan)
    confidence[is_good] = score(probability, x[is_good], y[is_good], calibration)
    return settle(candidates, confidence, faults, threshold)


def settle(
    candidates: list[Candidate],
    confidence: NDArray[np.floating],
    faults: NDArray[np.str_],
    threshold: float,
) -> Scored:
    """Write confidence and status on unsaved candidates, or the reason why there is none.

    Parameters
    ----------
    confidence : (n,) array
    faults : (n,) array of str
        Why a candidate could not be judged; empty where it was.
    """
    for one, value, fault in zip(candidates, confidence.tolist(), faults.tolist(), strict=True):
        one.unscored_reason = fault
        one.network_score = None if fault else value
        if not fault:
            is_real = value >= threshold
            one.status = CandidateStatus.DETECTED if is_real else CandidateStatus.REJECTED
    return Scored(candidates, threshold)
