"""Build masters when raw bias, dark and flat frames arrive."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from astrid.core import store
from astrid.core.errors import BadImage, InvalidTransition
from astrid.core.measure import measured
from astrid.core.models import UNFINISHED
from astrid.core.progress import tell
from astrid.core.provenance import versions
from observations.fits import ReadOptions
from observations.fits_header import FrameDefaults
from observations.frame_kind import FrameKind
from observations.models import CalibrationExposure, Survey
from observations.raw import read_raw
from preprocessing.models import CalibrationFrame, CalibrationKind, CalibrationRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.raw.building import Input, build, conditions_of, groups_of
from preprocessing.raw.library import Choice, Conditions, Setup
from preprocessing.raw.master_files import master_to_fits
from preprocessing.raw.master_mask import bad_pixels_of
from preprocessing.raw.master_store import choose_masters, load
from preprocessing.raw.masters import Master
from preprocessing.raw.reduction import Masters

# A kind is built after those before it, with what they gave.
ORDER = (FrameKind.BIAS, FrameKind.DARK, FrameKind.FLAT)


def waiting() -> QuerySet[CalibrationExposure]:
    """Raw calibration frames that no master was built from yet, or that are being worked on."""
    return CalibrationExposure.objects.filter(Q(runs=None) | Q(runs__status__in=UNFINISHED))


def due() -> QuerySet[CalibrationExposure]:
    """Raw frames that no run has taken up; darks wait for biases, flats for both."""
    of_survey = waiting().filter(survey=OuterRef("survey"))
    before = {kind: of_survey.filter(kind__in=ORDER[: ORDER.index(kind)]) for kind in ORDER}
    waits = [Q(kind=kind) & Exists(earlier) for kind, earlier in before.items()]
    free = CalibrationExposure.objects.filter(runs=None)
    return free.exclude(waits[1]).exclude(waits[2]).order_by("id")


@transaction.atomic
def begin(exposure: CalibrationExposure, parameters: PreprocessParameters) -> list[CalibrationRun]:
    """Open a run for all frames that belong with ``exposure``; none if another run has it."""
    # Two workers must not open a run each for two frames of one group.
    Survey.objects.select_for_update().get(pk=exposure.survey_id)
    if exposure.runs.exists():
        return []
    like = CalibrationExposure.objects.filter(
        survey=exposure.survey_id, kind=exposure.kind, instrument=exposure.instrument
    )
    groups = groups_of(like, _conditions, parameters.temperature_tolerance)
    group = next(each for each in groups if exposure in each)
    run = CalibrationRun.objects.create(kind=exposure.kind, parameters=asdict(parameters))
    run.exposures.set(group)
    return [run]


def _conditions(exposure: CalibrationExposure) -> Conditions:
    return Conditions(
        setup=Setup(
            exposure.instrument,
            (exposure.image_height, exposure.image_width),
            (exposure.binning_x, exposure.binning_y),
        ),
        filter_band=exposure.filter_band,
        exposure_s=exposure.exposure_time,
        temperature_c=exposure.temperature,
        observed_at=exposure.observation_time,
    )


def build_master(run: CalibrationRun) -> None:
    """Build the master of a run, and the mask of bad pixels that it shows.

    Raises
    ------
    BadImage
        If the frames are too few, or make no master.
    """
    parameters = PreprocessParameters(**run.parameters)
    exposures = list(run.exposures.order_by("observation_time"))
    with measured() as cost:
        if len(exposures) < parameters.least_frames:
            raise BadImage(
                f"{len(exposures)} {run.kind} frames of {exposures[0].instrument or 'this camera'},"
                f" {parameters.least_frames} are needed: with more, one of them may be hit by a "
                "cosmic ray; the master is built when they come"
            )
        with cost.step("read"):
            inputs, conditions = _read(exposures)
        choice = choose_masters(conditions, parameters, needs_flat=False)
        masters = load(choice)
        with cost.step("average"):
            made = _built(run, inputs, masters)
        with cost.step("bad_pixels"):
            bad = bad_pixels_of(conditions, made, inputs, masters, parameters)
        with cost.step("store"):
            path, bad_path = store.put(master_to_fits(made)), store.put(bad[0])
    with transaction.atomic():
        row = _row(run, conditions, exposures, parameters)
        _add(row, kind=made.kind, path=path, statistics=made.statistics, holds=made.holds_bias)
        _add(row, kind=CalibrationKind.BAD_PIXEL_MASK, path=bad_path, statistics=bad[1])
        run.complete(
            figures=asdict(cost) | {"missing": list(choice.missing)},
            provenance=_provenance(exposures, choice, [path, bad_path]),
        )


def _read(exposures: Sequence[CalibrationExposure]) -> tuple[list[Input], Conditions]:
    """Read raw frames from the store; the conditions are those of the middle one."""
    inputs, conditions = [], []
    for number, exposure in enumerate(exposures):
        tell(number, len(exposures))
        content = store.get(exposure.fits_file_path)
        kind, name = FrameKind(exposure.kind), str(exposure)
        raw = read_raw(content, options=_options(exposure), name=name, kind=kind)
        try:
            made = Input.of(raw)
        except ValueError as error:
            raise BadImage(f"{exposure}: {error}") from error
        inputs.append(made)
        shape, camera = made.frame.pixels.shape, exposure.instrument
        conditions.append(conditions_of(raw, shape, instrument=camera))
    return inputs, conditions[len(conditions) // 2]


def _options(exposure: CalibrationExposure) -> ReadOptions:
    """Say how to read a stored frame again: what ingestion found out about it stands."""
    defaults = FrameDefaults(
        gain=exposure.gain,
        read_noise=exposure.read_noise,
        saturation=exposure.saturation,
        filter_band=exposure.filter_band,
        exposure_s=exposure.exposure_time or None,
    )
    return ReadOptions(
        defaults,
        hdu=exposure.hdu,
        verify_checksums=False,  # the store has checked the bytes against their hash
        observed_at=exposure.observation_time,
    )


def _built(run: CalibrationRun, inputs: Sequence[Input], masters: Masters) -> Master:
    try:
        return build(FrameKind(run.kind), inputs, masters)
    except ValueError as error:
        raise BadImage(f"{run}: {error}") from error


def _row(
    run: CalibrationRun,
    conditions: Conditions,
    exposures: Sequence[CalibrationExposure],
    parameters: PreprocessParameters,
) -> CalibrationFrame:
    """Give an unsaved row with what both products of a run share."""
    margin = timedelta(days=parameters.valid_days)
    height, width = conditions.setup.shape
    binning_x, binning_y = conditions.setup.binning
    return CalibrationFrame(
        run=run,
        instrument=conditions.setup.instrument,
        temperature=conditions.temperature_c,
        image_width=width,
        image_height=height,
        binning_x=binning_x,
        binning_y=binning_y,
        filter_band=conditions.filter_band,
        exposure_time=conditions.exposure_s,
        observed_at=conditions.observed_at,
        valid_from=exposures[0].observation_time - margin,
        valid_to=exposures[-1].observation_time + margin,
        number_of_inputs=len(exposures),
    )


def _add(
    row: CalibrationFrame,
    *,
    kind: str,
    path: str,
    statistics: dict[str, float],
    holds: bool = False,
) -> None:
    """Store a master, and retire the one that it takes the place of."""
    made = CalibrationFrame(**{name: getattr(row, name) for name in _SHARED})
    made.kind, made.file_path, made.holds_bias = kind, path, holds
    made.statistics = {name: value for name, value in statistics.items() if np.isfinite(value)}
    if kind == CalibrationKind.BAD_PIXEL_MASK:
        made.filter_band = made.exposure_time = None
    older = _superseded(made)
    made.version = (older.aggregate(Max("version"))["version__max"] or 0) + 1
    older.update(is_active=False)
    made.save()


_SHARED = (
    *("run", "instrument", "temperature", "image_width", "image_height", "binning_x", "binning_y"),
    *("filter_band", "exposure_time", "observed_at", "valid_from", "valid_to", "number_of_inputs"),
)


def _superseded(made: CalibrationFrame) -> QuerySet[CalibrationFrame]:
    """Masters of the same raw frames, with fewer of them; masks of the same camera and night."""
    same = CalibrationFrame.objects.filter(
        kind=made.kind,
        instrument=made.instrument,
        image_width=made.image_width,
        image_height=made.image_height,
        binning_x=made.binning_x,
        binning_y=made.binning_y,
    )
    if made.kind == CalibrationKind.BAD_PIXEL_MASK:
        near = timedelta(days=1)
        return same.filter(observed_at__range=(made.observed_at - near, made.observed_at + near))
    own = CalibrationExposure.objects.filter(runs=made.run)
    return same.filter(run__exposures__in=own).exclude(run=made.run)


def _provenance(
    exposures: Sequence[CalibrationExposure], choice: Choice, outputs: Sequence[str]
) -> dict[str, Any]:
    used = {name: each.key for name, each in choice.chosen.items()}
    frames = {f"frame {each.name}": each.fits_file_path for each in exposures}
    return {
        "inputs": {**frames, **used},
        "outputs": {"master": outputs[0], "bad_pixels": outputs[1]},
        "versions": versions(),
    }


def give_up(run: CalibrationRun, reason: str) -> None:
    """Do nothing: lights go on without this master, and say so."""


@transaction.atomic
def resume(run: CalibrationRun) -> None:
    """Make a failed run ready for another try.

    Raises
    ------
    InvalidTransition
        If a later run has taken up its frames.
    """
    later = CalibrationRun.objects.filter(exposures__in=run.exposures.all(), id__gt=run.pk)
    if later.exists():
        raise InvalidTransition(f"{run}: a later run has taken up these frames")
