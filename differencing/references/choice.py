"""Which image is subtracted from which, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid.core.errors import BadImage, NoReference
from differencing.models import DifferenceRun, ReferenceImage
from differencing.parameters import DifferenceParameters
from differencing.references import overlap
from differencing.references.adoption import READY, adopt
from differencing.references.depth import Depth, kept_share
from observations.fits_site import night_of
from observations.models import Observation, Role, same_camera
from observations.roles import differences
from observations.rules import IngestRules
from observations.services import facts_from_row, rules_of
from preprocessing.services import product_of

Bools = NDArray[np.bool_]

# Of those that were not chosen, so many are named on the run.
MOST_NAMED = 5


@dataclass(frozen=True)
class Pairing:
    """One subtraction to be made; ``reference`` is None when ``image`` is a stack."""

    reference: Observation | None
    image: ReferenceImage | None
    is_control: bool = False
    choice: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> dict[str, Any]:
        """Give the columns of a run that say what is subtracted."""
        return key_of(self.reference, self.image)


def key_of(reference: Observation | None, image: ReferenceImage | None) -> dict[str, Any]:
    """Give the columns of a run that say what is subtracted: the frame, or else the stack."""
    if reference is not None:
        return {"reference_observation": reference}
    return {"reference_observation": None, "reference_image": image}


def pairings(observation: Observation, parameters: DifferenceParameters) -> list[Pairing]:
    """List what is to be subtracted from ``observation``.

    Raises
    ------
    NoReference
        If it is a science frame, and no reference in force may be used; the message says why.
    """
    adopt(observation)
    rules = rules_of(observation.survey)
    if rules.differences:
        return _by_rules(observation, rules)
    if observation.role != Role.SCIENCE:
        return []
    return _chosen(observation, parameters)


def _by_rules(observation: Observation, rules: IngestRules) -> list[Pairing]:
    """Pair groups of frames as the survey's rule file says."""
    partners = (
        Observation.objects.filter(
            survey=observation.survey_id, filter_band=observation.filter_band, status__in=READY
        )
        .exclude(pk=observation.pk)
        .covering(observation.ra, observation.dec, observation.radius_deg or 0.0)
    )
    by_name = {row.observation_id: row for row in partners.order_by("-id")}
    image_of = {image.first_frame().pk: image for image in _images(observation)}
    asked = differences(rules, [facts_from_row(row) for row in (observation, *by_name.values())])
    return [
        Pairing(partner, image_of.get(partner.pk), entry.control, {"rule": rules.source})
        for entry in asked
        if entry.science == observation.observation_id
        for partner in [by_name[entry.reference]]
        # A baseline that was withdrawn is subtracted no more, except as a control.
        if entry.control or partner.role == Role.SCIENCE or partner.pk in image_of
    ]


def _images(observation: Observation) -> list[ReferenceImage]:
    """Give the baselines in force of this camera and band whose circles touch the frame's."""
    return list(
        ReferenceImage.objects.in_force()
        .filter(
            same_camera(observation.survey_id, observation.instrument),
            filter_band=observation.filter_band,
        )
        .covering(observation.ra, observation.dec, observation.radius_deg or 0.0)
        .prefetch_related("observations")
    )


@dataclass(frozen=True, eq=False)
class Option:
    """A baseline as seen from one frame."""

    image: ReferenceImage
    covered: Bools
    kept: float
    is_same_night: bool

    @cached_property
    def overlap(self) -> float:
        """Share of the frame that it covers."""
        return float(self.covered.mean()) * (self.image.coverage or 1.0)

    @property
    def score(self) -> float:
        """Share of the frame's faint changes that it would show: overlap times kept S/N."""
        return self.overlap * self.kept

    @property
    def rank(self) -> tuple[float, float, int]:
        """Best last; an image of unknown depth by overlap alone."""
        return self.score, self.overlap, -self.image.pk.int

    def facts(self) -> dict[str, Any]:
        """Give what decides, as JSON values."""
        return {
            "reference_image": str(self.image.pk),
            "name": str(self.image),
            "frames": self.image.number_of_frames,
            "score": round(self.score, 4),
            "overlap": round(self.overlap, 4),
            "kept_snr": round(self.kept, 4),
            "depth": self.image.depth,
            "limiting_magnitude": self.image.limiting_magnitude,
            "seeing": self.image.seeing,
        }

    def refusal(self, least: float) -> str:
        """Say why it cannot be used; empty when it can."""
        if self.is_same_night:
            return "taken, or partly taken, in the same night"
        if self.overlap < least:
            return f"covers {self.overlap:.1%} of the frame, {least:.1%} are needed"
        return ""


def _chosen(observation: Observation, parameters: DifferenceParameters) -> list[Pairing]:
    """Give the best baseline, and further ones where they cover what is not covered yet."""
    options = options_for(observation, parameters)
    usable = [option for option in options if not option.refusal(parameters.min_overlap)]
    if not usable:
        raise NoReference(_no_reference(observation, options, parameters.min_overlap))
    chosen = select(usable, parameters.min_overlap)
    return [
        Pairing(
            None if option.image.is_stack else option.image.first_frame(),
            option.image,
            choice=option.facts() | {"left_out": _left_out(options, chosen, parameters)},
        )
        for option in chosen
    ]


def select(usable: Sequence[Option], least: float) -> list[Option]:
    """Give the option of the highest score, then those that add ``least`` of the frame or more."""
    ordered = sorted(usable, key=lambda option: option.rank, reverse=True)
    chosen, covered = [ordered[0]], ordered[0].covered
    for option in ordered[1:]:
        if float((option.covered & ~covered).mean()) >= least:
            chosen.append(option)
            covered = covered | option.covered
    return chosen


def _left_out(
    options: Iterable[Option], chosen: Sequence[Option], parameters: DifferenceParameters
) -> list[dict[str, Any]]:
    others = [option for option in options if option not in chosen]
    others.sort(key=lambda option: option.rank, reverse=True)
    return [
        option.facts() | {"reason": option.refusal(parameters.min_overlap) or "a lower score"}
        for option in others[:MOST_NAMED]
    ]


def options_for(observation: Observation, parameters: DifferenceParameters) -> list[Option]:
    """Give the baselines in force of this camera and filter that touch the frame."""
    points = overlap.points_in(frame_of(observation))
    depth = depth_of(observation)
    return [
        Option(
            image,
            overlap.inside(points, frame_of(image)),
            kept_share(depth, depth_of_image(image)),
            any(
                is_same_night(observation, frame, parameters) for frame in image.observations.all()
            ),
        )
        for image in _images(observation)
    ]


def frame_of(row: Observation | ReferenceImage) -> NDArray[np.float64]:
    """Give the polygon of a footprint; a square in its circle where no corners are known."""
    if row.footprint:
        return overlap.polygon(row.footprint)
    return overlap.square(row.ra, row.dec, row.radius_deg or 0.0)


def depth_of(observation: Observation) -> Depth:
    """Give the depth of a preprocessed frame."""
    run = product_of(observation)
    quality = run.figures.get("quality", {})
    depth = Depth.of(quality.get("limiting_flux"), observation.exposure_time, observation.seeing)
    return depth.calibrated(run.calibrated_limit, run.photometric_system)


def depth_of_image(image: ReferenceImage) -> Depth:
    """Give the depth of a baseline."""
    depth = Depth.of(image.depth, image.exposure_time, image.seeing)
    return depth.calibrated(image.limiting_magnitude, image.photometric_system)


def is_same_night(one: Observation, other: Observation, parameters: DifferenceParameters) -> bool:
    """Say whether two exposures are of one night: local noon to noon, or else a few hours."""
    if one.site_longitude is None or other.site_longitude is None:
        return abs(one.mjd_utc - other.mjd_utc) * 24 < parameters.night_hours
    return night_of(one.mjd_utc, one.site_longitude) == night_of(
        other.mjd_utc, other.site_longitude
    )


def _no_reference(observation: Observation, options: Sequence[Option], least: float) -> str:
    place = f"RA {observation.ra:.4f} Dec {observation.dec:+.4f}"
    words = f"{observation}: no reference image in filter {observation.filter_band}"
    if not options:
        return f"{words} covers {place}; ingest one, then retry"
    best = sorted(options, key=lambda option: option.rank, reverse=True)[:MOST_NAMED]
    reasons = "; ".join(f"{option.image} {option.refusal(least)}" for option in best)
    return f"{words} can be subtracted at {place}: {reasons}; ingest one, then retry"


@dataclass(frozen=True)
class Baseline:
    """What a run subtracts: a stored frame, its name and the grid that it is on."""

    name: str
    grid: Any
    path: str


def baseline_of(run: DifferenceRun) -> Baseline:
    """Give what ``run`` subtracts: the frame's present product, or the stack it points at.

    Raises
    ------
    NoReference
        If neither is there.
    BadImage
        If the reference is the frame itself.
    """
    frame, image = run.reference_observation, run.reference_image
    if frame is None:
        if image is None:
            raise NoReference(f"{run}: the reference is gone; retry the observation")
        return Baseline(str(image), image.grid_observation_id, image.file_path)
    if run.observation.pixel_sha256 == frame.pixel_sha256:
        raise BadImage(
            f"{run.observation} is its own reference: {frame} has the same "
            "pixels; ingest a reference from another epoch"
        )
    product = product_of(frame)
    grid = product.grid_observation_id or product.observation_id
    return Baseline(str(frame), grid, product.processed_fits_path or "")
