"""What happens is told as it happens: every event once, to those who may know."""

import asyncio
import json
import random
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import chain
from uuid import uuid4

import hypothesis
import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection, connections
from django.test import AsyncClient, Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from catalog import jobs
from catalog.live import events, hub, seats, stream, waking
from catalog.live.events import BEGINNING, BadPlace, Place
from catalog.live.models import Event
from catalog.models import ExportJob, JobType
from curation.models import Alert
from detection.models import DetectionStatus
from tests.celery_worker import DEAD_BROKER, eventually
from tests.factories import make_detection, make_observation, make_user

LONG_S = 60.0  # nothing here takes so long: whoever waits for it fails


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short waits, and a hub that no other test has used."""
    fresh = hub.Hub()
    for module in (hub, seats, stream):
        monkeypatch.setattr(module, "HUB", fresh)
    monkeypatch.setattr(hub, "REST_S", 0.01)
    monkeypatch.setattr(hub, "POLL_S", 0.1)
    monkeypatch.setattr(stream, "BEAT_S", 0.2)
    monkeypatch.setitem(waking._silent_until, "time", 0.0)
    yield
    eventually(lambda: not seats._TAKEN, "every seat is left")
    ended = "the reading ends with the last listener"
    eventually(lambda: fresh._reader is None, ended, meanwhile=waking._publish)


@pytest.fixture
def viewer():
    return make_user("vera", group="viewer")


class Listener:
    """A client that takes one message after the other."""

    def __init__(self, answer):
        self.answer = answer
        self._lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
        self.place = None

    def next(self, kind=None):
        """Give kind and facts of the next message, of a kind if one is given."""
        said = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                said[name] = value
                self.place = said.get("id", self.place)
            elif "data" in said:
                if kind in (None, said["event"]):
                    return said["event"], json.loads(said["data"])
                said = {}
        return None

    def is_placed(self):
        """Read up to the first id: from here on nothing is missed."""
        for line in self._lines:
            if line.startswith("id: "):
                self.place = line.removeprefix("id: ")
                return True
        return False


def ask(live_server, person, query="", **headers):
    client = Client()
    client.force_login(person)
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    headers = {"Accept": "text/event-stream"} | headers
    url = f"{live_server.url}/api/v1/events/{query}"
    return requests.get(url, headers=headers, cookies=cookies, stream=True, timeout=LONG_S)


@contextmanager
def listening(live_server, person, query="", last=None):
    headers = {"Last-Event-ID": last} if last else {}
    with closing(ask(live_server, person, query, **headers)) as answer:
        assert answer.status_code == 200, answer.text
        yield Listener(answer)


def make_job():
    return jobs.open_job(JobType.INGEST, make_observation())


@pytest.mark.django_db(transaction=True)
class TestListening:
    """A real server, a real database, a real Redis."""

    def test_an_event_arrives_because_redis_rang(self, live_server, viewer, monkeypatch):
        monkeypatch.setattr(hub, "POLL_S", 10 * LONG_S)
        with listening(live_server, viewer, "?kinds=export") as listener:
            assert listener.answer.headers["Content-Type"] == "text/event-stream"
            assert listener.is_placed()
            eventually(subscribed, "the hub listens to Redis")
            eventually(lambda: others() == 0, "nobody who waits is connected to the database")
            make_job()  # not asked for
            wanted = ExportJob.objects.create(file_format="csv")
            waking.wake()
            kind, facts = listener.next()
        assert kind == "export"
        assert facts["id"] == str(wanted.pk)
        assert (facts["status"], facts["file_format"]) == ("pending", "csv")

    def test_without_redis_they_look_by_themselves(self, live_server, viewer, settings, caplog):
        settings.CELERY_BROKER_URL = DEAD_BROKER
        with listening(live_server, viewer) as listener:
            assert listener.is_placed()
            job = make_job()
            assert listener.next()[1]["id"] == str(job.pk)
        assert "they look every few seconds" in caplog.text

    def test_who_comes_back_gets_every_event_once(self, live_server, viewer):
        with listening(live_server, viewer) as listener:
            assert listener.is_placed()
            first = make_job()
            assert listener.next()[1]["id"] == str(first.pk)
        missed = [make_job() for _ in range(7)]
        with listening(live_server, viewer, last=listener.place) as listener:
            got = [listener.next()[1]["id"] for _ in missed]
            later = make_job()
            got.append(listener.next()[1]["id"])
        assert got == [str(job.pk) for job in [*missed, later]]

    def test_a_transaction_that_ends_late_comes_late_and_holds_nobody_back(
        self, live_server, viewer
    ):
        with listening(live_server, viewer) as listener, writer() as slow:
            assert listener.is_placed()
            late = slow.write()
            quick = make_job()  # has the higher key, and is there first
            assert listener.next()[1]["id"] == str(quick.pk)
            slow.commit()
            assert listener.next()[1]["id"] == str(late)

    def test_who_was_away_too_long_is_told_to_begin_anew(self, live_server, viewer):
        make_job(), make_job(), make_job()
        events.settle()
        gone, last, kept = Event.objects.all()
        Event.objects.exclude(pk=kept.pk).update(created_at=timezone.now() - 2 * events.KEPT)
        assert events.forget() == 1
        place = str(events.place_of(gone))
        with listening(live_server, viewer, last=place) as listener:
            assert listener.next()[0] == "reset"
            assert listener.place == str(events.place_of(kept))
        with listening(live_server, viewer, last=str(events.place_of(last))) as listener:
            assert listener.next()[1]["id"] == str(kept.entity_id)

    def test_when_every_seat_is_taken_the_next_is_told_when_to_come(
        self, live_server, viewer, settings
    ):
        settings.LIVE_STREAMS = 1
        with listening(live_server, viewer) as listener:
            assert listener.is_placed()
            refused = ask(live_server, make_user("other", group="viewer"))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "60"
        assert "LIVE_STREAMS" in refused.text

    def test_one_page_too_many_ends_the_oldest(self, live_server, viewer, monkeypatch):
        monkeypatch.setattr(seats, "PER_ACCOUNT", 1)
        with listening(live_server, viewer) as old:
            assert old.is_placed()
            with listening(live_server, viewer) as new:
                assert new.is_placed()
                assert old.next() is None
                job = make_job()
                assert new.next()[1]["id"] == str(job.pk)

    def test_a_stream_ends_so_that_rights_are_asked_for_again(
        self, live_server, viewer, monkeypatch
    ):
        monkeypatch.setattr(stream, "LONGEST_S", 0.3)
        with listening(live_server, viewer) as listener:
            assert listener.next() is None


class Writer:
    """Somebody who writes events in transactions of a connection of their own."""

    def __init__(self, link):
        self._link = link
        self.written = []

    def write(self):
        """Write one down; the transaction stays open."""
        key = uuid4()
        with self._link.cursor() as cursor:
            cursor.execute(
                "INSERT INTO catalog_event (created_at, kind, entity_id, facts)"
                " VALUES (now(), 'job', %s, '{}')",
                [key],
            )
        self.written.append(key)
        return key

    def commit(self):
        """End the transaction; give what was written in it."""
        self._link.commit()
        written, self.written = self.written, []
        return written

    def undo(self):
        """End the transaction as if nothing had been."""
        self._link.rollback()
        self.written = []


@contextmanager
def writer():
    with closing(connections.create_connection("default")) as link:
        link.set_autocommit(False)
        yield Writer(link)


class Reader:
    """Somebody who reads on from where they are."""

    def __init__(self):
        self.place, self.got = BEGINNING, []

    def read(self):
        """Read what is there, three at a time; the numbers rise."""
        while found := events.after(self.place, 3):
            places = [self.place, *map(events.place_of, found)]
            assert [one.number for one in places] == sorted({one.number for one in places})
            self.place = places[-1]
            self.got += [event.entity_id for event in found]
        return self.got


STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "commit", "undo", "read"]), st.integers(0, 2)),
    min_size=8,
    max_size=40,
)


@pytest.mark.django_db(transaction=True)
@given(steps=STEPS)
@hypothesis.settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_committed_is_read_at_once_and_once_whatever_else_is_open(steps):
    Event.objects.all().delete()
    reader, committed = Reader(), []
    with writer() as first, writer() as second, writer() as third:
        writers = (first, second, third)
        for step, number in steps:
            if step == "read":
                assert sorted(reader.read()) == sorted(committed)
                assert events.newest() == reader.place
            else:
                done = getattr(writers[number], step)()
                committed += done if step == "commit" else []
    assert sorted(reader.read()) == sorted(committed)
    assert Reader().read() == reader.got


def write_some(seed, written):
    rng = random.Random(seed)  # noqa: S311 - moments of a test
    with writer() as own:
        for _ in range(25):
            for _ in range(rng.randint(1, 3)):
                own.write()
                time.sleep(rng.random() / 200)
            written += own.commit()


def read_while(is_busy, orders):
    reader = Reader()
    with closing(connection):
        while is_busy():
            reader.read()
        orders.append(reader.read())


@pytest.mark.django_db(transaction=True)
def test_readers_and_writers_at_the_same_time_see_one_order():
    groups, orders = [[], [], []], []
    writing = [threading.Thread(target=write_some, args=each) for each in enumerate(groups)]

    def is_busy():
        return any(one.is_alive() for one in writing)

    reading = [threading.Thread(target=read_while, args=[is_busy, orders]) for _ in range(2)]
    for thread in writing + reading:
        thread.start()
    for thread in writing + reading:
        thread.join(LONG_S)
    one, other = orders
    assert one == other
    assert sorted(one) == sorted(chain(*groups))
    for written in groups:  # what one writer did keeps its order
        assert [key for key in one if key in set(written)] == written


@pytest.mark.django_db
def test_a_process_that_numbers_and_does_not_end_is_told_of_and_not_waited_for(monkeypatch):
    monkeypatch.setattr(events, "_LOCK_TIMEOUT", "20ms")
    make_job()
    with closing(connections.create_connection("default")) as stuck:
        stuck.set_autocommit(False)
        with stuck.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [events._LOCK])
        with pytest.raises(OperationalError, match="lock timeout"):
            events.newest()
    assert events.newest().number == Event.objects.count()


def subscribed():
    client = waking._client(waking.address_of(settings.CELERY_BROKER_URL))
    return sum(number for _, number in client.pubsub_numsub(waking.CHANNEL)) > 0


def others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_an_asgi_server_can_send_events_too(viewer):
    client = AsyncClient()
    client.force_login(viewer)

    async def listen():
        answer = await client.get("/api/v1/events/?kinds=job")
        parts = []
        async for part in answer.streaming_content:
            parts.append(part)
            if b": here" in part and len(parts) == 2:
                await asyncio.to_thread(job_made)
            if b"event: job" in part:
                break
        answer.close()
        return b"".join(parts)

    def job_made():
        with closing(connection):
            make_job()

    assert b'"job_type": "ingest"' in asyncio.run(listen())


@pytest.mark.django_db
class TestWhoMayHear:
    """Refusals come before anything is streamed."""

    def refusal(self, client, query="", **headers):
        answer = client.get(f"/api/v1/events/{query}", headers=headers)
        return answer.status_code, answer.content.decode()

    def test_nobody_in_particular(self, client):
        assert self.refusal(client)[0] == 401

    def test_somebody_without_a_role(self, client):
        client.force_login(make_user())
        status, text = self.refusal(client)
        assert status == 403
        assert "anything" in text

    def test_a_guest_hears_of_tables_that_were_sent_and_of_nothing_else(self, client):
        guest = make_user(group="guest")
        assert events.kinds_for(guest) == {"crossmatch"}
        client.force_login(guest)
        status, text = self.refusal(client, "?kinds=detection,crossmatch")
        assert status == 403
        assert "detection" in text

    def test_what_a_right_is_missing_for(self, client):
        person = make_user()
        person.user_permissions.add(*view("alert"))
        client.force_login(person)
        assert events.kinds_for(person) == {"alert"}
        status, text = self.refusal(client, "?kinds=job,alert")
        assert status == 403
        assert "job" in text

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("?kind=job", "kind: "),
            ("?kinds=job,weather", "weather: there are detection"),
            ("?last_event_id=soon", "'soon' is no id of an event"),
            ("?last_event_id=1-99999999999999999999", "is no id of an event"),
        ],
    )
    def test_what_means_nothing(self, client, viewer, query, said):
        client.force_login(viewer)
        status, text = self.refusal(client, query)
        assert status == 400
        assert said in text


def view(*names):
    return Permission.objects.filter(codename__in=[f"view_{name}" for name in names])


@pytest.mark.django_db
class TestWhatIsTold:
    """The rows behind it, written in the transaction that does the thing."""

    def told(self):
        return [(each.kind, each.entity_id, each.facts) for each in Event.objects.all()]

    def test_verdicts_and_alerts(self):
        detection = make_detection()
        Event.objects.all().delete()
        detection.status = DetectionStatus.REJECTED
        detection.save()
        detection.save()  # nothing moved
        alert = Alert.objects.create(detection=detection, alert_type="detected", title="New")
        (first, second) = self.told()
        assert first[:2] == ("judged", detection.pk)
        assert first[2]["status"] == "rejected"
        assert second[:2] == ("alert", alert.pk)
        assert second[2]["detection_id"] == str(detection.pk)

    def test_new_detections_have_their_place(self):
        detection = make_detection()
        Event.objects.all().delete()
        events.tell_of([detection])
        ((kind, key, facts),) = self.told()
        assert (kind, key) == ("detection", detection.pk)
        assert (facts["ra"], facts["dec"]) == (detection.ra, detection.dec)

    def test_nothing_is_forgotten_that_is_young(self):
        make_job()
        assert events.forget() == 0
        Event.objects.update(created_at=timezone.now() - events.KEPT - timedelta(hours=1))
        assert events.forget() == 0  # the last one stays: whoever has it lacks nothing


@pytest.mark.parametrize("text", ["", "7", "7-", "-7", "7-x", "7-7-7", "٣-٣" * 20])
def test_an_id_that_is_none_is_named(text):
    with pytest.raises(BadPlace, match="is no id of an event"):
        Place.of(text)


def test_ids_are_written_as_they_are_read():
    assert Place.of("12-3") == Place(3, transaction=12)
    assert str(Place(3, transaction=12)) == "12-3"
    assert Place(2, transaction=1) > Place(1, transaction=9)


@pytest.mark.parametrize(
    ("celery", "redis"),
    [
        ("redis://h:1/3", "redis://h:1/3"),
        ("rediss://:p@h/0", "rediss://:p@h/0"),
        ("redis+socket:///a%20b/s?virtual_host=2", "unix:///a b/s?db=2"),
    ],
)
def test_the_broker_is_found_by_the_client_of_redis(celery, redis):
    assert waking.address_of(celery) == redis
