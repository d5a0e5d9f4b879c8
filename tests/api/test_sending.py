"""Frames sent over the API, each taken in or refused by itself; jobs tried again and called off."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import jobs
from catalog.models import JobStatus, JobType, ProcessingJob
from observations.models import Observation
from observations.simulator import simulate_night
from tests.factories import make_observation, make_survey, make_user

pytestmark = pytest.mark.django_db

OBSERVATIONS = "/api/v1/observations/"


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """The bytes of two frames, by the names of their files."""
    folder = tmp_path_factory.mktemp("frames")
    simulate_night(folder, seed=3, fields=1, science_epochs=1, size=160)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.fits"))}


@pytest.fixture
def operator(client):
    user = make_user("olga", group="operator")
    client.force_login(user)
    return client


def rows_of(frames):
    return [
        {"name": name, "fits": base64.b64encode(content).decode()}
        for name, content in frames.items()
    ]


def send(client, survey, rows):
    body = {"survey": str(survey.pk), "rows": rows}
    return client.post(OBSERVATIONS, body, content_type="application/json")


def test_each_frame_is_taken_in_or_refused_by_itself(operator, frames):
    survey, (good, other) = make_survey(), rows_of(frames)
    cut = {"name": "cut.fits", "fits": other["fits"][:4000]}
    answer = send(operator, survey, [good, cut, good])
    assert answer.status_code == 207
    rows = answer.json()["rows"]
    assert [row["status"] for row in rows] == ["created", "refused", "refused"]
    stored = Observation.objects.get()
    assert rows[0]["observation"] == str(stored.pk)
    assert rows[0]["problem"] is None
    assert stored.observation_id == good["name"].removesuffix(".fits")
    assert "cut.fits" in rows[1]["problem"]["detail"]
    assert "is sent twice" in rows[2]["problem"]["detail"]
    # what it says of the sky was read from the file, and the frame can be worked on
    shown = operator.get(f"{OBSERVATIONS}{stored.pk}/").json()
    assert (shown["status"], shown["image_width"]) == ("ingested", 160)


def test_a_frame_sent_again_is_known_and_another_of_its_name_is_refused(operator, frames):
    survey, (first, second) = make_survey(), rows_of(frames)
    assert send(operator, survey, [first, second]).status_code == 201
    again = send(operator, survey, [first])
    assert (again.status_code, again.json()["rows"][0]["status"]) == (201, "known")
    assert Observation.objects.count() == 2
    clash = send(operator, survey, [{**first, "fits": second["fits"]}])
    assert clash.status_code == 400
    (fault,) = clash.json()["errors"]
    assert fault["pointer"] == "#/rows/0"
    assert "known with other content" in fault["detail"]


def test_bodies_of_frames_may_be_longer_than_others(operator, frames, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = {"survey": str(make_survey().pk), "rows": rows_of(frames)}
    assert send(operator, make_survey(), rows_of(frames)).status_code == 201
    other = operator.post("/api/v1/validation-events/", body, content_type="application/json")
    assert other.status_code == 413
    assert "at most 1000 are read here" in other.json()["detail"]


def test_frames_come_as_files_of_a_form_too(operator, frames):
    files = [SimpleUploadedFile(name, content) for name, content in frames.items()]
    answer = operator.post(f"{OBSERVATIONS}files/", {"survey": make_survey().pk, "fits": files})
    assert answer.status_code == 201
    assert {row["name"] for row in answer.json()["rows"]} == {
        name.removesuffix(".fits") for name in frames
    }


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"#/survey", "#/rows"}),
        ({"survey": "7", "rows": []}, {"#/survey", "#/rows"}),
        ({"rows": [{"name": "a", "fits": "?"}]}, {"#/survey", "#/rows/0/fits"}),
        ({"rows": [{"fits": 7}] * 2}, {
            "#/survey", "#/rows/0/fits", "#/rows/0/name", "#/rows/1/fits", "#/rows/1/name",
        }),
        ({"rows": [{"name": "a", "fits": ""}] * 101}, {"#/survey", "#/rows"}),
        ([], {"#"}),
    ],
)  # fmt: skip
def test_a_body_that_is_no_list_of_frames_is_refused_value_by_value(operator, body, pointers):
    answer = operator.post(OBSERVATIONS, body, content_type="application/json")
    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers


def test_who_may_not_add_observations_sends_none(client, frames):
    client.force_login(make_user(group="researcher"))
    assert send(client, make_survey(), rows_of(frames)).status_code == 403
    assert not Observation.objects.exists()


@pytest.fixture
def failed():
    job = jobs.open_job(JobType.PREPROCESS, make_observation())
    ProcessingJob.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, error_message="cloud")
    return f"/api/v1/jobs/{job.pk}/"


def test_a_failed_job_is_tried_again_and_called_off(operator, failed):
    again = operator.post(f"{failed}retry/")
    assert (again.status_code, again.json()["status"]) == (200, "pending")
    assert again.json() == operator.get(failed).json()
    assert operator.post(f"{failed}cancel/").json()["status"] == "cancelled"
    refused = operator.post(f"{failed}cancel/")
    assert refused.status_code == 409
    assert "becomes cancelled only from pending" in refused.json()["detail"]


def test_a_job_that_moved_meanwhile_is_not_touched(operator, failed):
    seen = {"If-Match": operator.get(failed).headers["ETag"]}
    assert operator.post(f"{failed}retry/", headers=seen).status_code == 200
    assert operator.post(f"{failed}cancel/", headers=seen).status_code == 412
    assert operator.get(failed).json()["status"] == "pending"
    now = {"If-Match": operator.get(failed).headers["ETag"]}
    assert operator.post(f"{failed}cancel/", headers=now).status_code == 200


def test_who_may_not_operate_moves_no_job(client, failed):
    client.force_login(make_user(group="researcher"))
    assert client.get(failed).status_code == 200
    assert client.post(f"{failed}retry/").status_code == 403
    assert client.get(failed).json()["status"] == "failed"
