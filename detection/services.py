"""What the detection domain can do: score candidates, and join detections into objects."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from numpy.typing import NDArray

from astrid.core.errors import BadImage
from astrid.core.measure import Cost, measured
from astrid.core.models import RunStatus
from astrid.core.provenance import versions
from detection import audit, inference, past, scoring, shadow, variation
from detection.association import associate, refresh
from detection.findings import detections_of
from detection.frames import Images, images_of
from detection.maps import ConfidenceMap, store_maps
from detection.models import Detection, ModelRun
from detection.networks import Networks, chosen_for, in_force, open_networks
from detection.parameters import DetectionParameters
from detection.scoring import Frame, Scored
from detection.signals import detections_made
from detection.weights import Weights
from differencing.models import Candidate, DifferenceRun

FloatImage = NDArray[np.float32]


def due() -> QuerySet[DifferenceRun]:
    """Differences that no network has scored, and that the ones in force have not failed on.

    A network that comes into force scores what comes from then on: the archive stays as judged.
    Comparisons are there to be looked at: only the difference that counts is scored.
    """
    seen = ModelRun.objects.filter(
        ~Q(status=RunStatus.FAILED) | Q(model__is_active=True),
        difference_run=OuterRef("pk"),
        is_shadow=False,
    )
    return (
        DifferenceRun.objects.filter(status=RunStatus.COMPLETED, is_comparison=False)
        .exclude(Exists(seen))
        .select_related("observation", "reference_observation", "reference_image")
        .order_by("id")
    )


@transaction.atomic
def begin(run: DifferenceRun, parameters: DetectionParameters) -> list[ModelRun]:
    """Open an inference of the networks in force for a difference, unless there is one."""
    chosen = in_force()
    opened, is_new = ModelRun.objects.get_or_create(
        model=chosen.model,
        difference_run=run,
        defaults={
            "observation": run.observation,
            "unet": chosen.unet,
            "anomaly_detector": chosen.anomaly_detector,
            "parameters": asdict(parameters),
        },
    )
    return [opened] if is_new else []


def infer(run: ModelRun) -> None:
    """Score the candidates of a difference; keep those that the network believes in."""
    parameters = DetectionParameters(**run.parameters)
    difference = _difference(run)
    networks = open_networks(chosen_for(run))
    candidates = list(difference.candidates.order_by("id"))
    threshold = _threshold(networks.judge, parameters)
    with measured() as cost:
        with cost.step("read"):
            images = images_of(difference)
        with cost.step("network"):
            frame = _frame(run, networks, images, parameters)
            told = past.histories(difference.observation, candidates, parameters)
            frame = replace(frame, history=told)
            scored = scoring.score_candidates(candidates, frame, networks, threshold)
        with cost.step("detections"):
            drawn = [] if difference.is_control else audit.draw(scored, parameters.audit_rejected)
            detections = detections_of(run, images, [*scored.believed, *drawn], parameters)
            audit.mark(detections, scored)
            past.note(detections, frame.history)
        with cost.step("shadow"):
            shadow.score_beside(run, frame, networks, candidates)
        with cost.step("store"):
            maps = store_maps(run, _map(networks, frame, parameters), images.difference, scored)
    _finish(run, scored, detections, parameters, cost, maps)


def _difference(run: ModelRun) -> DifferenceRun:
    if run.difference_run is None:
        raise BadImage(f"{run}: its difference is gone; retry the observation")
    return run.difference_run


def _threshold(network: Weights, parameters: DetectionParameters) -> float:
    chosen = parameters.score_threshold
    return network.card.thresholds["detection"] if chosen is None else chosen


def _frame(
    run: ModelRun, networks: Networks, images: Images, parameters: DetectionParameters
) -> Frame:
    try:
        stack = images.stack()
        probability = inference.probability_map(networks.unet, stack, tile_px=parameters.tile_px)
    except ValueError as error:
        raise BadImage(f"{run}: {error}") from error
    return Frame(stack, probability, images.difference.figures["fwhm_science"])


def _map(networks: Networks, frame: Frame, parameters: DetectionParameters) -> ConfidenceMap:
    unet = networks.unet
    confidence = unet.card.calibration(frame.probability).astype(np.float32)
    return ConfidenceMap(confidence, _threshold(unet, parameters))


def _finish(
    run: ModelRun,
    scored: Scored,
    detections: list[Detection],
    parameters: DetectionParameters,
    cost: Cost,
    maps: dict[str, str],
) -> None:
    """Close ``run`` with its detections and their objects, in one transaction."""
    difference = _difference(run)
    with transaction.atomic():
        run.complete(**maps, **_figures(scored, parameters, cost), **_origin(run, difference, maps))
        Candidate.objects.bulk_update(scored.candidates, scoring.WRITTEN, batch_size=1000)
        if not difference.is_control:
            believed = [one for one in detections if not one.is_audit]
            associate(believed, parameters.association_radius_arcsec / 3600)
            variation.note(believed, before=difference.observation.observation_time)
        Detection.objects.bulk_create(detections, batch_size=1000)
        if not difference.is_control:
            refresh({one.sky_object.pk for one in detections if one.sky_object})
            detections_made.send(sender=Detection, detections=detections)


def _figures(scored: Scored, parameters: DetectionParameters, cost: Cost) -> dict[str, Any]:
    counts, _ = np.histogram(scored.scores, bins=20, range=(0, 1))
    return {
        "inference_time_ms": 1000 * cost.seconds["network"],
        "memory_usage_mb": cost.peak_memory_mb,
        "total_predictions": len(scored.scores),
        "high_confidence_predictions": sum(
            score >= parameters.high_confidence for score in scored.scores
        ),
        "unscored_candidates": len(scored.candidates) - len(scored.scores),
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
                "unet": run.unet.sha256 if run.unet else None,
                "anomaly_detector": (run.anomaly_detector.sha256 if run.anomaly_detector else None),
            },
            "outputs": maps,
            "versions": versions(),
        },
    }


def give_up(run: ModelRun, reason: str) -> None:
    """Leave the observation as it is: its difference stands, the reason is on the run."""


def resume(run: ModelRun) -> None:
    """Nothing stands in the way of another try: an inference changes no observation."""
