"""What the preprocessing domain can do: make an exposure ready for subtraction."""

import json
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from astrid.core import store
from astrid.core.errors import BadImage, CorruptFile, InvalidTransition, NoReference, SetAside
from astrid.core.measure import Cost, measured
from astrid.core.models import RunStatus
from astrid.core.provenance import versions
from observations.fits import Frame, ReadOptions, read_frame
from observations.fits_header import FrameDefaults
from observations.models import Observation, ObservationStatus, Role, same_camera
from observations.services import move
from preprocessing.astrometry.registration import Registration
from preprocessing.calibrated import CalibratedFrame, from_fits, to_fits
from preprocessing.models import PreprocessRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import onto_grid
from preprocessing.quality.appraisal import Appraisal, appraise, zero_point_of
from preprocessing.quality.figures import examine
from preprocessing.raw import calibration
from preprocessing.raw.lights import MASTERS, Applied, calibrated_already, calibrated_raw
from preprocessing.resampling.kernel import pixel_noise

_UNDER_WAY = (ObservationStatus.INGESTED, ObservationStatus.PREPROCESSING)


def due() -> QuerySet[Observation]:
    """Observations waiting to be preprocessed, references first.

    A frame waits while a reference of its survey and band that came before it is under way:
    that one may be the grid it is to be laid on.
    """
    earlier = Observation.objects.references().filter(
        Q(role=Role.REFERENCE, status__in=_UNDER_WAY),
        same_camera(OuterRef("survey"), OuterRef("instrument")),
        filter_band=OuterRef("filter_band"),
    )
    is_first = Q(role=Role.REFERENCE) & ~Exists(earlier.filter(id__lt=OuterRef("id")))
    is_free = Q(role=Role.SCIENCE) & ~Exists(earlier)
    waiting = Observation.objects.filter(status=ObservationStatus.INGESTED)
    # A raw frame waits for the masters that its survey's frames are being made into.
    unbuilt = calibration.waiting().filter(survey=OuterRef("survey"))
    return (
        waiting.filter(is_first | is_free)
        .exclude(Q(is_raw=True) & Exists(unbuilt))
        .order_by("role", "id")
    )


@transaction.atomic
def begin(observation: Observation, parameters: PreprocessParameters) -> list[PreprocessRun]:
    """Claim ``observation`` and open a run for it."""
    move(observation, ObservationStatus.PREPROCESSING)
    return [PreprocessRun.objects.create(observation=observation, parameters=asdict(parameters))]


def preprocess(run: PreprocessRun) -> None:
    """Calibrate the image of ``run`` and lay it on the grid of its sky cell."""
    parameters = PreprocessParameters(**run.parameters)
    with measured() as cost:
        frame, raw, applied = _calibrated(run.observation, parameters, cost)
        with cost.step("quality"):
            found = appraise(run.observation, frame, raw, parameters)
            _check_quality(run, found)
        anchor = _anchor(run.observation)
        frame, registration = found.frame, None
        if anchor:
            with cost.step("register"):
                frame, registration = _register(run, found, anchor, parameters)
        with cost.step("store"):
            path = store.put(to_fits(frame))
    _finish(run, path, anchor, registration, cost, found, raw, frame.shape, applied)


def _check_quality(run: PreprocessRun, found: Appraisal) -> None:
    """Keep the figures of a frame that is beyond the limits, and set it aside.

    Raises
    ------
    SetAside
        With the reasons, unless an operator has accepted the frame.
    """
    if not found.reasons or run.observation.is_accepted:
        return
    columns = found.columns() | {"figures": found.figures(), "is_set_aside": True}
    for name, value in columns.items():
        setattr(run, name, value)
    run.save(update_fields=[*columns, "updated_at"])
    keep_quality(run.observation, found)
    raise SetAside(f"set aside: {'; '.join(found.reasons)}")


def _calibrated(
    observation: Observation,
    parameters: PreprocessParameters,
    cost: Cost,
    masters: dict[str, str] | None = None,
) -> tuple[CalibratedFrame, Frame, Applied]:
    with cost.step("read"):
        content, options = store.get(observation.fits_file_path or ""), _options(observation)
        raw = read_frame(content, options=options, name=str(observation))
    with cost.step("calibrate"):
        try:
            if observation.is_raw:
                frame, applied = calibrated_raw(
                    observation, content, options, parameters, files=masters
                )
            else:
                frame, applied = calibrated_already(observation, raw, parameters), Applied()
        except ValueError as error:
            raise BadImage(f"{observation}: {error}") from error
    return frame, raw, applied


def _options(observation: Observation) -> ReadOptions:
    """Say how to read a stored image again: what ingestion found out about it stands."""
    defaults = FrameDefaults(
        gain=observation.gain,
        read_noise=observation.read_noise,
        saturation=observation.saturation,
        filter_band=observation.filter_band,
        exposure_s=observation.exposure_time,
    )
    return ReadOptions(
        defaults=defaults,
        hdu=observation.hdu,
        verify_checksums=False,  # the store has checked the bytes against their hash
        observed_at=observation.observation_time,
    )


def _anchor(observation: Observation) -> PreprocessRun | None:
    """Find the reference that defines the pixel grid at the place of ``observation``.

    Raises
    ------
    NoReference
        If a science frame has no reference to be laid on.
    """
    own_grid = PreprocessRun.objects.filter(status=RunStatus.COMPLETED, grid_observation=None)
    grids = Observation.objects.references().comparable_to(observation).exclude(pk=observation.pk)
    grids = grids.filter(Exists(own_grid.filter(observation=OuterRef("pk"))))
    nearest = grids.covering(observation.ra, observation.dec).first()
    if nearest:
        return own_grid.select_related("observation").filter(observation=nearest).latest("id")
    if observation.role == Role.REFERENCE:
        return None
    raise NoReference(
        f"{observation}: no reference image of survey {observation.survey} in filter "
        f"{observation.filter_band} covers RA {observation.ra:.4f} Dec {observation.dec:+.4f}; "
        "ingest a reference frame of this field, then retry"
    )


def _register(
    run: PreprocessRun,
    found: Appraisal,
    anchor: PreprocessRun,
    parameters: PreprocessParameters,
) -> tuple[CalibratedFrame, Registration]:
    try:
        return onto_grid(found.frame, load(anchor), parameters, stars=found.examined.stars)
    except ValueError as error:
        raise BadImage(
            f"{run.observation} cannot be laid on the grid of {anchor.observation}: {error}"
        ) from error


def load(run: PreprocessRun) -> CalibratedFrame:
    """Read the product of a completed run."""
    return load_file(run.processed_fits_path or "", run.observation)


def load_file(path: str, name: object) -> CalibratedFrame:
    """Read a stored calibrated frame; ``name`` says in messages what it is of.

    Raises
    ------
    CorruptFile
        If what is stored is no calibrated frame.
    """
    try:
        return from_fits(store.get(path))
    except ValueError as error:
        raise CorruptFile(
            f"the calibrated frame of {name} cannot be read ({error}); "
            "retry the observation from the start"
        ) from error


def native(run: PreprocessRun) -> CalibratedFrame:
    """Calibrate the image of a completed run anew, on its own pixel grid and whole."""
    inputs = run.provenance.get("inputs", {})
    masters = {name: inputs[name] for name in MASTERS if name in inputs}
    parameters = PreprocessParameters(**run.parameters)
    frame, *_ = _calibrated(run.observation, parameters, Cost(), masters)
    try:
        frame = examine(frame, parameters).frame
    except ValueError as error:
        raise BadImage(f"{run.observation}: {error}") from error
    return replace(frame, zero_point=zero_point_of(run))


def product_of(observation: Observation) -> PreprocessRun:
    """Give the run that made the present product of ``observation``.

    Raises
    ------
    BadImage
        If it has none.
    """
    done = observation.preprocess_runs.filter(status=RunStatus.COMPLETED).order_by("-id").first()
    if done is None:
        raise BadImage(f"{observation} has not been preprocessed; retry it from the start")
    return done


@transaction.atomic
def _finish(
    run: PreprocessRun,
    path: str,
    anchor: PreprocessRun | None,
    registration: Registration | None,
    cost: Cost,
    found: Appraisal,
    raw: Frame,
    shape: tuple[int, int],
    applied: Applied,
) -> None:
    """Close ``run`` and hand the observation on, in one transaction."""
    run.complete(
        processed_fits_path=path,
        grid_observation=anchor.observation if anchor else None,
        wcs_aligned=registration is not None,
        wcs_info=json.loads(json.dumps(_wcs_facts(raw) | _transform_facts(registration, shape))),
        calibration_applied=applied.is_calibrated,
        figures=asdict(cost) | found.figures() | applied.figures(),
        provenance=_provenance(run, path, anchor, found, applied),
        is_set_aside=False,
        **found.columns(),
        **_registration_facts(registration),
    )
    keep_quality(run.observation, found)
    move(run.observation, ObservationStatus.PREPROCESSED)


def keep_quality(observation: Observation, found: Appraisal) -> None:
    """Keep on the exposure what people look for: seeing and depth."""
    if observation.pixel_scale:
        observation.seeing = found.examined.quality.seeing_px * observation.pixel_scale
    depth = found.limiting_magnitude if found.zero_point.is_calibrated else None
    observation.limiting_magnitude = depth
    observation.save(update_fields=["seeing", "limiting_magnitude", "updated_at"])


def _registration_facts(registration: Registration | None) -> dict[str, Any]:
    if registration is None:
        return {}
    return {
        "registration_quality": registration.quality,
        "registration_rms_arcsec": registration.residual_rms_arcsec,
        "registration_stars": registration.n_stars,
    }


def _transform_facts(registration: Registration | None, shape: tuple[int, int]) -> dict[str, Any]:
    """Give the transform to the grid, and what interpolation did to the noise of single pixels."""
    if registration is None:
        return {}
    facts = {"registration": registration.facts()}
    if registration.is_identity:
        return facts
    return facts | {"resampling": asdict(pixel_noise(registration.transform, shape))}


def _wcs_facts(raw: Frame) -> dict[str, Any]:
    return {
        "ctype": list(raw.wcs.wcs.ctype),
        "pixel_scale_arcsec": raw.pixel_scale_arcsec,
        "footprint": [list(map(float, corner)) for corner in raw.footprint],
    }


def _provenance(
    run: PreprocessRun,
    path: str,
    anchor: PreprocessRun | None,
    found: Appraisal,
    applied: Applied,
) -> dict[str, Any]:
    inputs = {"image": run.observation.fits_file_path, **applied.files}
    if anchor:
        inputs["grid"] = anchor.processed_fits_path
    if found.calibration is not None:
        inputs["star_catalog"] = run.observation.survey.star_catalog_path
    return {"inputs": inputs, "outputs": {"calibrated": path}, "versions": versions()}


def give_up(run: PreprocessRun, reason: str) -> None:
    """Fail the observation of a run that cannot be done, if it still waits for that run."""
    if run.observation.status == ObservationStatus.PREPROCESSING:
        move(run.observation, ObservationStatus.FAILED, reason)


@transaction.atomic
def resume(run: PreprocessRun) -> None:
    """Make a failed run's observation ready for another try.

    Raises
    ------
    InvalidTransition
        If a later run has taken its place.
    """
    if run.observation.preprocess_runs.filter(id__gt=run.pk).exists():
        raise InvalidTransition(f"{run}: a later run took its place; retry the observation")
    if run.observation.status == ObservationStatus.FAILED:
        move(run.observation, ObservationStatus.INGESTED)
        move(run.observation, ObservationStatus.PREPROCESSING)
