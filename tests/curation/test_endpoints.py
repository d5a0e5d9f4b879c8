"""What the console's pages get from the server, and how they are refused."""

import json
import uuid
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from astrid.core import store
from curation import leases
from curation.items import items_of
from curation.models import (
    Curator,
    Lease,
    ReviewQueue,
    ReviewTask,
    SkippedTask,
    ValidationEvent,
)
from curation.queue import open_tasks
from curation.services import judge
from detection import cutouts
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db

LEASE, VERDICTS = "/console/queues/all/lease/", "/console/verdicts/"
SCRIPT = '<script>alert("x")</script>'


@pytest.fixture
def queue(db):
    return ReviewQueue.objects.get(slug="all")


@pytest.fixture
def talk(client, curator):
    """Post an object as JSON, signed in as ada; give status and answer."""
    client.force_login(curator)

    def post(address, body, **options):
        response = client.post(address, body, content_type="application/json", **options)
        return response.status_code, response.json()

    return post


def event(task, verdict="real", **more):
    return {
        "uuid": str(uuid.uuid4()),
        "detection": str(task.detection_id),
        "verdict": verdict,
        "queue": "all",
        **more,
    }


@pytest.fixture
def send(talk):
    """Send verdicts; give what became of each."""

    def post(*events):
        status, answer = talk(VERDICTS, {"events": list(events)})
        assert status == 200, answer
        return answer["results"]

    return post


def test_a_lease_gives_items_with_all_that_the_page_shows(talk):
    corners = [[149, 1], [151, 1], [151, 3], [149, 3]]
    frame = factories.make_observation(
        pixel_scale=0.25, seeing=1.0, filter_band="r", footprint=corners
    )
    run = factories.make_difference_run(observation=frame)
    found = factories.make_candidate(
        difference_run=run, fwhm=6.0, snr=12.3, is_dipole=True, psf_misfit=1.7,
        magnitude=20.5, magnitude_error=0.08, photometric_system="AB",
    )  # fmt: skip
    thing = factories.make_sky_object(first_seen=frame.observation_time - timedelta(days=3))
    path = store.put(cutouts.to_npz(np.zeros((4, 5, 5), np.float16)))
    metadata = {
        "context": {
            "neighbour": {"is_point": False, "separation_px": 8.0, "half_light_radii": 2.0}
        },
        "north": [0.0, 1.0],
        "east": [-1.0, 0.0],
    }
    detection = factories.make_detection(
        candidate=found, sky_object=thing, cutouts_path=path, prediction_metadata=metadata,
        model_run=factories.make_model_run(difference_run=run, parameters={"cutout_px": 5}),
    )  # fmt: skip
    open_tasks([detection])
    status, answer = talk(LEASE, {"n": 50, "have": []})
    (item,) = answer["items"]
    assert (status, answer["waiting"], item["detection"]) == (200, 1, str(detection.pk))
    assert {each["key"]: each["text"] for each in item["figures"]} == {
        "snr": "12.3", "magnitude": "20.500 ± 0.080 AB", "fwhm": "1.50", "score": "0.900",
        "host": "2.0 arcsec", "age": "3.0 d ago",
    }  # fmt: skip
    assert item["badges"] == [{"key": "dipole", "text": "dipole", "kind": "warn"}]
    assert (item["side"], item["scale"], item["north"], item["east"]) == (5, 0.25, [0, 1], [-1, 0])
    assert item["pixels"] == f"/console/pixels/{path.rpartition('/')[2]}.bin"
    assert item["name"] == thing.designation
    assert (item["score"], item["votes"], item["series_unit"]) == (0.9, [], "AB")
    assert item["series"] == [
        {"mjd": round(frame.mjd_utc, 6), "value": 20.5, "error": 0.08, "limit": False, "band": "r"}
    ]
    for words in ("10:00:00.00 +02:00:00.0", "S/N 12.3", "20.500 ± 0.080 AB", "dipole"):
        assert words in item["alt"]


def test_a_blind_queue_withholds_score_and_votes(talk, queue, second_curator, two_votes):
    ReviewQueue.objects.update(blind=True, votes_required=2)
    (task,) = factories.make_tasks(1)
    judge(task.detection, by=second_curator, is_valid=True, label="agn", policy=two_votes)
    _, answer = talk(LEASE, {})
    (item,) = answer["items"]
    assert (item["score"], item["votes"]) == (None, [])
    assert [each["key"] for each in item["figures"]][3] == "misfit"
    assert "score" not in item["alt"]
    assert not {'"agn"', '"ben"'} & set(json.dumps(answer).replace(",", " ").split())


def test_an_open_queue_shows_the_votes_of_others(talk, second_curator, two_votes):
    ReviewQueue.objects.update(votes_required=2)
    (task,) = factories.make_tasks(1)
    judge(task.detection, by=second_curator, is_valid=True, label="agn", policy=two_votes)
    (vote,) = talk(LEASE, {})[1]["items"][0]["votes"]
    assert (vote["by"], vote["verdict"], vote["label"]) == ("ben", "real", "agn")


def test_where_one_looked_in_vain_is_a_limit_and_may_mean_that_it_moves(talk):
    corners = [[149, 1], [151, 1], [151, 3], [149, 3]]
    away = [[10, 1], [12, 1], [12, 3], [10, 3]]
    baseline = factories.make_observation(role="reference")
    frames = [
        factories.make_observation(
            survey=baseline.survey, footprint=corners, limiting_magnitude=depth
        )
        for depth in (21.0, 22.0)
    ] + [
        factories.make_observation(survey=baseline.survey, footprint=away, limiting_magnitude=23.0)
    ]
    runs = [
        factories.make_difference_run(observation=frame, reference_observation=baseline)
        for frame in frames
    ]
    found = factories.make_candidate(difference_run=runs[0], magnitude=20.0)
    open_tasks([factories.make_detection(candidate=found)])
    (item,) = talk(LEASE, {})[1]["items"]
    assert [(each["value"], each["limit"]) for each in item["series"]] == [(20, False), (22, True)]
    assert "moving" in [badge["key"] for badge in item["badges"]]


def test_an_object_that_people_called_a_variable_is_known(talk, second_curator, policy):
    thing = factories.make_sky_object()
    judge(
        factories.make_detection(sky_object=thing),
        by=second_curator, is_valid=True, label="agn", policy=policy,
    )  # fmt: skip
    open_tasks([factories.make_detection(sky_object=thing)])
    (item,) = talk(LEASE, {})[1]["items"]
    assert {"key": "variable", "text": "known variable", "kind": "info"} in item["badges"]


def test_fifty_items_cost_as_many_queries_as_one(talk, queue, django_assert_num_queries):
    tasks = [task.pk for task in factories.make_tasks(60)]
    for number in (1, 50):
        with django_assert_num_queries(7):
            assert len(items_of(tasks[:number], queue)) == number
    for number in (1, 50):
        # beside those: sign-in, rights, settings, the names for the audit log, savepoints
        with django_assert_num_queries(22):
            assert len(talk(LEASE, {"n": number})[1]["items"]) == number


@pytest.mark.parametrize(
    ("address", "body"),
    [(LEASE, {}), (VERDICTS, {"events": []}), ("/console/heartbeat/", {"tasks": []})],
)
def test_a_viewer_is_refused_in_words(client, viewer, address, body):
    client.force_login(viewer)
    response = client.post(address, body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert "vic may look but not judge" in response.json()["error"]


def test_who_is_not_signed_in_is_told_so_in_json(client):
    response = client.post(VERDICTS, {"events": []}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (401, "signed_out")


@pytest.mark.parametrize(
    ("address", "body", "words"),
    [
        (LEASE, {"n": 0}, "n is 0"),
        (LEASE, {"n": 5000}, "n is 5000"),
        (LEASE, {"have": ["x"]}, "have.0 is 'x'"),
        (VERDICTS, {"events": [{}] * 201}, "at most 200"),
        (VERDICTS, {}, "events"),
        (VERDICTS, "no json", "events|object|JSON"),
    ],
)
def test_a_body_that_says_something_impossible_is_refused(talk, address, body, words):
    status, answer = talk(address, body)
    assert (status, answer["code"]) == (400, "invalid")
    assert any(word in answer["error"] for word in words.split("|"))


def test_a_queue_of_others_is_not_found(talk, queue, second_curator):
    queue.curators.add(second_curator)
    status, answer = talk(LEASE, {})
    assert (status, answer["code"]) == (404, "not_found")


def test_verdicts_are_saved_and_replays_change_nothing(send):
    tasks = factories.make_tasks(3)
    events = [
        event(tasks[0], "real", label="supernova", confidence="high", ms_spent=900, blind=True,
              shown=["triplet"], tags=["host"], notes=SCRIPT),
        event(tasks[1], "bogus", label="dipole"),
        event(tasks[2], "unsure"),
    ]  # fmt: skip
    assert [result["status"] for result in send(*events)] == ["saved"] * 3
    assert [result["status"] for result in send(*events)] == ["replayed"] * 3
    first, second, third = ValidationEvent.objects.order_by("id")
    assert (first.ms_spent, first.blind, first.shown_fields) == (900, True, ["triplet"])
    assert (first.notes, first.tags, first.queue) == (SCRIPT, ["host"], "all")
    assert [each.verdict for each in (first, second, third)] == ["real", "bogus", "unsure"]


def test_a_script_in_a_note_comes_out_as_text(send, client, curator):
    (task,) = factories.make_tasks(1)
    send(event(task, "real", notes=SCRIPT))
    page = client.get(f"/console/detections/{task.detection_id}/").content.decode()
    assert "&lt;script&gt;" in page
    assert SCRIPT not in page


def test_a_bad_verdict_costs_only_itself(send, policy, second_curator):
    tasks = factories.make_tasks(6)
    Detection.objects.filter(pk=tasks[0].detection_id).update(status="archived")
    reused = event(tasks[1])
    send(reused)
    lost = event(tasks[2])
    judge(tasks[2].detection, by=second_curator, is_valid=True, label="agn", policy=policy)
    results = send(
        event(tasks[0]),
        {**reused, "verdict": "bogus"},
        lost,
        event(tasks[3], label="kilonova"),
        event(tasks[3], label="dipole"),
        event(tasks[3], detection=str(uuid.uuid4())),
        event(tasks[3], verdict="maybe"),
        {"uuid": "nonsense"},
        event(tasks[3], notes="a\x00b"),
        event(tasks[3], supersedes=str(uuid.uuid4())),
        event(tasks[3], "withdraw"),
        event(tasks[4]),
    )
    assert [result.get("code", "saved") for result in results] == [
        "archived", "uuid_reused", "lease_lost", "unknown_label", "unknown_label", "not_found",
        "invalid", "invalid", "invalid", "not_found", "not_found", "saved",
    ]  # fmt: skip
    assert all(result["reason"] for result in results[:-1])
    assert ReviewTask.objects.get(pk=tasks[0].pk).done_at  # the queue goes on without it


def test_a_verdict_after_the_lease_ran_out_is_saved_while_the_task_waits(send, talk):
    (task,) = factories.make_tasks(1)
    talk(LEASE, {})
    Lease.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert send(event(task))[0]["status"] == "saved"


def test_a_disagreement_with_a_live_lease_counts(send, talk, second_curator, policy):
    (task,) = factories.make_tasks(1)
    talk(LEASE, {})
    judge(task.detection, by=second_curator, is_valid=True, label=None, policy=policy)
    assert not Lease.objects.exists()
    # settled by another page while it was on this screen: the lease is gone with the task
    assert send(event(task, "bogus"))[0]["code"] == "lease_lost"


def test_undo_and_redo_go_on_without_limit(send):
    (task,) = factories.make_tasks(1)
    last = event(task, "real", label="supernova")
    send(last)
    for number in range(6):
        verdict = "withdraw" if number % 2 == 0 else "real"
        last = event(task, verdict, supersedes=last["uuid"])
        assert send(last)[0]["status"] == "saved"
        state = Detection.objects.get(pk=task.detection_id).status
        assert state == ("pending" if verdict == "withdraw" else "confirmed")
    assert ValidationEvent.objects.count() == 7
    assert [each.verdict for each in ValidationEvent.objects.current()] == ["real"]


def test_what_was_taken_back_waits_for_everybody_again(
    send, queue, curator, second_curator, policy
):
    (task,) = factories.make_tasks(1)
    send(event(task))
    send(event(task, "withdraw"))
    task.refresh_from_db()
    assert (task.done_at, task.votes, task.seen_by) == (None, 0, [])
    assert leases.take(queue, second_curator, policy).tasks == [task.pk]


def test_a_skip_hides_the_item_with_its_reason_and_comes_back(send, queue, curator, policy):
    (task,) = factories.make_tasks(1)
    skip = event(task, "skip", reason="needs a deeper image")
    assert [result["status"] for result in send(skip) + send(skip)] == ["saved", "replayed"]
    assert SkippedTask.objects.get().reason == "needs a deeper image"
    assert leases.take(queue, curator, policy).tasks == []
    undo = event(task, "withdraw", supersedes=skip["uuid"])
    assert [result["status"] for result in send(undo) + send(undo)] == ["saved", "replayed"]
    assert leases.take(queue, curator, policy).tasks == [task.pk]
    assert not ValidationEvent.objects.exists()


def test_heartbeat_names_what_is_lost_and_release_lets_go(talk, second_curator, queue, policy):
    factories.make_tasks(2)
    mine = [item["task"] for item in talk(LEASE, {})[1]["items"]]
    past = timezone.now() - timedelta(seconds=1)
    Lease.objects.filter(task=mine[0]).update(ends_at=past)
    ReviewTask.objects.filter(pk=mine[0]).update(busy_until=past)
    leases.take(queue, second_curator, policy)
    status, answer = talk("/console/heartbeat/", {"tasks": mine})
    assert (status, answer["lost"]) == (200, [mine[0]])
    assert talk("/console/release/", {"tasks": mine})[1] == {"released": 1}


def test_a_beacon_sends_its_body_as_a_form(client, curator, queue, policy):
    client.force_login(curator)
    factories.make_tasks(1)
    tasks = [str(key) for key in leases.take(queue, curator, policy).tasks]
    response = client.post("/console/release/", {"body": json.dumps({"tasks": tasks})})
    assert response.json() == {"released": 1}


def test_verdicts_of_other_sites_are_refused(curator):
    client = Client(enforce_csrf_checks=True)
    client.force_login(curator)
    (task,) = factories.make_tasks(1)
    body = {"events": [event(task)]}
    assert client.post(VERDICTS, body, content_type="application/json").status_code == 403
    assert not ValidationEvent.objects.exists()


def test_preferences_are_kept_for_the_person(talk, client, curator):
    wanted = {"keys": {"real": "f"}, "stretch": "log"}
    put = client.put("/console/preferences/", wanted, content_type="application/json")
    assert (put.status_code, put.json()) == (200, wanted)
    assert client.get("/console/preferences/").json() == wanted
    assert Curator.objects.get(user=curator).preferences == wanted
    huge = client.put("/console/preferences/", {"x": "y" * 30_000}, content_type="application/json")
    assert huge.status_code == 400


class TestPixels:
    """Numbers for the browser, addressed by their content."""

    @pytest.fixture
    def stamps(self):
        stamps = np.arange(4 * 7 * 7, dtype=np.float16).reshape(4, 7, 7)
        stamps[0, 0, 0] = np.nan
        return stamps

    @pytest.fixture
    def address(self, stamps):
        path = store.put(cutouts.to_npz(stamps))
        return f"/console/pixels/{path.rpartition('/')[2]}.bin"

    def test_they_come_as_they_were_cut_and_are_kept_for_ever(
        self, client, viewer, stamps, address
    ):
        client.force_login(viewer)
        response = client.get(address)
        got = np.frombuffer(response.content, "<f2").reshape(4, 7, 7)
        np.testing.assert_array_equal(got, stamps)
        assert response["Cache-Control"] == "private, max-age=31536000, immutable"
        again = client.get(address, headers={"If-None-Match": response["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_a_stranger_gets_none(self, client, address):
        assert client.get(address).status_code == 401
        client.force_login(factories.make_user())
        assert client.get(address).status_code == 403

    def test_pixels_that_have_gone_are_told_in_words(self, client, viewer, address, product_files):
        client.force_login(viewer)
        (kept,) = (product_files / "cas").glob("*/*")
        kept.write_bytes(b"other bytes")
        assert client.get(address).status_code == 404
        kept.unlink()
        response = client.get(address)
        assert (response.status_code, response.json()["code"]) == (404, "gone")
        assert "have gone" in response.json()["error"]

    def test_no_other_stored_file_is_shown(self, client, viewer):
        client.force_login(viewer)
        name = store.put(b"a raw frame").rpartition("/")[2]
        assert client.get(f"/console/pixels/{name}.bin").status_code == 404
        assert client.get("/console/pixels/../secret.bin").status_code == 404


def test_a_page_may_ask_for_alike_items_whatever_the_order_of_the_queue(talk, queue):
    tasks = factories.make_tasks(6)
    star, ghost = np.array([5, 0, 1], np.float16), np.array([0, 5, 1], np.float16)
    for task, look in zip(tasks, (star, ghost, ghost, star, None, star), strict=True):
        Detection.objects.filter(pk=task.detection_id).update(embedding=look)
    _, answer = talk(LEASE, {"n": 3, "alike": True})
    keys = [str(task.pk) for task in tasks]
    assert [keys.index(item["task"]) for item in answer["items"]] == [0, 3, 5]
    queue.refresh_from_db()
    assert queue.order == "priority"
