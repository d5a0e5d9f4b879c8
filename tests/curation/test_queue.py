from datetime import timedelta

import pytest
from django.utils import timezone

from curation import leases
from curation.models import Lease, ReviewQueue, ReviewTask
from curation.queue import open_tasks
from curation.services import judge
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(db):
    run = factories.make_model_run()
    scores = (0.6, 0.9, 0.8)
    detections = [factories.make_detection(model_run=run, confidence_score=s) for s in scores]
    open_tasks(detections)
    return detections


@pytest.fixture
def queue(db):
    return ReviewQueue.objects.get(slug="all")


def take_next(person, policy):
    (queue,) = ReviewQueue.objects.all()
    for key in leases.take(queue, person, policy).tasks:
        return ReviewTask.objects.get(pk=key)
    return None


def test_opening_twice_queues_once(three):
    assert open_tasks(three) == 0
    assert ReviewTask.objects.count() == 3


def test_one_thing_in_one_exposure_is_asked_about_once(db):
    thing, exposure = factories.make_sky_object(), factories.make_observation()
    same = {"sky_object": thing, "observation": exposure}
    faint, bright = (factories.make_detection(confidence_score=s, **same) for s in (0.5, 0.9))
    assert open_tasks([faint, bright]) == 1
    assert ReviewTask.objects.get().detection == bright
    # against another reference, later
    assert open_tasks([factories.make_detection(confidence_score=0.95, **same)]) == 0
    # in another exposure
    assert open_tasks([factories.make_detection(sky_object=thing)]) == 1


def test_settled_detections_are_not_queued(db):
    assert open_tasks([factories.make_detection(status="confirmed")]) == 0


def test_the_highest_score_comes_first(three, curator, policy):
    assert take_next(curator, policy).detection == three[1]


def test_two_curators_get_different_tasks_and_a_reload_the_same(
    three, curator, second_curator, policy
):
    mine = take_next(curator, policy)
    theirs = take_next(second_curator, policy)
    assert (mine.detection, theirs.detection) == (three[1], three[2])
    assert take_next(curator, policy) == mine


def test_a_lease_that_ran_out_is_taken_up(three, curator, second_curator, policy):
    task = take_next(curator, policy)
    past = timezone.now() - timedelta(seconds=1)
    Lease.objects.filter(task=task).update(ends_at=past)
    ReviewTask.objects.update(busy_until=past)
    assert take_next(second_curator, policy) == task


def test_what_a_curator_judged_does_not_come_back_to_them(
    three, curator, second_curator, two_votes
):
    judge(three[1], by=curator, is_valid=True, label="supernova", policy=two_votes)
    assert take_next(curator, two_votes).detection == three[2]
    assert take_next(second_curator, two_votes).detection == three[1]


def test_an_empty_queue_gives_nothing(queue, curator, policy):
    assert take_next(curator, policy) is None
    assert leases.waiting_for(queue, curator) == 0
