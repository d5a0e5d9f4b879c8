"""What the observations domain can do: take images in, and move them through their states."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from astrid.core import store
from astrid.core.errors import AstridError, BadImage, BadParameters
from astrid.core.metering import metered
from astrid.core.progress import tell
from astrid.core.sky import separation_deg
from astrid.core.states import transition
from observations.calibration_exposures import (
    is_calibrated,
    kind_by,
    mark_raw,
    read_exposure,
    record,
)
from observations.fits import Frame, read_frame
from observations.frame_kind import FrameKind
from observations.models import (
    CalibrationExposure,
    Observation,
    ObservationRun,
    ObservationStatus,
    Role,
    Survey,
)
from observations.roles import Facts, assign, facts_of
from observations.rules import FITS_SUFFIXES, IngestRules, find_rules, fits_files

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def ingest_directory(
    directory: Path, *, rules_file: Path | None = None, progress: Progress = _silent
) -> ObservationRun:
    """Take in every frame of a folder that its rules name; known frames change nothing."""
    _check_folder(directory)
    rules = find_rules(directory, rules_file)
    return _pass_over(_survey_of(rules, directory), directory, rules, progress)


def _check_folder(directory: Path) -> None:
    if not directory.is_dir():
        raise BadParameters(f"{directory} is not a folder; name the folder that holds the frames")


def _pass_over(
    survey: Survey, directory: Path, rules: IngestRules, progress: Progress = _silent
) -> ObservationRun:
    run = ObservationRun.objects.create(
        survey=survey, source=str(directory), parameters=rules.as_dict()
    )
    with run.working(), metered(run):
        _keep_catalog(survey, directory, rules)
        _ingest(run, directory, rules, progress)
    return run


def _keep_catalog(survey: Survey, directory: Path, rules: IngestRules) -> None:
    """Store the star catalogue that the rules name, and remember it."""
    path = ""
    if rules.star_catalog:
        try:
            path = store.put((directory / rules.star_catalog).read_bytes())
        except OSError as error:
            raise BadParameters(
                f"{rules.source}: star_catalog {rules.star_catalog} cannot be read "
                f"({error.strerror}); name a file by its full path, or below {directory}"
            ) from error
    if survey.star_catalog_path != path:
        survey.star_catalog_path = path
        survey.save(update_fields=["star_catalog_path", "updated_at"])


def ingest_survey(survey: Survey) -> ObservationRun:
    """Look for new frames in the survey's folder, by the rules in its settings if any are."""
    directory = Path(survey.adapter_settings.get("directory") or "")
    if not directory.is_absolute():
        raise BadParameters(
            f"survey {survey} names no folder; put {{'directory': '/path'}} into its settings"
        )
    _check_folder(directory)
    has_rules = "rules" in survey.adapter_settings
    return _pass_over(survey, directory, rules_of(survey) if has_rules else find_rules(directory))


def rules_of(survey: Survey) -> IngestRules:
    """Give the rules in a survey's settings; without any, the default ones."""
    return IngestRules.from_dict(survey.adapter_settings.get("rules", {"survey": survey.name}))


def _survey_of(rules: IngestRules, directory: Path) -> Survey:
    settings = {"directory": str(directory.resolve()), "rules": rules.as_dict()}
    survey, is_new = Survey.objects.get_or_create(
        name=rules.survey, defaults={"adapter_settings": settings}
    )
    if not is_new and survey.adapter_settings != settings:
        survey.adapter_settings = settings
        survey.save(update_fields=["adapter_settings", "updated_at"])
    return survey


def _ingest(run: ObservationRun, directory: Path, rules: IngestRules, progress: Progress) -> None:
    files = fits_files(directory)
    named = [path for path in files if rules.includes(path.name)]
    known = 0
    readings: list[Reading] = []
    refusals: list[dict[str, str]] = []
    for number, path in enumerate(named, start=1):
        name = _name_of(path, directory)
        try:
            reading = _read(run.survey, name, path, rules)
        except (AstridError, OSError) as error:
            logger.warning("refused %s: %s", path.name, error)
            refusals.append({"file": str(path.relative_to(directory)), "reason": str(error)})
        else:
            known += reading is None
            readings += [reading] if reading else []
        progress(number, len(named))
        tell(number, len(named))
    with transaction.atomic():
        calibration = record(run.survey, [r.columns for r in readings if r.facts is None])
        new = record_all(run.survey, readings, rules)
        run.complete(
            calibration=calibration,
            found=len(named),
            left_out=len(files) - len(named),
            new=new,
            known=known + len(readings) - new - calibration,
            refused=len(refusals),
            refusals=refusals,
        )


def _name_of(path: Path, directory: Path) -> str:
    """Name an observation after its file: the path below the folder, without the suffix."""
    relative = path.relative_to(directory).as_posix()
    suffix = next(end for end in FITS_SUFFIXES if relative.lower().endswith(end))
    return relative[: -len(suffix)]


@dataclass(frozen=True)
class Reading:
    """A new frame: its columns, and what decides its role; None for a calibration frame."""

    facts: Facts | None
    columns: dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file as it came: what it is called, what is in it, where it was found."""

    name: str
    content: bytes
    url: str


def _read(survey: Survey, name: str, path: Path, rules: IngestRules) -> Reading | None:
    file = File(path.name, path.read_bytes(), path.resolve().as_uri())
    return read_file(survey, name, file, rules)


def read_file(survey: Survey, name: str, file: File, rules: IngestRules) -> Reading | None:
    """Read one file; None when it is known already.

    Raises
    ------
    AstridError
        If it cannot be used; in words.
    """
    content = file.content
    sha256 = store.digest(content)
    kind = kind_by(rules, file.name, content)
    known = _known(survey, name, kind)
    if known and known.file_sha256 == sha256:
        return None
    if known:
        raise BadImage(
            f"{file.name}: {known} of survey {survey} is known with other content "
            f"(SHA-256 {known.file_sha256[:12]}…); give the new file another name"
        )
    found = {"fits_url": file.url, "file_sha256": sha256}
    if kind is not FrameKind.LIGHT:
        columns = read_exposure(rules, file.name, content, kind) | found | {"name": name}
        _check_columns(file.name, CalibrationExposure(survey=survey, **columns))
        return Reading(None, columns | {"fits_file_path": store.put(content)})
    frame = read_frame(content, options=rules.read_options(file.name), name=file.name)
    columns = _columns(frame) | found
    _check_columns(file.name, Observation(survey=survey, observation_id=name, **columns))
    facts = replace(facts_of(frame, rules), name=name)
    return Reading(facts, columns | {"fits_file_path": store.put(content)})


def _known(survey: Survey, name: str, kind: FrameKind) -> Observation | CalibrationExposure | None:
    """Give the row of a file that was taken in before."""
    if kind is FrameKind.LIGHT:
        return Observation.objects.filter(survey=survey, observation_id=name).first()
    return CalibrationExposure.objects.filter(survey=survey, name=name).first()


def _check_columns(file: str, row: Observation | CalibrationExposure) -> None:
    """Refuse facts that the table cannot hold, such as a filter name of a hundred letters."""
    try:
        row.clean_fields(exclude=["hpx", "fits_file_path"])
    except ValidationError as error:
        name, (reason, *_) = next(iter(error.message_dict.items()))
        raise BadImage(f"{file}: {name} cannot be stored: {reason}") from error


def _columns(frame: Frame) -> dict[str, Any]:
    corners = [list(map(float, corner)) for corner in frame.footprint]
    return {
        "ra": frame.ra,
        "dec": frame.dec,
        "radius_deg": max(float(separation_deg(frame.ra, frame.dec, *c)) for c in corners),
        "footprint": corners,
        "observation_time": frame.observed_at,
        "mjd_utc": frame.mjd,
        "filter_band": frame.filter_band,
        "exposure_time": frame.exposure_s,
        "hdu": frame.hdu,
        "pixel_sha256": frame.digest,
        "pixel_scale": frame.pixel_scale_arcsec,
        "image_width": frame.width,
        "image_height": frame.height,
        "airmass": frame.airmass,
        "seeing": frame.seeing,
        "gain": frame.gain,
        "read_noise": frame.read_noise,
        "saturation": frame.saturation,
        "is_raw": not is_calibrated(frame.header),
        "instrument": frame.site.instrument,
        "site": frame.site.name,
        "site_longitude": frame.site.longitude,
    }


def facts_from_row(observation: Observation) -> Facts:
    """Give what decides the role of a stored frame, and what it is subtracted from."""
    return Facts(
        name=observation.observation_id,
        ra=observation.ra,
        dec=observation.dec,
        radius_deg=observation.radius_deg or 0.0,
        filter_band=observation.filter_band,
        mjd=observation.mjd_utc,
        role=observation.role,
        epoch=observation.epoch or None,
    )


def record_all(survey: Survey, readings: list[Reading], rules: IngestRules) -> int:
    """Give every new frame its role and store it; say how many were new."""
    stored = [facts_from_row(row) for row in Observation.objects.filter(survey=survey)]
    lights = [(r.facts, r.columns) for r in readings if r.facts is not None]
    assigned = {facts.name: facts for facts in assign([*stored, *(facts for facts, _ in lights)])}
    searched = {rule.science for rule in rules.differences}
    rows = [_row(survey, assigned[facts.name], columns, searched) for facts, columns in lights]
    mark_raw(survey, rules, rows)
    before = Observation.objects.filter(survey=survey).count()
    # Another pass may have taken the same files meanwhile: its rows are as good.
    Observation.objects.bulk_create(rows, ignore_conflicts=True)
    return Observation.objects.filter(survey=survey).count() - before


def _row(survey: Survey, facts: Facts, columns: dict[str, Any], searched: set[str]) -> Observation:
    return Observation(
        survey=survey,
        observation_id=facts.name,
        role=facts.role or Role.SCIENCE,
        epoch=facts.epoch or "",
        is_searched=facts.role == Role.SCIENCE or facts.epoch in searched,
        **columns,
    )


def move(observation: Observation, to: ObservationStatus, reason: str = "") -> None:
    """Change the processing status, or raise InvalidTransition."""
    transition(observation, to, status_reason=reason)


def give_up(observation: Observation, reason: str) -> None:
    """Mark an observation as failed, with the reason in words."""
    move(observation, ObservationStatus.FAILED, reason)


_S = ObservationStatus
_ROAD = (_S.INGESTED, _S.PREPROCESSING, _S.PREPROCESSED, _S.DIFFERENCING)


@transaction.atomic
def reopen(observation: Observation, at: ObservationStatus) -> None:
    """Lead a failed observation back to the state in which a stage works on it."""
    for status in _ROAD[: _ROAD.index(at) + 1]:
        move(observation, status)


def retry(observation: Observation) -> None:
    """Send a failed observation through the pipeline again, from the start."""
    move(observation, ObservationStatus.INGESTED)


@transaction.atomic
def accept(observation: Observation) -> None:
    """Send a frame that was set aside through the pipeline, whatever its quality."""
    Observation.objects.filter(pk=observation.pk).update(is_accepted=True)
    retry(observation)


def archive(observation: Observation) -> None:
    """Take an observation out of the pipeline for good."""
    move(observation, ObservationStatus.ARCHIVED, f"archived {timezone.now():%Y-%m-%d}")
