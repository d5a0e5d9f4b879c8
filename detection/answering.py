"""Answers for those who ask: what the networks in force say of cutouts, or of a candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid.core.errors import AstridError, BadImage
from detection import classifier, inference, past
from detection.card import CLASSIFIER
from detection.ensemble import Judged, by_confidence, spread_out
from detection.findings import kind_of
from detection.frames import images_of
from detection.models import DetectionType
from detection.networks import Chosen, Networks, in_force, open_networks
from detection.parameters import DetectionParameters
from detection.scoring import Answer, Frame, answers_of, judge, places_of
from detection.stampnet.stamps import fitted, unlabelled
from detection.stamps import USUAL_FWHM, stamp_peak
from detection.uploads import Cutouts
from differencing.models import Candidate

FloatArray = NDArray[np.floating]


class NothingJudged(AstridError):
    """Cutouts none of which could be judged; ``faults`` says why, one for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"none of {len(faults)} cutouts can be judged: {faults[0]}")
        self.faults = faults


@dataclass(frozen=True)
class Reply:
    """What the networks say of each of those that were asked about, or why they do not."""

    chosen: Chosen
    threshold: float
    answers: list[Answer | None]
    faults: list[str]

    def as_json(self) -> dict[str, Any]:
        """Give the reply as plain values."""
        pairs = zip(self.answers, self.faults, strict=True)
        detector = self.chosen.anomaly_detector
        return {
            "model": named(self.chosen.model),
            "anomaly_detector": named(detector) if detector else None,
            "threshold": self.threshold,
            "results": [self._row(answer, fault) for answer, fault in pairs],
        }

    def _row(self, answer: Answer | None, fault: str) -> dict[str, Any]:
        said = answer or Answer(confidence=float("nan"))
        is_real = answer is not None and answer.confidence >= self.threshold
        kind = kind_of(said, DetectionType.UNKNOWN) if is_real else DetectionType.ARTIFACT
        return {
            "confidence": answer.confidence if answer else None,
            "is_real": is_real if answer else None,
            "uncertainty": said.uncertainty,
            "detection_type": str(kind) if answer else None,
            "class_probabilities": said.class_probabilities,
            "novelty": said.novelty,
            "error": fault,
        }


def named(model: Any) -> dict[str, str]:
    """Say which network it was."""
    return {
        "name": model.name,
        "version": model.version,
        "model_type": model.model_type,
        "sha256": model.sha256,
    }


def judge_cutouts(files: Sequence[Cutouts | str]) -> Reply:
    """Judge cutouts that come without their frames, file by file.

    Parameters
    ----------
    files : list of Cutouts or str
        A file that could not be read is the reason why, and has one row in the reply.

    Raises
    ------
    NothingJudged
        If not one of them can be judged.
    BadWeights
        If the networks in force cannot be used.
    """
    chosen = in_force()
    networks = open_networks(chosen)
    replies = [_answered(chosen, networks, one) for one in files]
    answers = [answer for each in replies for answer in each.answers]
    faults = [fault for each in replies for fault in each.faults]
    reply = Reply(chosen, _threshold(networks), answers, faults)
    if all(reply.faults):
        raise NothingJudged(reply.faults)
    return reply


def _answered(chosen: Chosen, networks: Networks, found: Cutouts | str) -> Reply:
    if isinstance(found, str):
        return Reply(chosen, _threshold(networks), [None], [found])
    judged = spread_out(_judged(networks, found.good()), found.faults)
    return _reply(chosen, networks, judged)


def _threshold(networks: Networks) -> float:
    return networks.judge.card.thresholds["detection"]


def _reply(chosen: Chosen, networks: Networks, judged: Judged) -> Reply:
    answers = answers_of(networks, judged)
    return Reply(chosen, _threshold(networks), answers, judged.fault.tolist())


def _judged(networks: Networks, cutouts: Cutouts) -> Judged:
    fwhm = cutouts.facts.get("fwhm", np.full(len(cutouts), USUAL_FWHM))
    if networks.judge.card.model_type != CLASSIFIER:
        return _by_map(networks, cutouts, fwhm)
    planes = fitted(cutouts.planes[:, :3])
    sign, history = cutouts.facts.get("sign"), cutouts.facts.get("history")
    stamps = unlabelled(planes, fwhm, sign=sign, history=history)
    return classifier.judge_stamps(networks.judge, stamps)


def _by_map(networks: Networks, cutouts: Cutouts, fwhm: FloatArray) -> Judged:
    """Read the U-Net's map in the middle of each cutout."""
    peaks, faults = [], []
    for planes, seeing in zip(cutouts.planes, fwhm.tolist(), strict=True):
        try:
            peaks.append(stamp_peak(networks.judge, planes, seeing))
            faults.append("")
        except ValueError as error:
            faults.append(str(error))
    confidence = networks.judge.card.calibration(np.array(peaks, float))
    return spread_out(by_confidence(confidence), faults)


def judge_candidate(candidate: Candidate) -> Reply:
    """Judge a candidate anew, from the frames that are stored.

    Raises
    ------
    BadImage
        If the frames hold nothing that networks could see.
    MissingFile, CorruptFile
        If a frame is not what was stored.
    BadWeights
        If the networks in force cannot be used.
    """
    chosen = in_force()
    networks = open_networks(chosen)
    images = images_of(candidate.difference_run)
    run = candidate.difference_run
    history = past.histories(run.observation, [candidate], DetectionParameters())
    try:
        stack = images.stack()
        probability = inference.probability_map(networks.unet, stack)
        fwhm = images.difference.figures["fwhm_science"]
        frame = Frame(stack, probability, fwhm, history)
        judged = judge(networks, frame, places_of([candidate], frame))
    except ValueError as error:
        raise BadImage(f"candidate {candidate.pk}: {error}") from error
    return _reply(chosen, networks, judged)
