"""The API as its clients meet it."""

from uuid import uuid4

import pytest
from django.urls import get_resolver, resolve, reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from astrid.core.sky import SkyPosition
from curation.models import AlertChannel
from tests.factories import make_candidate, make_detection, make_observation, make_user

pytestmark = pytest.mark.django_db


def list_routes():
    """Every route that lists rows, from the URL table itself."""
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    paths = {reverse(name) for name in names if name.endswith("-list")}
    return sorted(path for path in paths if path.startswith("/api/v1/"))


ROUTES = list_routes()


def test_every_domain_has_routes():
    words = (
        "surveys",
        "preprocess-runs",
        "candidates",
        "detections",
        "alerts",
        "jobs",
        "lightcurves",
    )
    assert all(any(word in path for path in ROUTES) for word in words)
    # one list per table of the schema's seven apps
    assert len(ROUTES) >= 40


@pytest.fixture
def rows():
    detection = make_detection()
    make_candidate(difference_run=detection.model_run.difference_run)


@pytest.mark.parametrize("path", ROUTES)
def test_every_list_answers_in_few_queries(admin_client, rows, path, django_assert_max_num_queries):
    # session, user, rows
    with django_assert_max_num_queries(3):
        answer = admin_client.get(path)
    assert answer.status_code == 200
    assert set(answer.json()) == {"count", "next", "previous", "results"}


# Everybody has keys of their own (tests/test_every_route.py).
@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/api/v1/keys/"])
def test_strangers_and_users_without_the_right_are_refused(client, path):
    assert client.get(path).status_code == 401
    client.force_login(make_user())
    assert client.get(path).status_code == 403


# People judge, over the API as on the pages (tests/curation/test_api.py), and ask for files
# (tests/catalog/test_exports.py) and for matches (tests/catalog/test_crossmatches.py), and send
# frames (tests/api/test_sending.py); they make keys (tests/catalog/access/test_keys_api.py), and
# operators channels of alerts (tests/curation/test_alerts_api.py).
WRITTEN = [
    "/api/v1/validation-events/",
    "/api/v1/exports/",
    "/api/v1/crossmatches/",
    "/api/v1/observations/",
    "/api/v1/keys/",
    "/api/v1/alert-channels/",
]


@pytest.mark.parametrize("path", [path for path in ROUTES if path not in WRITTEN])
def test_nothing_else_can_be_written(admin_client, path):
    assert admin_client.post(path, {}, content_type="application/json").status_code == 405


@pytest.mark.parametrize("path", WRITTEN)
def test_what_is_written_is_never_changed_or_deleted(admin_client, path):
    assert admin_client.put(path, {}, content_type="application/json").status_code == 405
    assert admin_client.patch(path, {}, content_type="application/json").status_code == 405
    assert admin_client.delete(path).status_code == 405


@pytest.fixture
def credentials():
    """A user whom no failed sign-in of another test or run can have locked out."""
    name, password = uuid4().hex, uuid4().hex
    make_user(name, password=password, is_superuser=True)
    return {"username": name, "password": password}


def test_a_token_signs_in_until_it_is_taken_back(client, credentials):
    token = client.post("/api/v1/auth/login/", credentials).json()["token"]
    header = {"Authorization": f"Token {token}"}
    assert client.get("/api/v1/surveys/", headers=header).status_code == 200
    assert client.post("/api/v1/auth/logout/", headers=header).status_code == 204
    assert client.get("/api/v1/surveys/", headers=header).status_code == 401


def test_a_wrong_password_gives_no_token(client, credentials):
    answer = client.post("/api/v1/auth/login/", credentials | {"password": "guess"})
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (401, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Token")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "wrong name or password" in problem["detail"]


def test_guessing_passwords_locks_out(client, credentials, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post("/api/v1/auth/login/", credentials | {"password": "guess"})
    assert client.post("/api/v1/auth/login/", credentials).status_code == 429


def sky_routes():

    return [p for p in ROUTES if issubclass(resolve(p).func.cls.queryset.model, SkyPosition)]


def test_everything_with_a_position_can_be_asked_for_a_cone(admin_client):
    assert len(sky_routes()) == 8
    for path in sky_routes():
        answer = admin_client.get(path, {"ra": 10, "dec": 10, "radius": 1})
        assert answer.json()["results"] == []


def test_a_cone_holds_what_lies_inside_it(admin_client):
    near, far = make_observation(ra=359.9995, dec=0.0), make_observation(ra=0.01, dec=0.0)
    answer = admin_client.get("/api/v1/observations/", {"ra": 0, "dec": 0, "radius": 0.001})
    assert [row["id"] for row in answer.json()["results"]] == [str(near.pk)]
    assert str(far.pk) not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"ra": 400, "dec": 0, "radius": 1}, "ra is 400.0; it must lie in 0 to 360"),
        ({"ra": 0, "dec": 0, "radius": -1}, "radius is -1.0; it must lie in 0 to 180"),
        ({"ra": 0, "dec": 0}, "A cone needs ra, dec and radius"),
        ({"ra": "nan", "dec": 0, "radius": 1}, "ra is nan"),
        ({"ra": "here", "dec": 0, "radius": 1}, "ra is 'here'; it must be a number"),
    ],
)
def test_a_bad_cone_is_refused_with_the_reason(admin_client, query, words):
    answer = admin_client.get("/api/v1/detections/", query)
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_pages_follow_each_other(admin_client):
    for _ in range(3):
        make_observation()
    first = admin_client.get("/api/v1/observations/", {"page_size": 2}).json()
    second = admin_client.get(first["next"]).json()
    assert (len(first["results"]), len(second["results"])) == (2, 1)
    assert second["next"] is None
    assert admin_client.get(second["previous"]).json()["results"] == first["results"]


def test_figures_come_with_the_decimals_that_they_are_known_to(admin_client):
    make_detection(confidence_score=0.123456789)
    row = admin_client.get("/api/v1/detections/").json()["results"][0]
    assert row["confidence_score"] == 0.1235


def test_rows_can_be_filtered_and_ordered(admin_client):
    make_detection(confidence_score=0.5)
    best = make_detection(confidence_score=0.9)
    query = {"status": "pending", "ordering": "-confidence_score"}
    found = admin_client.get("/api/v1/detections/", query).json()["results"]
    assert (len(found), found[0]["id"]) == (2, str(best.pk))
    assert admin_client.get("/api/v1/detections/", {"status": "lost"}).status_code == 400


def test_secrets_stay_inside(admin_client):
    key = "the signing key"
    AlertChannel.objects.create(name="hook", kind="webhook", address="https://x", secret=key)
    assert key not in admin_client.get("/api/v1/alert-channels/").content.decode()


def test_the_schema_is_valid_and_made_without_a_warning():
    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_the_documentation_asks_no_other_host(client):
    page = client.get("/api/docs/").content.decode()
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page
