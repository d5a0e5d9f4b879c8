"""A database full of detections that wait for verdicts, and people who may give them."""

import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Count

from curation.models import ReviewTask, ValidationEvent
from curation.queue import open_tasks
from detection import registry
from detection.models import Detection, ModelRun, SkyObject
from observations.models import Observation, Survey

PART = 5000
WHEN = datetime(2025, 3, 1, 4, tzinfo=UTC)
TOKEN = "c" * 32  # of CSRF: any, as long as cookie and header agree


def queue_detections(number: int) -> None:
    """Write one exposure with so many detections, each of its own object, and queue them."""
    frame = _exposure()
    run = ModelRun.objects.create(model=registry.active(), observation=frame, status="completed")
    for start in range(0, number, PART):
        _queue_part(run, frame, start, min(PART, number - start))


def _exposure() -> Observation:
    survey = Survey.objects.create(name=f"Benchmark {uuid.uuid4().hex[:8]}")
    return Observation.objects.create(
        survey=survey, observation_id="one", ra=150.0, dec=2.0, observation_time=WHEN,
        mjd_utc=60_735.2, filter_band="r", exposure_time=60.0, fits_url="file:///one.fits",
        pixel_scale=0.26, seeing=1.1, gain=2.0, read_noise=5.0, saturation=60_000.0,
        file_sha256="0" * 64, pixel_sha256="0" * 64,
    )  # fmt: skip


def _queue_part(run: ModelRun, frame: Observation, start: int, number: int) -> None:
    place: dict[str, Any] = {"ra": 150.0, "dec": 2.0}
    things = SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"{frame.survey} {start + each}",
            first_seen=WHEN, last_seen=WHEN, **place,
        )
        for each in range(number)
    )  # fmt: skip
    detections = Detection.objects.bulk_create(
        Detection(
            model_run=run, observation=frame, sky_object=thing, **place,
            pixel_x=9.0, pixel_y=9.0, confidence_score=1 - (start + each) / 1e7,
            detection_type="transient", model_version=run.model.version,
        )
        for each, thing in enumerate(things)
    )  # fmt: skip
    open_tasks(detections)


def make_curators(number: int) -> list[dict[str, str]]:
    """Make people who may judge; give the cookies with which each is signed in."""
    group = Group.objects.get(name="curator")
    people = [
        get_user_model().objects.create_user(f"bench{uuid.uuid4().hex[:8]}") for _ in range(number)
    ]
    for person in people:
        person.groups.add(group)
    return [cookies_of(person) for person in people]


def cookies_of(person: Any) -> dict[str, str]:
    """Sign a person in, and give the cookies of the session."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {settings.SESSION_COOKIE_NAME: str(session.session_key), "csrftoken": TOKEN}


def environment(database: str) -> dict[str, str]:
    """Give the environment of a server on this database that knows our sessions."""
    return {
        "DATABASE_URL": database,
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DEBUG": "1",
    }


def free_port() -> int:
    """Give a port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Kept:
    """What the database holds afterwards."""

    keys: set[str]
    doubled: int  # detections with more than one verdict of one person in force
    waiting: int


def kept_verdicts() -> Kept:
    """Count the verdicts in the database."""
    keys = {str(key) for key in ValidationEvent.objects.values_list("client_uuid", flat=True)}
    twice = ValidationEvent.objects.values("detection", "validator").order_by()
    doubled = twice.annotate(number=Count("pk")).filter(number__gt=1).count()
    return Kept(keys, doubled, ReviewTask.objects.waiting().count())
