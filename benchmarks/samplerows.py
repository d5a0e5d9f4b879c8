"""One row of each table that grows, each by its model."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model

from benchmarks import farrows
from catalog.models import Analytics, AuditLog, CatalogEntry, ExportJob, ProcessingJob
from curation.models import (
    Alert,
    AlertChannel,
    AlertRule,
    Delivery,
    ReviewTask,
    SkippedTask,
    ValidationEvent,
)
from detection.models import (
    ContextSource,
    Detection,
    ForcedMeasurement,
    ForcedPhotometryRun,
    Model,
    ModelRun,
    SkyObject,
)
from differencing.models import Candidate, DifferenceRun, ReferenceImage, ReferenceRun
from lightcurves import models as store
from observations.models import CalibrationExposure, Observation, ObservationRun, Role, Survey
from preprocessing.models import PreprocessRun

WHEN = datetime(2025, 3, 1, 4, tzinfo=UTC)
PLACE = {"ra": 150.0, "dec": 2.0}


@dataclass(frozen=True)
class Sample:
    """The rows, by what they are."""

    observation: Observation
    preprocess_run: PreprocessRun
    difference_run: DifferenceRun
    model_run: ModelRun
    candidate: Candidate
    sky_object: SkyObject
    detection: Detection
    task: ReviewTask
    event: ValidationEvent
    skip: SkippedTask
    audit: AuditLog
    job: ProcessingJob
    alert: Alert
    delivery: Delivery
    entry: CatalogEntry
    summary: Analytics
    target: store.Target
    dataset: store.DataSet
    times: store.TargetSpecificTime
    flags: store.QualityFlagArray
    ingestion: ObservationRun
    raw_frame: CalibrationExposure
    reference: ReferenceImage
    reference_run: ReferenceRun
    forced_run: ForcedPhotometryRun
    measurement: ForcedMeasurement
    star: ContextSource
    features: store.CurveFeatures
    derivation: store.DataSetHierarchy
    fits_frame: store.FITSFrame
    export: ExportJob


def make() -> Sample:
    """Write one row of each."""
    found = _searched() | _judged_and_told() | _light_curve()
    detection = found["detection"]
    found |= _reviewed(detection) | _told(detection, found["sky_object"])
    frame = found["observation"]
    found |= farrows.of_survey(frame.survey, frame, WHEN)
    found |= farrows.of_object(found["sky_object"], found["difference_run"])
    found |= farrows.of_curve(found["dataset"])
    return Sample(**{name: found[name] for name in Sample.__dataclass_fields__})


def _judged_and_told() -> dict[str, Any]:
    return {
        "audit": AuditLog.objects.create(
            entity_type="observations.Observation", entity_id=uuid.uuid4(), action="update",
            user_id="1", change_summary="changed priority from 0 to 1", ip_address="127.0.0.1",
        ),
        "job": ProcessingJob.objects.create(
            job_type="difference", entity_id=uuid.uuid4(), scheduled_at=WHEN,
            entity_type="observations.Observation", status="completed",
        ),
        "export": ExportJob.objects.create(file_format="csv", status="completed"),
        "summary": Analytics.objects.create(day=date(2000, 1, 1), metric="candidates", value=1.0),
    }  # fmt: skip


def _searched() -> dict[str, Any]:
    survey = Survey.objects.create(name=f"Many {uuid.uuid4().hex[:8]}")
    frame = _exposure(survey, "one", Role.SCIENCE)
    earlier = _exposure(survey, "zero", Role.REFERENCE)
    done = {"observation": frame, "status": "completed", "started_at": WHEN}
    run = DifferenceRun.objects.create(reference_observation=earlier, **done)
    model = Model.objects.create(name="many", version=uuid.uuid4().hex[:8], model_type="unet")
    inference = ModelRun.objects.create(model=model, difference_run=run, **done)
    candidate = Candidate.objects.create(
        difference_run=run, observation=frame, pixel_x=9.0, pixel_y=9.0, **PLACE
    )
    thing = SkyObject.objects.create(
        designation=f"Many {survey.pk.hex[-12:]}", first_seen=WHEN, last_seen=WHEN, **PLACE
    )
    detection = Detection.objects.create(
        model_run=inference, observation=frame, candidate=candidate, sky_object=thing, **PLACE,
        pixel_x=9.0, pixel_y=9.0, confidence_score=0.5, detection_type="transient",
        model_version=model.version,
    )  # fmt: skip
    return {
        "observation": frame,
        "preprocess_run": PreprocessRun.objects.create(**done),
        "difference_run": run,
        "model_run": inference,
        "candidate": candidate,
        "sky_object": thing,
        "detection": detection,
    }


def _exposure(survey: Survey, name: str, role: str) -> Observation:
    when = WHEN if role == Role.SCIENCE else WHEN - timedelta(days=30)
    return Observation.objects.create(
        survey=survey, observation_id=name, role=role, **PLACE, observation_time=when,
        mjd_utc=60_735.2, filter_band="r", exposure_time=60.0, fits_url="file:///one.fits",
        pixel_scale=0.26, seeing=1.1, gain=2.0, read_noise=5.0, saturation=60_000.0,
        file_sha256="0" * 64, pixel_sha256="0" * 64,
    )  # fmt: skip


def _reviewed(detection: Detection) -> dict[str, Any]:
    person = get_user_model().objects.create_user(f"many{uuid.uuid4().hex[:8]}")
    seen = {"detection": detection, "person": person}
    return {
        "task": ReviewTask.objects.create(
            detection=detection, score=0.5, band="r", survey=detection.observation.survey
        ),
        "event": ValidationEvent.objects.create(
            detection=detection, validator=person, is_valid=True, label="supernova"
        ),
        "skip": SkippedTask.objects.create(reason="These pixels do not tell", **seen),
    }


def _told(detection: Detection, thing: SkyObject) -> dict[str, Any]:
    name = uuid.uuid4().hex[:8]
    rule = AlertRule.objects.create(name=name, trigger="detected")
    channel = AlertChannel.objects.create(name=name, kind="webhook", address="https://x.example/")
    alert = Alert.objects.create(
        detection=detection, rule=rule, alert_type="detection", title="One", message="One"
    )
    return {
        "alert": alert,
        "delivery": Delivery.objects.create(alert=alert, channel=channel, idempotency_key=name),
        "entry": CatalogEntry.objects.create(
            sky_object=thing, designation="Many", object_class="supernova",
            posterior=0.9, **PLACE,
        ),
    }  # fmt: skip


def _light_curve() -> dict[str, Any]:
    name = uuid.uuid4().hex[:8]
    mission = store.Mission.objects.create(name=name)
    stars = store.MissionCatalog.objects.create(name=name, host_mission=mission)
    camera = store.Instrument.objects.create(name=name, properties={})
    cadences = np.arange(3)
    stretch = store.Observation.objects.create(instrument=camera, cadence_reference=cadences)
    target = store.Target.objects.create(catalog=stars, name=1)
    at = {"target": target, "observation": stretch}
    return {
        "target": target,
        "dataset": store.DataSet.objects.create(values=cadences / 2, errors=cadences / 9, **at),
        "times": store.TargetSpecificTime.objects.create(
            barycentric_julian_dates=cadences + 0.5, **at
        ),
        "flags": store.QualityFlagArray.objects.create(quality_flags=[0, 64, 2], **at),
    }
