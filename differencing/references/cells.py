"""The frames of a sky cell, and which of them make the best reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from django.db.models import Q

from astrid.core.models import RunStatus
from differencing.models import ReferenceImage
from differencing.references.adoption import READY
from differencing.references.depth import Depth, kept_share
from differencing.references.parameters import ReferenceParameters
from observations.models import Observation, Role
from preprocessing.models import PreprocessRun


@dataclass(frozen=True)
class Member:
    """A preprocessed frame on the grid of a cell.

    ``depth`` and ``sky`` are in ADU/s of the frame that gives the grid, by the stars that both
    show: counts of another camera, or through clouds, are worth other amounts of light. ``scale``
    turns ADU/s of this frame into those.
    """

    run: PreprocessRun
    depth: Depth
    sky: float
    scale: float = 1.0

    @classmethod
    def of(cls, run: PreprocessRun) -> "Member":
        """Read what was measured when the frame was preprocessed."""
        quality, frame = run.figures.get("quality", {}), run.observation
        scale = scale_of(run)
        seconds = frame.exposure_time / scale
        depth = Depth.of(quality.get("limiting_flux"), seconds, frame.seeing)
        return cls(run, depth, quality.get("sky_level", 0.0) / seconds, scale)

    @property
    def frame(self) -> Observation:
        """The exposure."""
        return self.run.observation

    @property
    def limit(self) -> float:
        """Limiting flux, ADU/s of the grid's frame; infinite where it is not known."""
        return self.depth.flux or float("inf")


def scale_of(run: PreprocessRun) -> float:
    """Give what ADU/s of a frame are multiplied by to be those of the frame that gives its grid.

    1 for that frame itself, and for runs from before this was measured.
    """
    registration = (run.wcs_info or {}).get("registration", {})
    if run.grid_observation is None or "flux_ratio" not in registration:
        return 1.0
    seconds = run.observation.exposure_time / run.grid_observation.exposure_time
    return float(registration["flux_ratio"] * seconds)


@dataclass(frozen=True)
class Plan:
    """What a stack of a cell would be made from.

    ``chosen`` are the best frames, deepest first; ``refused`` counts the others by reason;
    ``typical`` is a frame of the cell as it usually is; ``present`` the stack in force.
    """

    chosen: tuple[Member, ...]
    refused: dict[str, int]
    typical: Depth
    present: ReferenceImage | None

    def score(self, depth: Depth, coverage: float = 1.0) -> float:
        """Give the share of the S/N of a typical frame that a reference of this depth keeps."""
        return kept_share(self.typical, depth) * coverage

    @property
    def present_score(self) -> float:
        """Score of the stack in force; 0 where there is none."""
        if self.present is None:
            return 0.0
        image = self.present
        seconds = (image.exposure_time or 0.0) / image.recipe.get("grid_scale", 1.0)
        depth = Depth.of(image.depth, seconds, image.seeing)
        return self.score(depth, image.coverage or 1.0)

    @property
    def expected_score(self) -> float:
        """Score that a stack of the chosen frames can reach."""
        return self.score(expected_depth(self.chosen))

    def objection(self, parameters: ReferenceParameters) -> str:
        """Say why a stack is not worth making; empty when it is."""
        found = len(self.chosen)
        if found < parameters.min_frames:
            others = ", ".join(f"{count} {reason}" for reason, count in self.refused.items())
            left_out = f" (left out: {others})" if others else ""
            return f"{found} good frames, {parameters.min_frames} are needed{left_out}"
        if self.expected_score < self.present_score + parameters.margin:
            return (
                f"a stack of {found} would keep {self.expected_score:.3f} of the S/N of a typical "
                f"frame, the present one keeps {self.present_score:.3f}: not better by "
                f"{parameters.margin:g}"
            )
        return ""


def expected_depth(members: Sequence[Member]) -> Depth:
    """Give the depth of the best stack of some frames: information on a point source adds up."""
    information = np.array([member.limit**-2 for member in members])
    if not information.sum() > 0:
        return Depth(None, None)
    widths = np.array([member.depth.seeing or 0.0 for member in members])
    return Depth(
        float(information.sum() ** -0.5), float((information * widths).sum() / information.sum())
    )


def plan_for(grid: Observation, parameters: ReferenceParameters) -> Plan:
    """Choose the frames of a stack on the grid of ``grid``."""
    members = [Member.of(run) for run in runs_on(grid)]
    reasons = refusals(members, parameters)
    good = [member for member, reason in zip(members, reasons, strict=True) if not reason]
    good.sort(key=lambda member: (member.limit, member.frame.pk))
    refused: dict[str, int] = {}
    for reason in filter(None, reasons):
        refused[reason] = refused.get(reason, 0) + 1
    return Plan(
        chosen=tuple(good[: parameters.max_frames]),
        refused=refused,
        typical=typical_of([member for member in members if member.depth.is_known]),
        present=ReferenceImage.objects.in_force().stacks().filter(grid_observation=grid).first(),
    )


def runs_on(grid: Observation) -> list[PreprocessRun]:
    """Give the last completed run of every good frame on a grid; failed frames are not."""
    on_grid = Q(grid_observation=grid) | Q(grid_observation=None, observation=grid)
    runs = PreprocessRun.objects.filter(
        on_grid, status=RunStatus.COMPLETED, observation__status__in=READY
    )
    latest = runs.order_by("observation_id", "-id").distinct("observation_id")
    return list(latest.select_related("observation", "grid_observation"))


def refusals(members: Sequence[Member], parameters: ReferenceParameters) -> list[str]:
    """Say of each frame why it is not stacked; empty when it may be."""
    known = [member for member in members if member.depth.is_known]
    if not known:
        return ["without quality figures"] * len(members)
    newest = max(member.frame.mjd_utc for member in members)
    limits = Limits(
        oldest_mjd=newest - parameters.min_age_days,
        seeing=parameters.max_seeing_ratio * median(one.depth.seeing or 0.0 for one in known),
        limit=parameters.max_limit_ratio * median(one.limit for one in known),
        sky=parameters.max_sky_ratio * median(one.sky for one in known),
    )
    return [limits.refusal(member) for member in members]


@dataclass(frozen=True)
class Limits:
    """What a frame must keep to be stacked."""

    oldest_mjd: float
    seeing: float
    limit: float
    sky: float

    def refusal(self, member: Member) -> str:
        """Say which limit a frame breaks; empty when none."""
        reasons = (
            (not member.depth.is_known, "without quality figures"),
            (
                member.frame.role == Role.SCIENCE and member.frame.mjd_utc > self.oldest_mjd,
                "too recent",
            ),
            ((member.depth.seeing or 0.0) > self.seeing, "in bad seeing"),
            (member.limit > self.limit, "too shallow"),
            (member.sky > self.sky > 0, "under a bright sky"),
        )
        return next((words for is_broken, words in reasons if is_broken), "")


def typical_of(members: Sequence[Member]) -> Depth:
    """Give the median depth and seeing of frames."""
    if not members:
        return Depth(None, None)
    return Depth(
        median(member.limit for member in members),
        median(member.depth.seeing or 0.0 for member in members),
    )
