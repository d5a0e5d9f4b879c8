"""Queued queries, as pyvo asks them."""

import io
from datetime import timedelta

import pytest
import pyvo
from astropy.io.votable import parse
from astropy.table import Table
from django.utils import timezone

from catalog.vo import uws
from catalog.vo.errors import VoError
from catalog.vo.models import TapJob, TapStatus
from catalog.vo.requests import Asked
from tests.catalog.vo.skies import make_sky, make_viewer
from tests.catalog.vo.wire import ROOT, session_of

pytestmark = pytest.mark.django_db
SERVICE = f"{ROOT}/vo/tap"
ALL = "SELECT designation, ra FROM astrid.objects ORDER BY designation"


@pytest.fixture
def sent(monkeypatch):
    """Catch what is sent to workers, instead of a broker."""
    keys = []
    monkeypatch.setattr(uws, "nudge", lambda name, key: keys.append((name, key)))
    return keys


@pytest.fixture
def tap():
    return pyvo.dal.TAPService(SERVICE, session=session_of(make_viewer()))


def work(sent):
    """Do what a worker does with what was sent."""
    while sent:
        name, key = sent.pop()
        assert name == "catalog.tasks.run_tap_job"
        uws.run(key)


def test_a_queued_query_gives_what_the_same_query_gives_at_once(tap, sent):
    make_sky(number=4)
    job = tap.submit_job(ALL)
    assert job.phase == "PENDING"
    job.run()
    assert job.phase == "QUEUED"
    work(sent)
    assert job.phase == "COMPLETED"
    at_once = tap.search(ALL)
    assert list(job.fetch_result()["designation"]) == list(at_once["designation"])
    assert [each.phase for each in tap.get_job_list()] == ["COMPLETED"]
    job.delete()
    assert not TapJob.objects.exists()


def test_a_query_that_began_since_it_was_read_is_not_changed(tap, sent):
    tap.submit_job(ALL).run()
    read = TapJob.objects.get()
    read.status = TapStatus.PENDING  # as it was before
    for change in (
        lambda: uws.change(read, Asked({"QUERY": ("SELECT 1",)}), {}),
        lambda: uws.limit(read, seconds=1),
    ):
        with pytest.raises(VoError, match="the query is queued"):
            change()
        read.status = TapStatus.PENDING
    kept = TapJob.objects.get()
    assert (kept.parameters["QUERY"], kept.duration_seconds > 1) == ([ALL], True)


def test_tables_go_along_with_a_queued_query(tap, sent):
    mine = Table({"n": [1, 2, 3]})
    query = "SELECT SUM(n) AS total FROM TAP_UPLOAD.mine"
    job = tap.submit_job(query, uploads={"mine": mine})
    job.run()
    work(sent)
    assert job.phase == "COMPLETED"
    assert job.fetch_result()[0]["total"] == 6


def test_a_query_that_cannot_be_answered_ends_with_its_reason(tap, sent):
    job = tap.submit_job("SELECT nothing FROM astrid.objects")
    job.run()
    work(sent)
    assert job.phase == "ERROR"
    with pytest.raises(pyvo.dal.DALQueryError, match="no column is called 'nothing'"):
        job.raise_if_error()
    row = TapJob.objects.get()
    content = tap._session.get(f"{SERVICE}/async/{row.pk}/error").content
    assert "no column" in parse(io.BytesIO(content)).resources[0].infos[0].content


def test_a_query_runs_once_however_often_it_is_sent(tap, sent):
    job = tap.submit_job(ALL)
    job.run()
    (message,) = sent
    sent.append(message)
    work(sent)
    assert job.phase == "COMPLETED"
    first = TapJob.objects.get().ended_at
    uws.run(message[1])
    assert TapJob.objects.get().ended_at == first


def test_a_query_that_is_called_off_does_not_run(tap, sent):
    job = tap.submit_job(ALL)
    job.run()
    job.abort()
    assert job.phase == "ABORTED"
    work(sent)
    assert job.phase == "ABORTED"


def test_limits_are_kept_within_what_is_allowed(tap, sent):
    job = tap.submit_job(ALL)
    job.execution_duration = 10
    assert job.execution_duration.sec == 10
    job.execution_duration = 10**9
    assert job.execution_duration.sec == 1800
    job.destruction = timezone.now() + timedelta(days=1000)
    row = TapJob.objects.get()
    assert row.destruction < timezone.now() + timedelta(days=7.1)


def test_a_query_that_takes_too_long_is_ended(tap, sent):
    make_sky()
    job = tap.submit_job(
        "SELECT COUNT(*) FROM astrid.objects a, astrid.objects b, astrid.objects c"
        " WHERE DISTANCE(a.ra, a.dec, b.ra, c.dec) > 1"
    )
    job.execution_duration = 1
    job.run()
    work(sent)
    assert "took longer than 1 s" in TapJob.objects.get().error_message


def test_queries_are_seen_by_their_owner_alone(client, tap, sent):
    tap.submit_job(ALL)
    row = TapJob.objects.get()
    assert client.get(f"/vo/tap/async/{row.pk}").status_code == 404
    other = session_of(make_viewer("otto"))
    assert other.get(f"{SERVICE}/async/{row.pk}").status_code == 404
    assert pyvo.dal.TAPService(SERVICE, session=other).get_job_list() == []
    own = client.post("/vo/tap/async", {"QUERY": ALL, "LANG": "ADQL", "PHASE": "RUN"})
    assert own.status_code == 303
    assert TapJob.objects.filter(owner=None, status=TapStatus.QUEUED).count() == 1


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("phase", {"PHASE": "JUMP"}),
        ("phase", {}),
        ("executionduration", {"EXECUTIONDURATION": "long"}),
        ("destruction", {"DESTRUCTION": "never"}),
        ("owner", {"OWNER": "me"}),
    ],
)
def test_what_makes_no_sense_is_refused(client, sent, part, content):
    client.post("/vo/tap/async", {"QUERY": ALL})
    row = TapJob.objects.get()
    assert client.post(f"/vo/tap/async/{row.pk}/{part}", content).status_code == 400
    assert client.get(f"/vo/tap/async/{row.pk}/{part}").status_code == 200
    assert client.get(f"/vo/tap/async/{row.pk}/results/result").status_code == 404


def test_old_and_forgotten_queries_are_tended(tap, sent):
    for _ in range(3):
        tap.submit_job(ALL)
    old, forgotten, orphan = TapJob.objects.order_by("id")
    long_ago = timezone.now() - timedelta(days=1)
    TapJob.objects.filter(pk=old.pk).update(destruction=long_ago)
    TapJob.objects.filter(pk=forgotten.pk).update(status="queued", updated_at=long_ago)
    TapJob.objects.filter(pk=orphan.pk).update(status="executing", started_at=long_ago)
    uws.tend()
    assert not TapJob.objects.filter(pk=old.pk).exists()
    assert [key for _, key in sent] == [str(forgotten.pk)]
    orphan.refresh_from_db()
    assert (orphan.status, orphan.error_message[:10]) == ("error", "the worker")
