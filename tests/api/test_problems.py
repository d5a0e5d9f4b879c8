"""Whatever is wrong is told as problem details, with the place of the value."""

import pytest
from django.test import Client

from astrid.core.rest.problems import MEDIA_TYPE
from tests.factories import make_user

pytestmark = pytest.mark.django_db

OBSERVATIONS = "/api/v1/observations/"
EVENTS = "/api/v1/validation-events/"
EXPORTS = "/api/v1/exports/"


def told(answer, status):
    """The problem details of an answer, whose form is as RFC 9457 has it."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"] == answer.reason_phrase
    assert problem["detail"]
    return problem


def test_nobody_is_asked_to_sign_in_and_a_stranger_is_refused(client):
    assert told(client.get(OBSERVATIONS), 401)["code"] == "not_authenticated"
    client.force_login(make_user())
    assert told(client.get(OBSERVATIONS), 403)["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{OBSERVATIONS}00000000-0000-7000-8000-000000000000/", 404),
        (f"{OBSERVATIONS}seven/", 404),
        ("/api/v1/lightcurves/targets/99999999999999999999999/", 404),
        ("/api/v1/nothing/", 404),
        ("/api/nothing", 404),
        (f"{OBSERVATIONS}?format=xml", 400),
        (f"{OBSERVATIONS}?observation_id=%00", 400),
    ],
)
def test_what_is_not_there_is_told_as_a_problem(admin_client, path, status):
    told(admin_client.get(path), status)


def test_a_fault_in_the_address_names_its_parameter(admin_client):
    problem = told(admin_client.get(OBSERVATIONS, {"ra": 400, "dec": 0, "radius": 1}), 400)
    assert problem["errors"] == [
        {
            "parameter": "ra",
            "detail": "ra is 400.0; it must lie in 0 to 360 degrees",
            "code": "invalid",
        }
    ]


def test_the_sentence_names_each_value_once(admin_client):
    problem = told(admin_client.get(OBSERVATIONS, {"page_size": 1001}), 400)
    assert problem["detail"].startswith("page_size is '1001'; it must be")


def test_every_fault_in_the_body_points_to_its_value(admin_client):
    body = {"query": "x" * 100_001, "file_format": "xls"}
    problem = told(admin_client.post(EXPORTS, body, content_type="application/json"), 400)
    assert [error["pointer"] for error in problem["errors"]] == ["#/query", "#/file_format"]
    assert all(error["pointer"][2:] in problem["detail"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([1], "events is missing"),
        ({"events": [{}] * 201}, "events has 201 items; at most 200 go"),
        ({"events": 7}, "events is 7: it should be a valid tuple"),
    ],
)
def test_a_batch_of_verdicts_that_is_none_is_refused_in_plain_words(admin_client, body, words):
    problem = told(admin_client.post(EVENTS, body, content_type="application/json"), 400)
    assert [error["pointer"] for error in problem["errors"]] == ["#/events"]
    assert problem["detail"] == words


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ('{"query": NaN}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ('{"query": ' + "9" * 5000 + "}", "application/json", 400),
        ("[1]", "application/json", 400),
        ('"\\ud800"', "application/json", 400),
        ('{"query": "\\u0000"}', "application/json", 400),
        ("<a/>", "application/xml", 415),
        ("a=b", "text/plain", 415),
        ("x", "multipart/form-data", 400),
        ("x" * 10_000_000, "application/json", 413),
        ("x" * 10_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(admin_client, body, kind, status):
    problem = told(admin_client.generic("POST", EXPORTS, body, content_type=kind), status)
    assert ("are read here" in problem["detail"]) == (status == 413)


def test_a_method_that_is_not_served_is_refused_with_those_that_are(admin_client):
    answer = admin_client.delete(OBSERVATIONS)
    assert told(answer, 405)["code"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]


def test_an_answer_in_another_format_is_not_given(admin_client):
    told(admin_client.get(OBSERVATIONS, headers={"Accept": "text/html"}), 406)


def test_a_forged_form_is_refused_as_a_problem(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert "CSRF" in told(client.post(EXPORTS, {}), 403)["detail"]


def test_a_guesser_is_told_to_wait(client, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post("/api/v1/auth/login/", {"username": "guessed", "password": "guess"})
    answer = client.post("/api/v1/auth/login/", {"username": "guessed", "password": "guess"})
    assert answer.status_code == 429


def test_what_is_not_the_api_tells_errors_as_pages(client):
    assert client.get("/nothing/").headers["Content-Type"].startswith("text/html")
