"""Which image is subtracted from which."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from astrid.core.models import RunStatus
from astrid.core.sky import separation_deg
from differencing.models import ReferenceImage
from observations.models import Observation, ObservationStatus, Role
from observations.roles import differences
from observations.rules import IngestRules
from observations.services import facts_from_row, rules_of
from preprocessing.models import PreprocessRun


@dataclass(frozen=True)
class Pairing:
    """One subtraction to be made."""

    reference: Observation
    image: ReferenceImage | None
    is_control: bool = False


def pairings(observation: Observation) -> list[Pairing]:
    """List what is to be subtracted from ``observation``."""
    adopt(observation)
    rules = rules_of(observation.survey)
    images = _images(observation)
    if rules.differences:
        return _by_rules(observation, rules, images)
    if observation.role != Role.SCIENCE:
        return []
    return [Pairing(image.first_frame(), image) for image in images if _covers(image, observation)]


def _by_rules(
    observation: Observation, rules: IngestRules, images: list[ReferenceImage]
) -> list[Pairing]:
    """Pair groups of frames as the survey's rule file says."""
    partners = Observation.objects.filter(
        survey=observation.survey_id, filter_band=observation.filter_band, status__in=READY
    ).exclude(pk=observation.pk)
    by_name = {row.observation_id: row for row in partners}
    image_of = {image.first_frame().pk: image for image in images}
    asked = differences(rules, [facts_from_row(row) for row in (observation, *by_name.values())])
    return [
        Pairing(partner, image_of.get(partner.pk), entry.control)
        for entry in asked
        if entry.science == observation.observation_id
        for partner in [by_name[entry.reference]]
        # A baseline that was withdrawn is subtracted no more, except as a control.
        if entry.control or partner.role == Role.SCIENCE or partner.pk in image_of
    ]


def adopt(observation: Observation) -> None:
    """Make every preprocessed reference frame of this survey and band a baseline, once."""
    done = PreprocessRun.objects.filter(
        status=RunStatus.COMPLETED,
        observation__role=Role.REFERENCE,
        observation__status__in=READY,
        observation__survey=observation.survey_id,
        observation__filter_band=observation.filter_band,
        observation__reference_images=None,
    )
    for run in done.select_related("observation"):
        _adopt(run)


@transaction.atomic
def _adopt(run: PreprocessRun) -> None:
    # The row lock lets one of two workers adopt the frame; the other sees that it is done.
    frame = Observation.objects.select_for_update().get(pk=run.observation_id)
    if frame.reference_images.exists():
        return
    image = ReferenceImage.objects.create(
        survey_id=frame.survey_id,
        filter_band=frame.filter_band,
        ra=frame.ra,
        dec=frame.dec,
        radius_deg=frame.radius_deg or 0.0,
        file_path=run.processed_fits_path or "",
        depth=run.figures.get("quality", {}).get("limiting_flux"),
        seeing=frame.seeing,
        valid_from=frame.observation_time,
    )
    image.observations.add(frame)


# A reference frame is "differenced" once its own control subtractions are made.
READY = (
    ObservationStatus.PREPROCESSED,
    ObservationStatus.DIFFERENCING,
    ObservationStatus.DIFFERENCED,
)


def _images(observation: Observation) -> list[ReferenceImage]:
    """Give the baselines in force of this survey and band."""
    in_force = Q(valid_to=None) | Q(valid_to__gt=timezone.now())
    images: QuerySet[ReferenceImage] = ReferenceImage.objects.filter(
        in_force, survey=observation.survey_id, filter_band=observation.filter_band, is_active=True
    ).prefetch_related("observations")
    return list(images.order_by("id"))


def _covers(image: ReferenceImage, observation: Observation) -> bool:
    distance = separation_deg(image.ra, image.dec, observation.ra, observation.dec)
    return float(distance) < image.radius_deg
