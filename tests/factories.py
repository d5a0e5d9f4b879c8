"""Rows for tests: each call makes one valid row, and the rows it stands on unless given."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from astropy.time import Time
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from astrid.core.models import RunStatus
from curation.models import ReviewTask
from curation.queue import open_tasks
from detection.models import Detection, Model, ModelRun, ModelType, SkyObject
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, Role, Survey
from preprocessing.models import PreprocessRun

FIRST_NIGHT = datetime(2025, 3, 1, 4, 0, tzinfo=UTC)

_numbers = itertools.count(1)


def _unless_given(given: dict[str, Any], name: str, make: Any) -> Any:
    return given.pop(name) if name in given else make()


def make_user(username: str | None = None, *, group: str | None = None, **fields: Any) -> Any:
    """Make a user; ``group`` names one of curator, operator, viewer."""
    user = get_user_model().objects.create_user(
        username or f"user{next(_numbers)}", password=fields.pop("password", None), **fields
    )
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def make_survey(**fields: Any) -> Survey:
    """Make a survey with a name of its own."""
    return Survey.objects.create(**{"name": f"survey {next(_numbers)}", **fields})


def make_observation(**fields: Any) -> Observation:
    """Make an ingested science exposure at RA 150, Dec 2; each call is ten minutes later."""
    number = next(_numbers)
    when = fields.pop("observation_time", FIRST_NIGHT + timedelta(minutes=10 * number))
    defaults = {
        "observation_id": f"exposure {number}",
        "role": Role.SCIENCE,
        "ra": 150.0,
        "dec": 2.0,
        "observation_time": when,
        "mjd_utc": float(Time(when).mjd),
        "filter_band": "r",
        "exposure_time": 60.0,
        "fits_url": f"file:///night/exposure{number}.fits",
        "pixel_scale": 0.26,
        "image_width": 512,
        "image_height": 512,
        "radius_deg": 0.026,
        "seeing": 1.1,
        "airmass": 1.2,
        "gain": 2.0,
        "read_noise": 5.0,
        "saturation": 60_000.0,
        "file_sha256": f"{number:064x}",
        "pixel_sha256": f"{number:064x}",
    }
    survey = _unless_given(fields, "survey", make_survey)
    return Observation.objects.create(survey=survey, **{**defaults, **fields})


def make_preprocess_run(**fields: Any) -> PreprocessRun:
    """Make a completed preprocessing of a new observation."""
    observation = _unless_given(fields, "observation", make_observation)
    return PreprocessRun.objects.create(
        observation=observation, **{"status": RunStatus.COMPLETED, **fields}
    )


def make_difference_run(**fields: Any) -> DifferenceRun:
    """Make a completed subtraction of an earlier exposure of the same survey."""
    observation = _unless_given(fields, "observation", make_observation)
    reference = _unless_given(
        fields,
        "reference_observation",
        lambda: make_observation(
            survey=observation.survey,
            role=Role.REFERENCE,
            ra=observation.ra,
            dec=observation.dec,
            filter_band=observation.filter_band,
            observation_time=observation.observation_time - timedelta(days=30),
        ),
    )
    defaults = {"status": RunStatus.COMPLETED, "noise_level": 1.0, "detection_threshold": 5.0}
    return DifferenceRun.objects.create(
        observation=observation, reference_observation=reference, **{**defaults, **fields}
    )


def make_candidate(**fields: Any) -> Candidate:
    """Make a ten-sigma residual in the middle of its frame."""
    run = _unless_given(fields, "difference_run", make_difference_run)
    defaults = {
        "observation": run.observation,
        "ra": run.observation.ra,
        "dec": run.observation.dec,
        "pixel_x": 255.5,
        "pixel_y": 255.5,
        "flux": 1000.0,
        "flux_error": 100.0,
        "significance": 10.0,
        "snr": 10.0,
        "fwhm": 4.2,
        "ellipticity": 0.1,
        "position_angle": 30.0,
    }
    return Candidate.objects.create(difference_run=run, **{**defaults, **fields})


def make_model(**fields: Any) -> Model:
    """Make a network row; not active, so that many can stand side by side."""
    number = next(_numbers)
    defaults = {
        "name": "unet",
        "version": f"1.{number}",
        "model_type": ModelType.UNET,
        "sha256": f"{number:064x}",
    }
    return Model.objects.create(**{**defaults, **fields})


def make_model_run(**fields: Any) -> ModelRun:
    """Make a completed inference on a new subtraction."""
    run = _unless_given(fields, "difference_run", make_difference_run)
    model = _unless_given(fields, "model", make_model)
    defaults = {
        "observation": run.observation if run else None,
        "status": RunStatus.COMPLETED,
        "library": "onnxruntime 1.24",
        "device": "cpu",
    }
    return ModelRun.objects.create(model=model, difference_run=run, **{**defaults, **fields})


def make_sky_object(**fields: Any) -> SkyObject:
    """Make an object at RA 150, Dec 2, with a designation of its own."""
    defaults = {
        "designation": f"AstrID J{next(_numbers):06d}",
        "ra": 150.0,
        "dec": 2.0,
        "first_seen": FIRST_NIGHT,
        "last_seen": FIRST_NIGHT,
        "number_of_detections": 1,
    }
    return SkyObject.objects.create(**{**defaults, **fields})


def make_detection(**fields: Any) -> Detection:
    """Make a pending detection with its candidate, network run and object.

    ``model_run=`` or ``candidate=`` fix the chain; ``candidate=None`` leaves it out.
    """
    if fields.get("candidate") and "model_run" not in fields:
        fields["model_run"] = make_model_run(difference_run=fields["candidate"].difference_run)
    run = _unless_given(fields, "model_run", make_model_run)
    candidate = _unless_given(
        fields, "candidate", lambda: make_candidate(difference_run=run.difference_run)
    )
    place = candidate or run.observation
    position = {"ra": fields.get("ra", place.ra), "dec": fields.get("dec", place.dec)}
    sky_object = _unless_given(fields, "sky_object", lambda: make_sky_object(**position))
    defaults = {
        **position,
        "observation": run.observation,
        "pixel_x": getattr(candidate, "pixel_x", 255.5),
        "pixel_y": getattr(candidate, "pixel_y", 255.5),
        **(candidate.brightness() if candidate else {}),
        "confidence_score": 0.9,
        "detection_type": "supernova",
        "model_version": run.model.version,
    }
    return Detection.objects.create(
        model_run=run, candidate=candidate, sky_object=sky_object, **{**defaults, **fields}
    )


def make_tasks(number: int, **fields: Any) -> list[ReviewTask]:
    """Queue so many detections of one exposure, each of its own object; scores fall from 1."""
    run = make_model_run()
    place = {"ra": 150.0, "dec": 2.0}
    seen = {"first_seen": FIRST_NIGHT, "last_seen": FIRST_NIGHT}
    things = SkyObject.objects.bulk_create(
        SkyObject(designation=f"AstrID J{next(_numbers):06d}", **place, **seen)
        for _ in range(number)
    )
    looks = {"pixel_x": 9.0, "pixel_y": 9.0, "detection_type": "supernova", "model_version": "1"}
    shared = {"observation": run.observation, "model_run": run, **place, **looks, **fields}
    detections = Detection.objects.bulk_create(
        Detection(sky_object=thing, confidence_score=1 - n / number, **shared)
        for n, thing in enumerate(things)
    )
    open_tasks(detections)
    return list(ReviewTask.objects.filter(detection__in=detections).order_by("-score"))
