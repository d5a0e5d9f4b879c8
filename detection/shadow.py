"""The challenger scores what the champion scores; its scores are kept and used by nobody."""

from dataclasses import replace

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from astrid.core.errors import BadImage
from astrid.core.models import RunStatus, surviving
from astrid.core.provenance import versions
from detection import inference, registry
from detection.card import UNET
from detection.drift import BINS
from detection.models import ModelRun, ShadowScore
from detection.networks import Networks
from detection.parameters import DetectionParameters
from detection.scoring import Frame, judge, places_of
from detection.weights import Weights
from differencing.models import Candidate


def score_beside(
    run: ModelRun, frame: Frame, networks: Networks, candidates: list[Candidate]
) -> None:
    """Let the challenger of the judge score the candidates of ``run``, if there is one.

    Whatever goes wrong with it fails its own run, never the champion's.
    """
    row = registry.challenger(run.model.model_type)
    if row is None or run.difference_run is None:
        return
    shadow, _ = ModelRun.objects.get_or_create(
        model=row,
        difference_run=run.difference_run,
        is_shadow=True,
        defaults={
            "observation": run.observation,
            "unet": run.unet,
            "parameters": run.parameters,
        },
    )
    if shadow.status == RunStatus.COMPLETED:
        return
    with surviving(shadow):
        shadow.start()
        _score(shadow, frame, networks, candidates)


def _score(shadow: ModelRun, frame: Frame, networks: Networks, candidates: list[Candidate]) -> None:
    usable = [one for one in candidates if not one.unscored_reason]
    scored, confidence = _confidence(shadow, frame, networks, usable)
    counts, _ = np.histogram(confidence, bins=BINS, range=(0, 1))
    rows = [
        ShadowScore(model_run=shadow, candidate=one, confidence=value)
        for one, value in zip(scored, confidence.tolist(), strict=True)
    ]
    with transaction.atomic():
        shadow.complete(
            total_predictions=len(rows),
            score_histogram=counts.tolist(),
            library=f"onnxruntime {versions()['onnxruntime']}",
            device="cpu",
        )
        ShadowScore.objects.bulk_create(rows, batch_size=5000)


def _confidence(
    shadow: ModelRun, frame: Frame, networks: Networks, candidates: list[Candidate]
) -> tuple[list[Candidate], NDArray[np.floating]]:
    """Give the candidates that the challenger can judge, with its confidence in each."""
    network = registry.open_weights(shadow.model)
    if network.card.model_type == UNET:
        frame = replace(frame, probability=_map(shadow, network, frame))
        networks = replace(networks, unet=network)
    judged = judge(replace(networks, judge=network), frame, places_of(candidates, frame))
    good = judged.fault == ""
    kept = [one for one, is_good in zip(candidates, good.tolist(), strict=True) if is_good]
    return kept, judged.confidence[good]


def _map(shadow: ModelRun, network: Weights, frame: Frame) -> NDArray[np.float32]:
    tile_px = DetectionParameters(**shadow.parameters).tile_px
    try:
        return inference.probability_map(network, frame.stack, tile_px=tile_px)
    except ValueError as error:
        raise BadImage(f"{shadow}: {error}") from error
