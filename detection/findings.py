"""The rows and pictures of the candidates that the networks believe in."""

import numpy as np

from astrid.core import store
from detection import context, cutouts
from detection.context import ReferenceSources
from detection.frames import Images
from detection.models import Detection, ModelRun
from detection.parameters import DetectionParameters
from differencing.models import Candidate


def detections_of(
    run: ModelRun, images: Images, believed: list[Candidate], parameters: DetectionParameters
) -> list[Detection]:
    """Build the unsaved rows of believed candidates, their cutouts stored."""
    reference = images.reference
    sources = context.find_reference_sources(
        reference.pixels,
        float(np.nanmedian(reference.noise)),
        reference.mask,
        threshold=parameters.source_sigma,
    )
    return [_detection(run, images, sources, one, parameters) for one in believed]


def _detection(
    run: ModelRun,
    images: Images,
    sources: ReferenceSources,
    candidate: Candidate,
    parameters: DetectionParameters,
) -> Detection:
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
        observation=run.observation,
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
