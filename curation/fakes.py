"""Sources injected into real frames, to be shown among the others and found, or not.

A fake goes the way of a new source from extraction on: it is measured, scored and cut out by the
same code. It ends as a gold item and never as a detection.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from django.db import transaction

from astrid.core.errors import AstridError
from curation.models import GoldItem, InjectionTest, Origin, Truth
from detection import inference, scoring
from detection.association import designation
from detection.findings import detections_of
from detection.frames import Images, images_of
from detection.injection import Sources, inject, random_sources
from detection.models import Detection, ModelRun, SkyObject
from detection.networks import chosen_for, open_networks
from detection.parameters import DetectionParameters
from detection.scoring import Answer, Frame
from differencing.extraction.extract import extract
from differencing.models import Candidate
from differencing.services import rows_of

MATCH_PX = 2.0  # a candidate so near to where a source was put is that source
_CANDIDATE = (
    "pixel_x", "pixel_y", "ra", "dec", "significance", "snr", "fwhm", "ellipticity",
    "position_angle", "psf_misfit", "is_saturated", "is_blended", "is_edge", "is_dipole",
    "is_negative", "near_bright_star", "mask_bits", *Candidate.COLUMNS,
)  # fmt: skip
_DETECTION = (
    "ra", "dec", "pixel_x", "pixel_y", "confidence_score", "novelty", "detection_type",
    "model_version", "prediction_metadata", "cutouts_path", *Detection.COLUMNS,
)  # fmt: skip


class NoRoom(AstridError):
    """A frame in which no place is left for a source."""


def make_fakes(run: ModelRun, number: int, seed: int) -> list[GoldItem]:
    """Inject sources into the frames of an inference; keep those that the pipeline finds.

    The same seed puts the same sources at the same places.

    Raises
    ------
    NoRoom
        If the frame has no clean place that is far enough from everything.
    """
    if run.difference_run is None:
        raise NoRoom(f"{run}: its difference is gone")
    images = images_of(run.difference_run)
    taken = np.array(list(run.difference_run.candidates.values_list("pixel_x", "pixel_y")))
    parameters = DetectionParameters(**run.parameters)
    try:
        sources = random_sources(
            images.difference, taken.reshape(-1, 2), number, parameters.cutout_px, seed
        )
    except ValueError as error:
        raise NoRoom(f"{run}: {error}") from error
    found = found_again(run, images, sources, parameters)
    with transaction.atomic():
        counts = {"injected": len(sources.x), "recovered": len(found)}
        InjectionTest.objects.update_or_create(model_run=run, seed=seed, defaults=counts)
        return _keep(run, found, images, sources)


def found_again(
    run: ModelRun, images: Images, sources: Sources, parameters: DetectionParameters
) -> dict[int, Detection]:
    """Give the detections that injected sources become, unsaved, by the number of the source."""
    changed = replace(images, **inject(images.science, images.difference, sources))
    difference = run.difference_run
    if difference is None:
        raise NoRoom(f"{run}: its difference is gone")
    found = extract(
        changed.difference, changed.science, changed.reference,
        threshold=float(difference.parameters["threshold"]),
    )  # fmt: skip
    rows = rows_of(difference, found, changed.difference.zero_point)
    candidates = [row for row in rows if _number_of(row, sources) is not None]
    pairs = _believed(run, changed, candidates, parameters)
    made = detections_of(run, changed, pairs, parameters)
    return {number: one for one in made if (number := _number_of(one, sources)) is not None}


def _number_of(row: Any, sources: Sources) -> int | None:
    distance = np.hypot(sources.x - row.pixel_x, sources.y - row.pixel_y)
    nearest = int(np.argmin(distance))
    return nearest if distance[nearest] <= MATCH_PX else None


def _believed(
    run: ModelRun, images: Images, candidates: list[Candidate], parameters: DetectionParameters
) -> list[tuple[Candidate, Answer]]:
    networks = open_networks(chosen_for(run))
    stack = images.stack()
    probability = inference.probability_map(networks.unet, stack, tile_px=parameters.tile_px)
    frame = Frame(stack, probability, images.difference.figures["fwhm_science"])
    chosen = parameters.score_threshold
    threshold = networks.judge.card.thresholds["detection"] if chosen is None else chosen
    return scoring.score_candidates(candidates, frame, networks, threshold).believed


def _keep(
    run: ModelRun, found: dict[int, Detection], images: Images, sources: Sources
) -> list[GoldItem]:
    zero_point = images.difference.zero_point
    items = [
        GoldItem(
            model_run=run,
            truth=Truth.REAL,
            origin=Origin.FAKE,
            facts=facts_of(one),
            snr=float(sources.snr[number]),
            magnitude=sources.magnitude(number, zero_point) if zero_point else None,
        )
        for number, one in found.items()
    ]
    return GoldItem.objects.bulk_create(items)


def facts_of(one: Detection) -> dict[str, Any]:
    """Give what an item of this detection shows, as plain values."""
    return {
        "detection": {name: _plain(getattr(one, name)) for name in _DETECTION},
        "candidate": {name: _plain(getattr(one.candidate, name)) for name in _CANDIDATE},
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def detection_of(gold: GoldItem) -> Detection:
    """Give a fake as a detection that no table holds, for the page to show."""
    run = gold.model_run
    if run is None or run.observation is None:
        raise NoRoom(f"{gold}: the frames it was injected into are gone")
    facts = gold.facts
    when = run.observation.observation_time
    place = {"ra": facts["detection"]["ra"], "dec": facts["detection"]["dec"]}
    name = designation(place["ra"], place["dec"])
    thing = SkyObject(id=gold.pk, designation=name, first_seen=when, last_seen=when, **place)
    candidate = Candidate(observation=run.observation, **facts["candidate"])
    return Detection(
        id=gold.pk,
        model_run=run,
        observation=run.observation,
        candidate=candidate,
        sky_object=thing,
        **facts["detection"],
    )
