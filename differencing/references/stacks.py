"""References stacked from the best frames of a sky cell, and replaced by better ones."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from astrid.core import store
from astrid.core.errors import BadImage, InvalidTransition
from astrid.core.measure import Cost, measured
from astrid.core.models import UNFINISHED, RunStatus
from astrid.core.progress import tell
from astrid.core.provenance import versions
from differencing.drawing import pictures
from differencing.models import ReferenceImage, ReferenceRun
from differencing.references.adoption import READY
from differencing.references.cells import Member, Plan, plan_for
from differencing.references.depth import Depth
from differencing.references.parameters import ReferenceParameters
from differencing.signals import reference_wanted
from differencing.spool import spool
from observations.models import Observation
from preprocessing.calibrated import CalibratedFrame, to_fits
from preprocessing.models import PreprocessRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.magnitudes import LIMIT_SIGMA, limiting_magnitude
from preprocessing.quality.figures import Quality, examine
from preprocessing.services import load
from preprocessing.stacking.scaling import UnusableFrame
from preprocessing.stacking.stack import Stack, stack

logger = logging.getLogger(__name__)


def cells() -> QuerySet[Observation]:
    """Give the frames on whose grids sky cells lie, of surveys that pair no frames by rule."""
    own_grid = PreprocessRun.objects.filter(
        observation=OuterRef("pk"), grid_observation=None, status=RunStatus.COMPLETED
    )
    pairs = "survey__adapter_settings__rules__differences"
    by_choice = Q((pairs, [])) | Q((f"{pairs}__isnull", True))
    return (
        Observation.objects.references()
        .filter(by_choice, Exists(own_grid), status__in=READY)
        .select_related("survey")
        .order_by("id")
    )


def due(parameters: ReferenceParameters) -> QuerySet[Observation]:
    """Cells with enough frames that no run has looked at yet."""
    runs = ReferenceRun.objects.filter(grid_observation=OuterRef("pk"))
    frames = PreprocessRun.objects.filter(
        grid_observation=OuterRef("pk"), status=RunStatus.COMPLETED
    ).order_by("-completed_at")
    later = frames.filter(completed_at__gt=OuterRef("last_look"))
    # The frame that gives the grid is the first of the cell, hence one less.
    first = _at_least(frames, parameters.min_frames - 1)
    again = _at_least(later, parameters.new_frames)
    return (
        cells()
        .annotate(last_look=Subquery(runs.order_by("-created_at").values("created_at")[:1]))
        .filter((Q(last_look=None) & first) | again, ~Exists(runs.filter(status__in=UNFINISHED)))
    )


def _at_least(rows: QuerySet[Any], number: int) -> Exists:
    """Ask whether there are so many rows; the database stops counting there."""
    return Exists(rows[number - 1 : number])


@transaction.atomic
def begin(grid: Observation, parameters: ReferenceParameters) -> list[ReferenceRun]:
    """Open a run for a cell, unless another worker has."""
    Observation.objects.select_for_update().get(pk=grid.pk)
    if not due(parameters).filter(pk=grid.pk).exists():
        return []
    return [open_run(grid, parameters)]


@transaction.atomic
def open_run(
    grid: Observation, parameters: ReferenceParameters, *, is_forced: bool = False
) -> ReferenceRun:
    """Open a run for a cell.

    Raises
    ------
    InvalidTransition
        If one waits or is under way.
    """
    Observation.objects.select_for_update().get(pk=grid.pk)
    if ReferenceRun.objects.filter(grid_observation=grid, status__in=UNFINISHED).exists():
        raise InvalidTransition(f"a reference on the grid of {grid} is being built already")
    return ReferenceRun.objects.create(
        grid_observation=grid, parameters=asdict(parameters), is_forced=is_forced
    )


@dataclass(frozen=True, eq=False)
class Made:
    """A finished stack: its frames, first the one whose flux scale it has, and its figures."""

    members: tuple[Member, ...]
    stack: Stack
    figures: dict[str, float | None]
    seeing: float
    refused: tuple[str, ...]

    @property
    def depth(self) -> Depth:
        """How deep it is, in the unit of its members: it has the flux scale of the first."""
        first = self.members[0]
        seconds = first.frame.exposure_time / first.scale
        return Depth.of(self.figures["limiting_flux"], seconds, self.seeing)

    @property
    def calibrated_depth(self) -> dict[str, Any]:
        """Its limiting magnitude and the system of that, if its frames are calibrated."""
        known, flux = self.stack.frame.zero_point, self.figures["limiting_flux"]
        if known is None or not known.is_calibrated or flux is None:
            return {}
        limit = float(limiting_magnitude(flux / LIMIT_SIGMA, known))
        return {"limiting_magnitude": limit, "photometric_system": known.system}

    @property
    def coverage(self) -> float:
        """Share of the grid that has data."""
        return float((self.stack.coverage > 0).mean())


def build(run: ReferenceRun) -> None:
    """Build the reference of a cell, if it is better than the one in force."""
    parameters = ReferenceParameters(**run.parameters)
    with measured() as cost:
        with cost.step("choose"):
            plan = plan_for(run.grid_observation, parameters)
        enough = len(plan.chosen) >= parameters.min_frames
        objection = plan.objection(parameters)
        if objection and not (run.is_forced and enough):
            made = None
        else:
            made = _make(run, plan, parameters, cost)
            objection = _regret(plan, made, parameters)
    if made is None or (objection and not run.is_forced):
        run.complete(outcome=objection, figures=asdict(cost) | _scores(plan, made))
        return
    _install(run, plan, made, cost)


def _regret(plan: Plan, made: Made, parameters: ReferenceParameters) -> str:
    """Say that a stack came out no better than the present one; empty when it did."""
    score = plan.score(made.depth, made.coverage)
    if score >= plan.present_score + parameters.margin:
        return ""
    return (
        f"the stack of {len(made.members)} keeps {score:.3f} of the S/N of a typical frame, the "
        f"present one {plan.present_score:.3f}: not better by {parameters.margin:g}"
    )


def _scores(plan: Plan, made: Made | None) -> dict[str, Any]:
    """Give the figures that decide."""
    return {
        "quality": (made.figures | made.stack.facts()) if made else {},
        "score": plan.score(made.depth, made.coverage) if made else None,
        "expected_score": plan.expected_score,
        "present_score": plan.present_score,
        "left_out": plan.refused,
    }


def _make(run: ReferenceRun, plan: Plan, parameters: ReferenceParameters, cost: Cost) -> Made:
    with TemporaryDirectory(prefix="astrid-stack-") as folder:
        with cost.step("read"):
            frames = spool(_loaded(plan), Path(folder))
        with cost.step("stack"):
            members, stacked, refused = _stacked(run, plan, frames, parameters)
    with cost.step("quality"):
        quality = _quality(run, members[0], stacked)
    scale = run.grid_observation.pixel_scale or 0.0
    return Made(members, stacked, quality.figures(), quality.seeing_px * scale, refused)


def _loaded(plan: Plan) -> Iterator[CalibratedFrame]:
    for number, member in enumerate(plan.chosen):
        tell(number, len(plan.chosen))
        yield load(member.run)


def _quality(run: ReferenceRun, first: Member, stacked: Stack) -> Quality:
    """Measure a stack as its frames were measured."""
    try:
        examined = examine(stacked.frame, PreprocessParameters(**first.run.parameters))
    except ValueError as error:
        raise BadImage(f"{run}: the stack cannot be measured: {error}") from error
    return examined.quality


def _stacked(
    run: ReferenceRun, plan: Plan, frames: list[CalibratedFrame], parameters: ReferenceParameters
) -> tuple[tuple[Member, ...], Stack, tuple[str, ...]]:
    """Stack what can be stacked: a frame that does not belong is left out and named."""
    left = list(zip(plan.chosen, frames, strict=True))
    refused: list[str] = []
    while len(left) >= parameters.min_frames:
        try:
            made = _agreeing([frame for _, frame in left], parameters)
        except UnusableFrame as error:
            member, _ = left.pop(error.number - 1)
            refused.append(f"{member.frame}: {error}")
            logger.warning("%s leaves out %s", run, refused[-1])
        except ValueError as error:
            raise BadImage(f"{run}: {error}") from error
        else:
            return tuple(member for member, _ in left), made, tuple(refused)
    raise BadImage(
        f"{run}: {len(left)} frames are left, {parameters.min_frames} are needed; left out were "
        + "; ".join(refused)
    )


def _agreeing(frames: list[CalibratedFrame], parameters: ReferenceParameters) -> Stack:
    """Stack frames; refuse the one that the others do not confirm."""
    made = stack(frames, parameters)
    worst = max(made.clipped)
    if worst > parameters.max_clipped:
        raise UnusableFrame(
            made.clipped.index(worst) + 1,
            f"differs from the others in {worst:.1%} of its pixels, {parameters.max_clipped:.1%} "
            "are allowed",
        )
    return made


def _install(run: ReferenceRun, plan: Plan, made: Made, cost: Cost) -> None:
    """Store the stack and bring it into force in place of the one before, in one transaction."""
    path = store.put(to_fits(made.stack.frame, maps={"COVERAGE": made.stack.coverage}))
    picture = store.put(pictures.thumbnail(made.stack.frame))
    image = _image(run, made, path, picture)
    with transaction.atomic():
        Observation.objects.select_for_update().get(pk=run.grid_observation_id)
        before = ReferenceImage.objects.stacks().filter(
            grid_observation=run.grid_observation, is_active=True
        )
        retired = [each.pk for each in before]
        for each in before:
            retire(each)
        image.save(force_insert=True)
        image.observations.set([member.frame for member in made.members])
        ReferenceImage.objects.filter(pk__in=retired).update(replaced_by=image)
        run.complete(
            reference_image=image,
            outcome=f"{image} is in force" + (", in place of another" if retired else ""),
            figures=asdict(cost) | _scores(plan, made),
            provenance={
                "inputs": {str(one.frame): one.run.processed_fits_path for one in made.members},
                "outputs": {"stack": path, "picture": picture},
                "versions": versions(),
            },
        )


def _image(run: ReferenceRun, made: Made, path: str, picture: str) -> ReferenceImage:
    grid, zero_point = run.grid_observation, made.stack.frame.zero_point
    return ReferenceImage(
        survey_id=grid.survey_id,
        filter_band=grid.filter_band,
        instrument=grid.instrument,
        ra=grid.ra,
        dec=grid.dec,
        radius_deg=grid.radius_deg or 0.0,
        footprint=grid.footprint,
        grid_observation=grid,
        number_of_frames=len(made.members),
        coverage=made.coverage,
        exposure_time=made.members[0].frame.exposure_time,
        depth=made.figures["limiting_flux"],
        **made.calibrated_depth,
        seeing=made.seeing or None,
        file_path=path,
        thumbnail_path=picture,
        valid_from=timezone.now(),
        recipe={
            "frames": [str(member.frame) for member in made.members],
            "left_out": list(made.refused),
            "grid_scale": made.members[0].scale,
            "stack": made.stack.facts(),
            "quality": made.figures,
            "zero_point": asdict(zero_point) if zero_point else {},
            "parameters": run.parameters,
        },
    )


def retire(image: ReferenceImage) -> None:
    """Take a baseline out of use from now on; runs that used it go on pointing at it."""
    now = timezone.now()
    ReferenceImage.objects.filter(pk=image.pk).update(
        is_active=False, valid_to=now if now > image.valid_from else None, updated_at=now
    )
    image.refresh_from_db()


def ask_for(image: ReferenceImage) -> None:
    """Have the reference of the cell of ``image`` built anew, better or not.

    Raises
    ------
    InvalidTransition
        If it is being built already.
    BadImage
        If the image does not say on which grid it is.
    """
    if image.grid_observation is None:
        raise BadImage(f"{image} names no grid: nothing can be stacked on it")
    reference_wanted.send(sender=ReferenceImage, grid=image.grid_observation)


def give_up(run: ReferenceRun, reason: str) -> None:
    """Leave the cell as it is: nothing waits for a better reference."""


def resume(run: ReferenceRun) -> None:
    """Allow another try, unless the cell has been looked at since.

    Raises
    ------
    InvalidTransition
        If a later run took its place.
    """
    later = ReferenceRun.objects.filter(grid_observation=run.grid_observation_id, id__gt=run.pk)
    if later.exists():
        raise InvalidTransition(f"{run}: a later run took its place")
