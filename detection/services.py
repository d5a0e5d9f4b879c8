"""What the detection domain can do: score candidates, and join detections into objects."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from numpy.typing import NDArray

from astrid.core import store
from astrid.core.errors import BadImage
from astrid.core.measure import Cost, measured
from astrid.core.models import RunStatus
from astrid.core.provenance import versions
from detection import context, cutouts, inference, normalise, registry
from detection.association import associate, refresh
from detection.context import ReferenceSources
from detection.models import Detection, ModelRun, ModelType
from detection.parameters import DetectionParameters
from detection.product import image_fits
from detection.signals import detections_made
from detection.weights import Weights
from differencing import product
from differencing.models import Candidate, CandidateStatus, DifferenceRun
from differencing.product import StoredDifference
from preprocessing.calibrated import CalibratedFrame, from_fits, wcs_header

FloatImage = NDArray[np.float32]


def due() -> QuerySet[DifferenceRun]:
    """Differences that no network has scored, and that the active one has not failed on.

    A network that comes into force scores what comes from then on: the archive stays as judged.
    Comparisons are there to be looked at: only the difference that counts is scored.
    """
    seen = ModelRun.objects.filter(
        ~Q(status=RunStatus.FAILED) | Q(model__is_active=True),
        difference_run=OuterRef("pk"),
        model__model_type=ModelType.UNET,
    )
    return (
        DifferenceRun.objects.filter(status=RunStatus.COMPLETED, is_comparison=False)
        .exclude(Exists(seen))
        .select_related("observation", "reference_observation", "reference_image")
        .order_by("id")
    )


@transaction.atomic
def begin(run: DifferenceRun, parameters: DetectionParameters) -> list[ModelRun]:
    """Open an inference of the active network for a difference, unless there is one."""
    model = registry.active()
    opened, is_new = ModelRun.objects.get_or_create(
        model=model,
        difference_run=run,
        defaults={"observation": run.observation, "parameters": asdict(parameters)},
    )
    return [opened] if is_new else []


@dataclass(frozen=True)
class _Images:
    """Everything that a score rests on, on one grid."""

    science: CalibratedFrame
    reference: CalibratedFrame
    difference: StoredDifference


def infer(run: ModelRun) -> None:
    """Score the candidates of a difference; keep those that the network believes in."""
    parameters = DetectionParameters(**run.parameters)
    network = registry.open_weights(run.model)
    with measured() as cost:
        with cost.step("read"):
            images = _images(_difference(run))
        with cost.step("network"):
            probability = _probability(run, network, images, parameters)
        scored = _score(run, network, probability, parameters)
        with cost.step("detections"):
            sources = _reference_sources(images, parameters)
            detections = [_detection(run, images, sources, one) for one in scored.believed]
        with cost.step("store"):
            confidence = network.card.calibration(probability)
            maps = _store_maps(confidence.astype(np.float32), scored.threshold, images)
    _finish(run, scored, detections, parameters, cost, maps)


def _difference(run: ModelRun) -> DifferenceRun:
    if run.difference_run is None:
        raise BadImage(f"{run}: its difference is gone; retry the observation")
    return run.difference_run


def _images(difference: DifferenceRun) -> _Images:
    stored = product.from_fits(store.get(difference.difference_image_path or ""))
    inputs = difference.provenance["inputs"]
    return _Images(
        from_fits(store.get(inputs["science"])), from_fits(store.get(inputs["reference"])), stored
    )


def _probability(
    run: ModelRun, network: Weights, images: _Images, parameters: DetectionParameters
) -> FloatImage:
    try:
        stack = normalise.channels(
            science=images.science.pixels,
            reference=images.reference.pixels,
            difference=images.difference.difference,
            significance=images.difference.significance,
            mask=images.difference.mask,
        )
        return inference.probability_map(network, stack, tile_px=parameters.tile_px)
    except ValueError as error:
        raise BadImage(f"{run}: {error}") from error


@dataclass(frozen=True)
class _Scored:
    """Candidates of a difference with their confidence, in the order of their rows."""

    candidates: list[Candidate]
    threshold: float

    @property
    def believed(self) -> list[Candidate]:
        """Those that become detections."""
        return [one for one in self.candidates if (one.network_score or 0.0) >= self.threshold]

    @property
    def scores(self) -> list[float]:
        """All confidences."""
        return [one.network_score or 0.0 for one in self.candidates]


def _score(
    run: ModelRun, network: Weights, probability: FloatImage, parameters: DetectionParameters
) -> _Scored:
    """Put the network's confidence on every candidate, and what follows from it."""
    candidates = list(_difference(run).candidates.order_by("id"))
    x = np.array([one.pixel_x for one in candidates])
    y = np.array([one.pixel_y for one in candidates])
    scores = inference.score(probability, x, y, network.card.calibration)
    threshold = parameters.score_threshold
    if threshold is None:
        threshold = network.card.thresholds["detection"]
    for one, score in zip(candidates, scores.tolist(), strict=True):
        one.network_score = score
        one.status = CandidateStatus.DETECTED if score >= threshold else CandidateStatus.REJECTED
    return _Scored(candidates, threshold)


def _reference_sources(images: _Images, parameters: DetectionParameters) -> ReferenceSources:
    reference = images.reference
    return context.find_reference_sources(
        reference.pixels,
        float(np.nanmedian(reference.noise)),
        reference.mask,
        threshold=parameters.source_sigma,
    )


def _detection(
    run: ModelRun, images: _Images, sources: ReferenceSources, candidate: Candidate
) -> Detection:
    """Build the row of a believed candidate, with its type and its pictures."""
    parameters = DetectionParameters(**run.parameters)
    triplet = cutouts.cut(
        images.science.pixels,
        images.reference.pixels,
        images.difference.difference,
        images.difference.significance,
        x=candidate.pixel_x,
        y=candidate.pixel_y,
        size=parameters.cutout_px,
    )
    kind, facts = context.classify(
        candidate.pixel_x,
        candidate.pixel_y,
        sources,
        images.reference.mask,
        candidate.network_score or 0.0,
        threshold=0.0,  # only believed candidates come here
        point_radius_px=parameters.point_radius_px,
        host_radii=parameters.host_radii,
    )
    return Detection(
        model_run=run,
        observation=_difference(run).observation,
        candidate=candidate,
        ra=candidate.ra,
        dec=candidate.dec,
        pixel_x=candidate.pixel_x,
        pixel_y=candidate.pixel_y,
        confidence_score=candidate.network_score or 0.0,
        detection_type=kind,
        model_version=run.model.version,
        **candidate.brightness(),
        prediction_metadata={"context": facts, "is_negative": candidate.is_negative},
        cutouts_path=store.put(cutouts.to_npz(triplet)),
        thumbnail_path=store.put(cutouts.render(triplet)),
    )


def _store_maps(confidence: FloatImage, threshold: float, images: _Images) -> dict[str, str]:
    """Store the calibrated confidence of every pixel, and where it reaches the threshold."""
    header = wcs_header(images.difference.wcs)
    mask = (confidence >= threshold).astype(np.uint8)
    return {
        "confidence_map_path": store.put(image_fits(confidence, header)),
        "output_mask_path": store.put(image_fits(mask, header)),
    }


def _finish(
    run: ModelRun,
    scored: _Scored,
    detections: list[Detection],
    parameters: DetectionParameters,
    cost: Cost,
    maps: dict[str, str],
) -> None:
    """Close ``run`` with its detections and their objects, in one transaction."""
    difference = _difference(run)
    with transaction.atomic():
        run.complete(**maps, **_figures(scored, parameters, cost), **_origin(run, difference, maps))
        Candidate.objects.bulk_update(
            scored.candidates, ["network_score", "status"], batch_size=1000
        )
        if not difference.is_control:
            associate(detections, parameters.association_radius_arcsec / 3600)
        Detection.objects.bulk_create(detections, batch_size=1000)
        if not difference.is_control:
            refresh({one.sky_object.pk for one in detections if one.sky_object})
            detections_made.send(sender=Detection, detections=detections)


def _figures(scored: _Scored, parameters: DetectionParameters, cost: Cost) -> dict[str, Any]:
    counts, _ = np.histogram(scored.scores, bins=20, range=(0, 1))
    return {
        "inference_time_ms": 1000 * cost.seconds["network"],
        "memory_usage_mb": cost.peak_memory_mb,
        "total_predictions": len(scored.candidates),
        "high_confidence_predictions": sum(
            score >= parameters.high_confidence for score in scored.scores
        ),
        "score_histogram": counts.tolist(),
        "library": f"onnxruntime {versions()['onnxruntime']}",
        "device": "cpu",
        "figures": asdict(cost) | {"quality": {"threshold": scored.threshold}},
    }


def _origin(run: ModelRun, difference: DifferenceRun, maps: dict[str, str]) -> dict[str, Any]:
    return {
        "input_image_path": difference.difference_image_path,
        "provenance": {
            "inputs": {
                **difference.provenance["inputs"],
                "difference": difference.difference_image_path,
                "weights": run.model.sha256,
            },
            "outputs": maps,
            "versions": versions(),
        },
    }


def give_up(run: ModelRun, reason: str) -> None:
    """Leave the observation as it is: its difference stands, the reason is on the run."""


def resume(run: ModelRun) -> None:
    """Nothing stands in the way of another try: an inference changes no observation."""
