"""Frames that were ingested as references become baselines."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from astrid.core.models import RunStatus
from differencing.models import ReferenceImage
from observations.models import Observation, ObservationStatus
from preprocessing.models import PreprocessRun

# A reference frame is "differenced" once its own control subtractions are made.
READY = (
    ObservationStatus.PREPROCESSED,
    ObservationStatus.DIFFERENCING,
    ObservationStatus.DIFFERENCED,
)


@transaction.atomic
def adopt(observation: Observation) -> None:
    """Make every preprocessed reference frame comparable to ``observation`` a baseline, once."""
    singles = ReferenceImage.observations.through.objects.filter(referenceimage__number_of_frames=1)
    waiting = (
        Observation.objects.references()
        .comparable_to(observation)
        .filter(~Exists(singles.filter(observation=OuterRef("pk"))), status__in=READY)
        .covering(observation.ra, observation.dec, observation.radius_deg or 0.0)
    )
    # The row locks let one of two workers adopt a frame; the other then sees that it is done.
    keys = list(waiting.values_list("pk", flat=True))
    if not keys:
        return
    frames = Observation.objects.select_for_update().in_bulk(keys)
    adopted = set(singles.filter(observation__in=keys).values_list("observation", flat=True))
    runs = PreprocessRun.objects.filter(status=RunStatus.COMPLETED, observation__in=keys)
    latest = {run.observation_id: run for run in runs.order_by("id")}
    images = {key: image_of(frames[key], run) for key, run in latest.items() if key not in adopted}
    ReferenceImage.objects.bulk_create(images.values())
    through = ReferenceImage.observations.through
    through.objects.bulk_create(
        through(referenceimage=image, observation_id=key) for key, image in images.items()
    )


def image_of(frame: Observation, run: PreprocessRun) -> ReferenceImage:
    """Describe a preprocessed frame as a baseline; nothing is written."""
    quality = run.figures.get("quality", {})
    return ReferenceImage(
        survey_id=frame.survey_id,
        filter_band=frame.filter_band,
        instrument=frame.instrument,
        ra=frame.ra,
        dec=frame.dec,
        radius_deg=frame.radius_deg or 0.0,
        footprint=frame.footprint,
        grid_observation_id=run.grid_observation_id or frame.pk,
        file_path=run.processed_fits_path or "",
        exposure_time=frame.exposure_time,
        depth=quality.get("limiting_flux"),
        limiting_magnitude=run.calibrated_limit,
        photometric_system=run.photometric_system if run.calibrated_limit is not None else "",
        seeing=frame.seeing,
        valid_from=frame.observation_time,
    )
