"""The rows and pictures of the candidates that the networks believe in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid.core import store
from detection import context, cutouts
from detection.context import ReferenceSources
from detection.frames import Images
from detection.models import Detection, DetectionType, ModelRun
from detection.orientation import sky_directions
from detection.parameters import DetectionParameters
from detection.scoring import Answer
from differencing.models import Candidate


def detections_of(
    run: ModelRun,
    images: Images,
    believed: list[tuple[Candidate, Answer]],
    parameters: DetectionParameters,
) -> list[Detection]:
    """Build the unsaved rows of believed candidates, their cutouts stored."""
    reference = images.reference
    sources = context.find_reference_sources(
        reference.pixels,
        float(np.nanmedian(reference.noise)),
        reference.mask,
        threshold=parameters.source_sigma,
    )
    surroundings = _Surroundings(images, sources, _significance(images), parameters)
    detections = [_detection(run, surroundings, one, answer) for one, answer in believed]
    _orient(detections, images)
    return detections


def _significance(images: Images) -> NDArray[np.float32]:
    """Give S_corr, NaN in pixels that the networks are not shown: cutouts keep that as well."""
    found = images.difference
    return np.where(found.mask == 0, found.significance, np.nan).astype(np.float32)


def _orient(detections: list[Detection], images: Images) -> None:
    """Note where north and east lie in the cutouts."""
    ra, dec = ([getattr(one, name) for one in detections] for name in ("ra", "dec"))
    north, east = sky_directions(images.difference.wcs, ra, dec)
    for one, up, left in zip(detections, north.tolist(), east.tolist(), strict=True):
        one.prediction_metadata = {**(one.prediction_metadata or {}), "north": up, "east": left}


@dataclass(frozen=True)
class _Surroundings:
    """What a candidate is shown and judged with beside what the networks say."""

    images: Images
    sources: ReferenceSources
    significance: NDArray[np.float32]
    parameters: DetectionParameters

    def cut(self, candidate: Candidate) -> NDArray[np.float16]:
        """Cut the pixels that people and later trainings see."""
        images = self.images
        return cutouts.cut(
            images.science.pixels,
            images.reference.pixels,
            images.difference.difference,
            self.significance,
            x=candidate.pixel_x,
            y=candidate.pixel_y,
            size=self.parameters.cutout_px,
        )

    def classify(self, candidate: Candidate, answer: Answer) -> tuple[str, dict[str, Any]]:
        """Say what a candidate is by the rules, and from which facts."""
        return context.classify(
            candidate.pixel_x,
            candidate.pixel_y,
            self.sources,
            self.images.reference.mask,
            answer.confidence,
            threshold=0.0,  # only believed candidates come here
            point_radius_px=self.parameters.point_radius_px,
            host_radii=self.parameters.host_radii,
        )


def kind_of(answer: Answer, by_rules: str) -> str:
    """Choose the type: unknown where it is like nothing learned, else the most probable class.

    ``by_rules`` is what the surroundings say, which counts where no network knows classes.
    """
    if answer.kinds is None:
        return by_rules
    if answer.novelty is not None and answer.novelty > 1:
        return DetectionType.UNKNOWN
    return max(answer.kinds, key=answer.kinds.__getitem__)


def _detection(
    run: ModelRun, surroundings: _Surroundings, candidate: Candidate, answer: Answer
) -> Detection:
    triplet = surroundings.cut(candidate)
    by_rules, facts = surroundings.classify(candidate, answer)
    return Detection(
        model_run=run,
        observation=run.observation,
        candidate=candidate,
        ra=candidate.ra,
        dec=candidate.dec,
        pixel_x=candidate.pixel_x,
        pixel_y=candidate.pixel_y,
        confidence_score=answer.confidence,
        uncertainty=answer.uncertainty,
        class_probabilities=answer.class_probabilities,
        novelty=answer.novelty,
        embedding=answer.embedding,
        detection_type=kind_of(answer, by_rules),
        model_version=run.model.version,
        **candidate.brightness(),
        prediction_metadata={"context": facts, "is_negative": candidate.is_negative},
        cutouts_path=store.put(cutouts.to_npz(triplet)),
        thumbnail_path=store.put(cutouts.render(triplet)),
    )
