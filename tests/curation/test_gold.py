"""Tests that look like any other item: where they stand, what answers do, what skill they show."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from curation import gold, skill
from curation.models import (
    Alert,
    GoldAnswer,
    GoldItem,
    GoldTrial,
    LabelProbability,
    ReviewQueue,
    ReviewTask,
    Truth,
    ValidationEvent,
)
from curation.services import judge
from curation.weighing import weigh
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db
LEASE, VERDICTS = "/console/queues/all/lease/", "/console/verdicts/"


@pytest.fixture
def queue(db):
    queue = ReviewQueue.objects.get(slug="all")
    queue.gold_share = 0.2
    queue.save()
    return queue


@pytest.fixture
def talk(client, curator):
    client.force_login(curator)

    def post(address, body):
        response = client.post(address, body, content_type="application/json")
        assert response.status_code == 200, response.content
        return response.json()

    return post


def make_gold(number, staff):
    """Mark so many detections that wait for nobody; every other one is bogus."""
    detections = [task.detection for task in factories.make_tasks(number)]
    ReviewTask.objects.all().delete()
    for index, detection in enumerate(detections):
        truth = Truth.REAL if index % 2 == 0 else Truth.BOGUS
        gold.mark(detection, truth=truth, by=staff)
    return detections


def event(item, verdict, **more):
    return {
        "uuid": str(uuid.uuid4()), "detection": item["detection"], "verdict": verdict,
        "queue": "all", **more,
    }  # fmt: skip


def test_the_share_is_that_of_the_policy(queue, curator):
    queue.gold_share, queue.fake_share = 0.05, 0.02
    tasks = [uuid.uuid4() for _ in range(20_000)]
    found = gold.places(queue, curator, tasks)
    seen = len(tasks) + len(found.gold) + len(found.fakes)
    # 4 standard errors of a share of 20,000: 4 * sqrt(0.05 / 20000) = 0.006
    assert len(found.gold) / seen == pytest.approx(0.05, abs=0.006)
    assert len(found.fakes) / seen == pytest.approx(0.02, abs=0.004)


def test_places_are_the_same_again_and_others_for_others(queue, curator, second_curator):
    tasks = [uuid.uuid4() for _ in range(500)]
    assert gold.places(queue, curator, tasks) == gold.places(queue, curator, tasks)
    assert gold.places(queue, curator, tasks) != gold.places(queue, second_curator, tasks)


def test_a_queue_without_shares_has_no_tests(curator):
    found = gold.places(ReviewQueue(slug="x"), curator, [uuid.uuid4() for _ in range(100)])
    assert found == gold.Places([], [])


def test_a_test_looks_like_any_other_item_and_a_reload_shows_it_again(talk, queue, operator):
    known = {str(one.pk) for one in make_gold(30, operator)}
    factories.make_tasks(40)
    items = talk(LEASE, {"n": 40})["items"]
    tests = [item for item in items if item["detection"] in known]
    assert len(items) == 40 + len(tests)
    assert tests
    assert len({frozenset(item) for item in items}) == 1
    assert talk(LEASE, {"n": 40})["items"] == items
    beat = talk("/console/heartbeat/", {"tasks": [item["task"] for item in items]})
    assert beat["lost"] == []


def test_an_answer_to_a_test_moves_nothing(talk, queue, operator):
    detections = make_gold(30, operator)
    factories.make_tasks(40)
    before = dict(Detection.objects.values_list("pk", "status"))
    known = {str(one.pk) for one in detections}
    items = [item for item in talk(LEASE, {"n": 40})["items"] if item["detection"] in known]
    events = [event(item, "real", label="supernova", ms_spent=800) for item in items]
    saved = talk(VERDICTS, {"events": events})["results"]
    again = talk(VERDICTS, {"events": events})["results"]
    assert {result["status"] for result in saved} == {"saved"}
    assert {result["status"] for result in again} == {"replayed"}
    assert [result["event"] for result in saved] == [result["event"] for result in again]
    assert GoldAnswer.objects.count() == len(items)
    assert not ValidationEvent.objects.exists()
    assert not Alert.objects.exists()
    assert dict(Detection.objects.values_list("pk", "status")) == before
    assert weigh().events == 0


def test_answers_are_taken_back_and_given_again(talk, queue, operator):
    known = {str(one.pk) for one in make_gold(30, operator)}
    factories.make_tasks(40)
    item = next(i for i in talk(LEASE, {"n": 40})["items"] if i["detection"] in known)
    first = event(item, "real")
    undo = event(item, "withdraw", supersedes=first["uuid"])
    redo = event(item, "bogus", supersedes=undo["uuid"])
    results = talk(VERDICTS, {"events": [first, undo, {**undo, "uuid": str(uuid.uuid4())}, redo]})
    assert [r.get("code", r["status"]) for r in results["results"]] == [
        "saved", "saved", "not_found", "saved",
    ]  # fmt: skip
    assert [each.verdict for each in GoldAnswer.objects.all()] == ["real", "withdrawn", "bogus"]
    assert GoldTrial.objects.get(is_answered=True).shown_as == uuid.UUID(item["detection"])


def test_a_test_that_waits_for_verdicts_again_is_asked_for_its_own_sake(
    talk, queue, operator, curator
):
    known = {str(one.pk): one for one in make_gold(30, operator)}
    factories.make_tasks(40)
    item = next(i for i in talk(LEASE, {"n": 40})["items"] if i["detection"] in known)
    detection = known[item["detection"]]
    ReviewTask.objects.create(detection=detection, score=0.9)
    (result,) = talk(VERDICTS, {"events": [event(item, "real")]})["results"]
    assert result["status"] == "saved"
    assert ValidationEvent.objects.get().detection == detection
    assert not GoldAnswer.objects.exists()


def test_what_still_waits_is_no_test(curator, operator):
    (task,) = factories.make_tasks(1)
    gold.mark(task.detection, truth=Truth.REAL, by=operator)
    assert not gold.unseen(curator, ["staff"]).exists()


def test_bad_answers_are_refused_as_bad_verdicts_are(talk, queue, operator):
    known = {str(one.pk) for one in make_gold(30, operator)}
    factories.make_tasks(40)
    item = next(i for i in talk(LEASE, {"n": 40})["items"] if i["detection"] in known)
    first = event(item, "real")
    events = [event(item, "real", label="kilonova"), first, {**first, "verdict": "bogus"}]
    results = talk(VERDICTS, {"events": events})["results"]
    assert [r.get("code", r["status"]) for r in results] == [
        "unknown_label",
        "saved",
        "uuid_reused",
    ]


@pytest.mark.parametrize("tells", [True, False])
def test_the_queue_says_whether_a_test_is_named_afterwards(talk, queue, operator, tells):
    ReviewQueue.objects.update(show_feedback=tells)
    known = {str(one.pk) for one in make_gold(30, operator)}
    factories.make_tasks(40)
    item = next(i for i in talk(LEASE, {"n": 40})["items"] if i["detection"] in known)
    truth = GoldItem.objects.get(detection=item["detection"]).truth
    (result,) = talk(VERDICTS, {"events": [event(item, truth)]})["results"]
    assert ("right" in result.get("feedback", "")) is tells


def test_nobody_is_tested_with_what_they_judged(queue, curator, operator, policy):
    detections = make_gold(4, operator)
    judge(detections[0], by=curator, is_valid=True, label=None, policy=policy)
    free = gold.unseen(curator, ["staff", "consensus"])
    assert {item.detection_id for item in free} == {one.pk for one in detections[1:]}


def test_what_many_agree_on_becomes_gold_and_nothing_else(curator):
    one, other, third = (task.detection for task in factories.make_tasks(3))
    run = weigh()
    for detection, probability, votes in ((one, 0.995, 6), (other, 0.005, 5), (third, 0.995, 4)):
        LabelProbability.objects.create(
            run=run, detection=detection, probability=probability, votes=votes
        )
    assert (gold.promote(), gold.promote()) == (2, 0)
    assert dict(GoldItem.objects.values_list("detection", "truth")) == {
        one.pk: "real", other.pk: "bogus"
    }  # fmt: skip


def test_staff_mark_detections_as_tests_in_their_list(client, operator, curator):
    (task,) = factories.make_tasks(1)
    form = {"action": "use_as_bogus_test", "_selected_action": [str(task.detection_id)]}
    for person, number in ((curator, 0), (operator, 1)):
        client.force_login(person)
        client.post("/admin/detection/detection/", form)
        assert GoldItem.objects.count() == number
    item = GoldItem.objects.get()
    assert (item.truth, item.origin, item.added_by) == ("bogus", "staff", operator)


def answer(person, detection, truth, verdict, **fields):
    item = GoldItem.objects.create(detection=detection, truth=truth)
    trial = GoldTrial.objects.create(gold=item, person=person, queue="all", shown_as=detection.pk)
    return GoldAnswer.objects.create(trial=trial, client_uuid=uuid.uuid4(), verdict=verdict)


def test_skill_is_counted_over_the_last_answers(curator):
    detections = [task.detection for task in factories.make_tasks(6)]
    said = [
        ("real", "real"), ("real", "real"), ("real", "unsure"),
        ("bogus", "real"), ("bogus", "bogus"), ("bogus", "withdrawn"),
    ]  # fmt: skip
    for detection, (truth, verdict) in zip(detections, said, strict=True):
        answer(curator, detection, truth, verdict)
    found = skill.skill_of(curator)
    assert (found.completeness.hits, found.completeness.number) == (2, 3)
    assert (found.false_positives.hits, found.false_positives.number) == (1, 2)
    assert found.completeness.as_json()["low"] < 2 / 3 < found.completeness.as_json()["high"]


class TestFatigue:
    """When a pause would be good."""

    @pytest.fixture
    def judged_at(self, monkeypatch, curator):
        def judge_once_each(*minutes_ago):
            now = timezone.now()
            for task, ago in zip(factories.make_tasks(len(minutes_ago)), minutes_ago, strict=True):
                monkeypatch.setattr(timezone, "now", lambda ago=ago: now - timedelta(minutes=ago))
                ValidationEvent.objects.create(
                    detection=task.detection, validator=curator, is_valid=True
                )
            monkeypatch.undo()

        return judge_once_each

    def test_half_an_hour_without_a_pause_is_long(self, curator, judged_at):
        judged_at(*range(30, 0, -3))
        assert "30 minutes without a pause" in skill.fatigue_of(curator)

    def test_a_pause_begins_a_new_session(self, curator, judged_at):
        judged_at(40, 37, 34, 31, 5, 3, 1)
        assert skill.fatigue_of(curator) == ""

    def test_more_false_alarms_than_before_are_told(self, curator, judged_at):
        judged_at(4, 2)
        detections = [task.detection for task in factories.make_tasks(16)]
        for detection in detections[:10]:
            answer(curator, detection, "bogus", "bogus")
        GoldAnswer.objects.update(created_at=timezone.now() - timedelta(days=1))
        for detection in detections[10:]:
            answer(curator, detection, "bogus", "real")
        assert "6 of 6 test items that were bogus looked real" in skill.fatigue_of(curator)

    def test_who_did_nothing_is_not_tired(self, curator):
        assert skill.fatigue_of(curator) == ""
