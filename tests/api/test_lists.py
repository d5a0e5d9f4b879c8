"""Lists of the API: every row once, as its serializer writes it, and only what is asked for."""

import json
import re

import pytest
from django.db import connection
from rest_framework.renderers import JSONRenderer

from benchmarks import samplerows
from catalog.models import ProcessingJob
from curation.models import AlertRule
from detection.models import SkyObject
from differencing.models import Candidate
from observations.models import Observation
from tests.api.routes import list_routes, queries_of, rows_touched, view_of
from tests.factories import FIRST_NIGHT, make_candidate, make_difference_run, make_observation

pytestmark = pytest.mark.django_db

ROUTES = list_routes()
OBSERVATIONS = "/api/v1/observations/"
CANDIDATES = "/api/v1/candidates/"
OBJECTS = "/api/v1/sky-objects/"


@pytest.fixture
def sample():
    """A row of each table that grows, and one with other rows on its other side."""
    rows = samplerows.make()
    rule = AlertRule.objects.create(name="all", trigger="confirmed")
    rule.channels.add(rows.delivery.channel)
    return rows


@pytest.mark.parametrize("path", ROUTES)
def test_rows_that_the_database_writes_are_those_of_the_serializer(admin_client, sample, path):
    view = view_of(path)
    rows = admin_client.get(path).json()["results"]
    told = view.serializer_class(view.queryset.all(), many=True).data
    assert rows == json.loads(JSONRenderer().render(told))


@pytest.mark.parametrize("path", ROUTES)
def test_one_field_can_be_asked_for_alone_in_a_list_and_of_a_row(admin_client, sample, path):
    found = admin_client.get(path, {"fields": "id"}).json()["results"]
    assert all(set(row) == {"id"} for row in found)
    for row in found[:1]:
        assert admin_client.get(f"{path}{row['id']}/", {"fields": "id"}).json() == row


def test_only_the_columns_of_the_fields_are_read(admin_client, sample):
    def columns(query):
        asked = queries_of(lambda: admin_client.get(query, {"fields": "id,ra,dec"}))
        return set(re.findall(r'"differencing_candidate"\."(\w+)"', asked[-1]))

    assert columns(CANDIDATES) == {"id", "ra", "dec"}
    assert columns(f"{CANDIDATES}{sample.candidate.pk}/") == {"id", "ra", "dec"}


def test_a_number_that_is_not_finite_is_null(admin_client):
    row = make_observation(limiting_magnitude=float("inf"))
    assert admin_client.get(OBSERVATIONS).json()["results"][0]["limiting_magnitude"] is None
    assert admin_client.get(f"{OBSERVATIONS}{row.pk}/").json()["limiting_magnitude"] is None


def walked(client, path, query):
    """The keys of all pages, one after the other."""
    keys, address = [], None
    while address is not None or not keys:
        page = client.get(address or path, {} if address else query).json()
        keys += [row["id"] for row in page["results"]]
        address = page["next"]
    return keys


@pytest.mark.parametrize("order", ["id", "-id", "magnitude", "-magnitude", "-magnitude,-id"])
def test_pages_hold_every_row_once_in_the_order_that_is_asked_for(admin_client, order):
    run = make_difference_run()
    for magnitude in (None, 20.5, 19.0, 19.0, None, 18.0, 19.0):
        make_candidate(difference_run=run, magnitude=magnitude)
    # PostgreSQL's own order: NULL is above every number
    last = "-id" if order.startswith("-") else "id"
    wanted = Candidate.objects.order_by(*dict.fromkeys([*order.split(",")[:1], last]))
    found = walked(admin_client, CANDIDATES, {"ordering": order, "page_size": 2, "fields": "id"})
    assert found == [str(row.pk) for row in wanted]


def test_the_last_page_can_be_asked_for_and_leads_back(admin_client):
    rows = [make_observation() for _ in range(5)]
    page = admin_client.get(OBSERVATIONS, {"page": "last", "page_size": 2, "ordering": "id"}).json()
    assert [row["id"] for row in page["results"]] == [str(row.pk) for row in rows[-2:]]
    assert page["next"] is None
    before = admin_client.get(page["previous"]).json()["results"]
    assert [row["id"] for row in before] == [str(row.pk) for row in rows[1:3]]


def test_rows_are_counted_only_if_that_is_asked_for(admin_client):
    make_observation()
    make_observation()
    assert not any("COUNT(" in sql for sql in queries_of(lambda: admin_client.get(OBSERVATIONS)))
    assert admin_client.get(OBSERVATIONS).json()["count"] is None
    assert admin_client.get(OBSERVATIONS, {"count": "estimate"}).json()["count"] == 2


@pytest.fixture
def many_objects():
    """Twenty thousand objects, of which many were seen equally often."""
    SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"AstrID J{n:06d}", ra=n % 360, dec=0, first_seen=FIRST_NIGHT,
            last_seen=FIRST_NIGHT, number_of_detections=1 + n % 5,
        )
        for n in range(20_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE detection_skyobject")


@pytest.mark.parametrize("order", ["-id", "-last_seen", "last_seen"])
def test_the_last_page_of_many_costs_no_more_than_twice_the_first(
    admin_client, many_objects, order
):
    def cost(**query):
        ask = {"ordering": order, "page_size": 100, "fields": "id,ra,dec", **query}
        asked = queries_of(lambda: admin_client.get(OBJECTS, ask))
        return sum(rows_touched(sql) for sql in asked if '"detection_skyobject"' in sql)

    first = cost()
    last = admin_client.get(OBJECTS, {"ordering": order, "page": "last"}).json()
    token = last["previous"].split("page=")[1].split("&")[0]
    assert cost(page="last") <= 2 * first
    assert cost(page=token) <= 2 * first
    # one row more than the page shows, in as many nodes as a plan of one index scan has
    assert first <= 4 * 101


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"page_size": 1001}, "page_size is '1001'; it must be a whole number from 1 to 1000"),
        ({"page_size": 0}, "from 1 to 1000"),
        ({"page_size": "-3"}, "from 1 to 1000"),
        ({"page_size": "٣"}, "from 1 to 1000"),
        ({"page_size": "9" * 5000}, "from 1 to 1000"),
        ({"page": "aWzFd"}, "this page is none of this query"),
        ({"page": "." * 9}, "this page is none of this query"),
        ({"count": "exact"}, "count is 'exact'; it can be 'estimate'"),
        ({"fields": "id,colour"}, "'colour' is no field here; there are id, "),
        ({"ordering": "colour"}, "'colour' is no order here; there are observation_time, id, "),
        ({"ordering": "id,id"}, "'id,id' cannot be: order by one column"),
        ({"ordering": "seeing,observation_time"}, "order by one column; id may follow seeing"),
        ({"ordering": "-seeing,id"}, "order by one column; -id may follow -seeing"),
        ({"colour": "red"}, "There is no such parameter here; there are count, covers, dec, "),
        ({"status": ["failed", "ingested"]}, "It is given 2 times"),
        ({"status": ""}, "It is empty; leave it out"),
        ({"status": "lost"}, "Select a valid choice"),
        ({"is_accepted": "perhaps"}, "'perhaps' is neither true nor false"),
        ({"survey": "7"}, "Enter a valid UUID"),
        ({"seeing__lt": "nan"}, "Enter a number"),
        ({"observation_id": "a\x00b"}, "NUL"),
    ],
)
def test_what_a_list_does_not_know_is_refused_with_the_reason(admin_client, query, words):
    answer = admin_client.get(OBSERVATIONS, query)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_frames_are_chosen_by_their_time(admin_client):
    first, second = (
        make_observation(observation_time=when)
        for when in ("2026-03-01T03:00Z", "2026-03-02T03:00Z")
    )
    noon = "2026-03-01T12:00:00Z"
    for name, wanted in (("observation_time__gt", second), ("observation_time__lt", first)):
        rows = admin_client.get(OBSERVATIONS, {name: noon, "fields": "id"}).json()["results"]
        assert rows == [{"id": str(wanted.pk)}]
    wrong = admin_client.get(OBSERVATIONS, {"observation_time__gt": "yesterday"})
    assert wrong.status_code == 400


def test_a_page_of_another_query_is_refused(admin_client):
    for _ in range(3):
        make_observation(status="failed")
    query = {"page_size": 1, "status": "failed", "ordering": "seeing"}
    token = admin_client.get(OBSERVATIONS, query).json()["next"].split("page=")[1].split("&")[0]
    asked = {**query, "page": token}
    assert admin_client.get(OBSERVATIONS, {**asked, "page_size": 2}).status_code == 200
    for other in ({"status": "ingested"}, {"ordering": "-seeing"}, {"epoch": "first"}):
        assert admin_client.get(OBSERVATIONS, {**asked, **other}).status_code == 400
    assert admin_client.get(CANDIDATES, {"page": token}).status_code == 400
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert admin_client.get(OBSERVATIONS, {**asked, "page": altered}).status_code == 400


def test_an_answer_that_did_not_change_is_not_sent_again(admin_client):
    row = make_observation()
    for path in (OBSERVATIONS, f"{OBSERVATIONS}{row.pk}/"):
        first = admin_client.get(path)
        mark = {"If-None-Match": first.headers["ETag"]}
        assert admin_client.get(path, headers=mark).status_code == 304
        Observation.objects.filter(pk=row.pk).update(seeing=first.json().get("seeing", 3.0) + 1)
        assert admin_client.get(path, headers=mark).status_code == 200


def test_the_key_of_another_row_need_not_be_there(admin_client, sample):
    nobody = "00000000-0000-7000-8000-000000000000"
    assert admin_client.get(CANDIDATES, {"difference_run": nobody}).json()["results"] == []
    assert ProcessingJob.objects.exists()
    found = admin_client.get("/api/v1/jobs/", {"entity_id": nobody}).json()["results"]
    assert found == []


def test_names_are_searched_by_their_start(admin_client):
    make_observation(observation_id="c4d_180316")
    make_observation(observation_id="tess2019")
    found = admin_client.get(OBSERVATIONS, {"search": "c4d"}).json()["results"]
    assert [row["observation_id"] for row in found] == ["c4d_180316"]
