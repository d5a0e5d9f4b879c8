"""From what the networks say to the rows of candidates: score, status, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from detection import anomaly, classifier
from detection.card import CLASSIFIER
from detection.ensemble import Judged, Places, by_confidence, spread_out
from detection.inference import outside, score
from detection.networks import Networks
from differencing.models import Candidate, CandidateStatus

FloatImage = NDArray[np.float32]

WRITTEN = ["network_score", "status", "unscored_reason"]


@dataclass(frozen=True)
class Frame:
    """What the networks see of a frame.

    Attributes
    ----------
    stack : (ny, nx, 4) float32 array
        From :func:`detection.normalise.channels`.
    probability : (ny, nx) float32 array
        From :func:`detection.inference.probability_map`.
    fwhm : float
        Seeing of the science frame, px.
    history : dict of UUID to float
        Of its candidates, see :func:`detection.past.histories`; who is not in it has none.
    """

    stack: FloatImage
    probability: FloatImage
    fwhm: float
    history: Mapping[UUID, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the networks say of one candidate; None where the judge does not say it.

    Attributes
    ----------
    confidence, uncertainty : float
        Of being real.
    kinds : dict of str to float
        Probability of each class if it is real; they sum to 1.
    embedding : (d,) float16 array
    novelty : float
        Above 1 it is like nothing learned.
    """

    confidence: float
    uncertainty: float | None = None
    kinds: dict[str, float] | None = None
    embedding: NDArray[np.float16] | None = None
    novelty: float | None = None

    @property
    def class_probabilities(self) -> dict[str, float] | None:
        """Probabilities of all classes, the artifact included; they sum to 1."""
        if self.kinds is None:
            return None
        real = {name: share * self.confidence for name, share in self.kinds.items()}
        return real | {"artifact": 1 - self.confidence}


@dataclass(frozen=True)
class Scored:
    """Candidates of a difference with what was said of each, in the order of their rows."""

    candidates: list[Candidate]
    answers: list[Answer | None]
    threshold: float

    @property
    def believed(self) -> list[tuple[Candidate, Answer]]:
        """Those that become detections."""
        return self._judged(CandidateStatus.DETECTED)

    @property
    def rejected(self) -> list[tuple[Candidate, Answer]]:
        """Those that do not."""
        return self._judged(CandidateStatus.REJECTED)

    def _judged(self, status: CandidateStatus) -> list[tuple[Candidate, Answer]]:
        return [
            (one, answer)
            for one, answer in zip(self.candidates, self.answers, strict=True)
            if answer is not None and one.status == status
        ]

    @property
    def scores(self) -> list[float]:
        """All confidences that there are."""
        return [answer.confidence for answer in self.answers if answer is not None]


def score_candidates(
    candidates: list[Candidate], frame: Frame, networks: Networks, threshold: float
) -> Scored:
    """Put the judge's confidence on every unsaved candidate, and what follows from it."""
    places = places_of(candidates, frame)
    faults = outside(frame.stack.shape[:2], places.x, places.y)
    is_good = faults == ""
    judged = spread_out(judge(networks, frame, places.chosen(is_good)), faults)
    answers = answers_of(networks, judged)
    for one, answer, fault in zip(candidates, answers, judged.fault.tolist(), strict=True):
        settle(one, answer, fault, threshold)
    return Scored(candidates, answers, threshold)


def places_of(candidates: Sequence[Candidate], frame: Frame) -> Places:
    """Give what the networks are told of candidates beside the pixels."""
    return Places(
        x=np.array([one.pixel_x for one in candidates]),
        y=np.array([one.pixel_y for one in candidates]),
        is_negative=np.array([one.is_negative for one in candidates], bool),
        history=np.array([frame.history.get(one.pk, np.nan) for one in candidates], float),
    )


def judge(networks: Networks, frame: Frame, places: Places) -> Judged:
    """Ask the judge: the classifier, or the U-Net's map where there is none."""
    if networks.judge.card.model_type == CLASSIFIER:
        return classifier.judge_frame(networks.judge, frame.stack, places, fwhm=frame.fwhm)
    calibration = networks.judge.card.calibration
    return by_confidence(score(frame.probability, places.x, places.y, calibration))


def answers_of(networks: Networks, judged: Judged) -> list[Answer | None]:
    """Give what the networks say, candidate by candidate."""
    novelty = novelties(networks, judged)
    return [_answer(judged, novelty, row, networks) for row in range(len(judged))]


def novelties(networks: Networks, judged: Judged) -> NDArray[np.float64]:
    """Give how unlike anything learned each candidate is; NaN where nobody says."""
    if networks.anomaly_detector is None:
        return np.full(len(judged), np.nan)
    return anomaly.novelty(networks.anomaly_detector, judged.embedding)


def _answer(
    judged: Judged, novelty: NDArray[np.float64], row: int, networks: Networks
) -> Answer | None:
    if judged.fault[row]:
        return None
    names = networks.judge.card.classes
    shares = judged.kinds[row].tolist()
    embedding = judged.embedding[row]
    return Answer(
        confidence=float(judged.confidence[row]),
        uncertainty=_known(judged.uncertainty[row]),
        kinds=dict(zip(names, shares, strict=True)) if shares else None,
        embedding=embedding.astype(np.float16) if embedding.size else None,
        novelty=_known(novelty[row]),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def settle(one: Candidate, answer: Answer | None, fault: str, threshold: float) -> None:
    """Write score and status on an unsaved candidate, or the reason why there is none."""
    one.unscored_reason = fault[:REASON_LENGTH]
    one.network_score = answer.confidence if answer else None
    if answer:
        is_real = answer.confidence >= threshold
        one.status = CandidateStatus.DETECTED if is_real else CandidateStatus.REJECTED


REASON_LENGTH = Candidate._meta.get_field("unscored_reason").max_length
