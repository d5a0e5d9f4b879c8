"""How far long work has come: told while it goes on, to whoever may know; null if unknown."""

import io
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, transaction

from astrid.core import metering
from astrid.core.metering import metered
from astrid.core.models import RunStatus
from astrid.core.progress import heard_by, tell
from catalog import jobs
from catalog.exports import reading, writers
from catalog.exports.service import seen_by
from catalog.live.events import is_for
from catalog.live.models import Event
from catalog.models import CrossmatchJob, ExportJob, JobType, ProcessingJob
from detection import inference, weights
from tests import factories
from tests.celery_worker import eventually
from tests.pages import list_page

pytestmark = pytest.mark.django_db
QUERY = "SELECT designation, ra FROM astrid.objects ORDER BY ra"


def running_export(**fields):
    return ExportJob.objects.create(
        query={"adql": QUERY}, file_format="csv", status=RunStatus.RUNNING, **fields
    )


def test_nobody_need_listen():
    tell(1, 2)


@pytest.mark.django_db(transaction=True)
def test_it_is_written_down_while_the_work_holds_a_transaction(monkeypatch):
    monkeypatch.setattr(metering, "EVERY_S", 0.02)
    job = running_export(work_done=7)
    woken = []
    with metered(job, wake=lambda: woken.append(1)):
        assert ExportJob.objects.get().work_done is None  # what an earlier try had told
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            tell(3, 12)
            eventually(lambda: ExportJob.objects.get().progress == 0.25, "a fraction is written")
            tell(20, 12)
            eventually(lambda: ExportJob.objects.get().progress == 1.0, "never more than all")
            tell(4)
            eventually(lambda: ExportJob.objects.get().work_done == 4, "a number without total")
            assert ExportJob.objects.get().progress is None
    assert woken
    told = [one.facts for one in Event.objects.filter(entity_id=job.pk).order_by("id")]
    assert [(one["work_done"], one["progress"]) for one in told if one["work_done"]] == [
        (7, None), (3, 0.25), (20, 1.0), (4, None),
    ]  # fmt: skip
    job.complete(rows=4)
    assert ExportJob.objects.get().progress == 1.0


@pytest.mark.django_db(transaction=True)
def test_work_that_has_ended_is_told_no_more(monkeypatch):
    monkeypatch.setattr(metering, "EVERY_S", 0.02)
    job = running_export()
    ExportJob.objects.update(status=RunStatus.FAILED)
    with metered(job):
        before = metering._write
        seen = []
        monkeypatch.setattr(metering, "_write", lambda *what: (before(*what), seen.append(what)))
        tell(1, 2)
        eventually(lambda: seen, "it was tried")
    assert ExportJob.objects.get().work_done is None


@pytest.fixture
def five(monkeypatch):
    monkeypatch.setattr(reading, "PART_ROWS", 2)
    for number in range(5):
        factories.make_sky_object(designation=f"A\n{number}", ra=float(number))


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "fits"])
def test_an_export_counts_its_rows_first_and_tells_each_part(five, file_format):
    heard = []
    with (
        heard_by(lambda *far: heard.append(far)),
        reading.rows_of(QUERY, seen_by(None), 60, is_counted=True) as rows,
    ):
        assert writers.write(rows, file_format, io.BytesIO()) == 5
    assert heard[0] == (0, 5)
    assert heard[1:] == [(done, 5) for done in (2, 4, 5)]


def test_rows_that_take_long_to_count_have_no_total_and_are_written_all_the_same(five, monkeypatch):
    monkeypatch.setattr(reading, "_COUNTING", "20ms")
    heard, out = [], io.BytesIO()
    with (
        heard_by(lambda *far: heard.append(far)),
        reading.rows_of(QUERY, seen_by(None), 60) as rows,
    ):
        with monkeypatch.context() as slow:
            sleep = "SELECT count(*) FROM pg_sleep(5) WHERE %s > 0"  # a limit is its one parameter
            slow.setattr(reading.QueriedRows, "_around", lambda *_: sleep)
            rows = rows.counted()
        assert rows.total is None
        assert writers.write(rows, "csv", out) == 5
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("1min",)
    assert heard[-1] == (5, None)


def test_a_network_tells_how_many_tiles_it_has_looked_at():
    heard = []
    with heard_by(lambda *far: heard.append(far)):
        inference.probability_map(weights.load(), np.zeros((200, 232, 4), np.float32), tile_px=64)
    number = len(heard)
    assert number > 1
    assert heard == [(done, number) for done in range(1, number + 1)]


def test_a_cross_match_is_told_of_to_its_sender_alone():
    vera = factories.make_user("vera", group="viewer")
    job = CrossmatchJob.objects.create(
        requester=vera, target="objects", radius_arcsec=2.0, file_format="csv", upload_path="x",
        upload_name="stars.csv", ra_column="ra", dec_column="dec", positions=8, status="running",
    )  # fmt: skip
    CrossmatchJob.objects.update(positions_done=2)
    first, second = Event.objects.filter(entity_id=job.pk).order_by("id")
    assert (first.kind, second.facts["progress"]) == ("crossmatch", 0.25)
    assert "stars.csv" not in str(second.facts)
    assert (is_for(second, vera.pk), is_for(second, vera.pk + 1)) == (True, False)


def test_lists_show_a_bar_and_the_api_a_fraction(client):
    client.force_login(factories.make_user("olga", group="admin", is_staff=True))
    jobs.open_job(JobType.INFERENCE, factories.make_observation())
    ProcessingJob.objects.update(status="running", work_done=1, work_total=4)
    running_export(work_done=5000)
    page = list_page(client, ProcessingJob).content.decode()
    assert '<progress max="1" value="0.2500">25 %</progress> 1 of 4' in page
    assert "5,000 done" in list_page(client, ExportJob).content.decode()
    (job,) = client.get("/api/v1/jobs/").json()["results"]
    (export,) = client.get("/api/v1/exports/").json()["results"]
    assert (job["progress"], export["progress"], export["work_done"]) == (0.25, None, 5000)
    assert client.get(f"/api/v1/jobs/{job['id']}/").json() == job


def test_a_row_that_is_gone_meanwhile_costs_nothing():
    job = running_export()
    job.pk = uuid4()
    metering._write(job, 1, 2)
    assert ExportJob.objects.get().work_done is None
