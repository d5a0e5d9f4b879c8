import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models import Case, F, Func, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from curation import leases
from curation.models import Lease, ReviewQueue, ReviewTask, SkippedTask
from curation.parameters import ReviewPolicy
from curation.services import judge, renew_task
from tests import factories

MANY = 2000  # tries: each takes 50 of 2000 tasks, or finds the other at work on them


@pytest.fixture
def queue(db):
    return ReviewQueue.objects.get(slug="all")


def taken(*args, **options):
    return leases.take(*args, **options).tasks


def keys(tasks):
    return [task.pk for task in tasks]


def test_a_batch_comes_in_order_and_the_next_one_follows_it(queue, curator, policy):
    tasks = factories.make_tasks(10)
    first = taken(queue, curator, policy, number=4)
    assert first == keys(tasks[:4])
    assert taken(queue, curator, policy, number=4, have=first) == keys(tasks[4:8])


def test_a_reload_gives_the_same_batch_again(queue, curator, policy):
    factories.make_tasks(10)
    assert taken(queue, curator, policy, number=4) == taken(queue, curator, policy, number=4)


def test_two_people_hold_no_task_together_unless_two_votes_are_wanted(
    queue, curator, second_curator, third_curator, policy, two_votes
):
    tasks = factories.make_tasks(4)
    mine = taken(queue, curator, policy, number=2)
    theirs = taken(queue, second_curator, policy, number=4)
    assert not set(mine) & set(theirs)
    leases.release(curator, mine, policy)
    leases.release(second_curator, theirs, policy)
    people = (curator, second_curator, third_curator)
    batches = [taken(queue, each, two_votes, number=4) for each in people]
    assert batches == [keys(tasks), keys(tasks), []]


def test_a_queue_may_ask_for_more_votes_than_the_policy(
    queue, curator, second_curator, third_curator, policy
):
    strict = ReviewQueue.objects.create(
        slug="two", name="Two", votes_required=2, filter={"score_min": 0.6}
    )
    tasks = factories.make_tasks(4)  # scores 1, 0.75, 0.5, 0.25
    assert [task.votes_required for task in tasks] == [2, 2, 1, 1]
    assert len(taken(strict, curator, policy, number=4)) == 2
    assert len(taken(strict, second_curator, policy, number=4)) == 2
    assert not taken(strict, third_curator, policy, number=4)
    first = tasks[0].detection
    judge(first, by=curator, is_valid=True, label="supernova", policy=policy)
    assert first.status == "validated"
    judge(first, by=second_curator, is_valid=True, label="supernova", policy=policy)
    assert first.status == "confirmed"
    assert ReviewTask.objects.get(detection=first).done_at


def test_a_rejection_by_one_of_two_still_waits_for_the_other(
    queue, curator, second_curator, two_votes
):
    (task,) = factories.make_tasks(1)
    judge(task.detection, by=curator, is_valid=False, label=None, policy=two_votes)
    assert taken(queue, second_curator, two_votes) == [task.pk]


def test_a_disputed_task_goes_to_a_third_person_one_at_a_time(
    queue, curator, second_curator, third_curator, operator, policy
):
    (task,) = factories.make_tasks(1)
    judge(task.detection, by=curator, is_valid=True, label=None, policy=policy)
    judge(task.detection, by=second_curator, is_valid=False, label=None, policy=policy)
    assert taken(queue, third_curator, policy) == [task.pk]
    assert taken(queue, operator, policy) == []


def test_what_was_judged_or_skipped_is_hidden(queue, curator, second_curator, two_votes):
    tasks = factories.make_tasks(3)
    judge(tasks[0].detection, by=curator, is_valid=True, label=None, policy=two_votes)
    SkippedTask.objects.create(detection=tasks[1].detection, person=curator, reason="too bright")
    renew_task(tasks[1].detection, two_votes)
    assert taken(queue, curator, two_votes, number=3) == [tasks[2].pk]
    assert taken(queue, second_curator, two_votes, number=3) == keys(tasks)


def test_one_page_of_a_queue_by_likeness_holds_one_kind(curator, policy):
    tasks = factories.make_tasks(30)
    random = np.random.default_rng(3)
    kinds = np.eye(3)[np.arange(30) % 3]
    for task, kind in zip(tasks, kinds, strict=True):
        task.detection.embedding = (kind + 0.1 * random.random(3)).astype(np.float16)
        task.detection.save(update_fields=["embedding"])
    alike = ReviewQueue.objects.create(
        slug="alike", name="Alike", order="similarity", filter={"score_min": 0.0}
    )
    first = taken(alike, curator, policy, number=10)
    assert set(first) == {task.pk for task in tasks[::3]}
    assert first[0] == tasks[0].pk
    assert set(taken(alike, curator, policy, number=10, have=first)) == set(keys(tasks[1::3]))


def test_without_embeddings_a_queue_by_likeness_is_one_by_score(curator, policy):
    tasks = factories.make_tasks(5)
    alike = ReviewQueue.objects.create(slug="alike", name="Alike", order="similarity")
    assert set(taken(alike, curator, policy, number=5)) == set(keys(tasks))


def test_an_assigned_task_is_for_one_person(queue, curator, second_curator, policy):
    (task,) = factories.make_tasks(1)
    ReviewTask.objects.update(assigned_to=second_curator)
    assert taken(queue, curator, policy) == []
    assert taken(queue, second_curator, policy) == [task.pk]


def run_out(person):
    past = timezone.now() - timedelta(seconds=1)
    Lease.objects.filter(holder=person).update(ends_at=past)
    ReviewTask.objects.filter(leases__holder=person).update(busy_until=past)


def test_a_heartbeat_renews_and_takes_again_what_nobody_took(
    queue, curator, second_curator, policy
):
    factories.make_tasks(3)
    mine = taken(queue, curator, policy, number=3)
    run_out(curator)
    (theirs,) = taken(queue, second_curator, policy)
    kept = leases.renew(curator, mine, policy)
    assert kept.tasks == [key for key in mine if key != theirs]
    assert kept.ends_at > timezone.now() + timedelta(seconds=590)
    assert leases.renew(second_curator, [theirs], policy).tasks == [theirs]


def test_what_is_released_is_free_at_once(queue, curator, second_curator, policy):
    factories.make_tasks(2)
    mine = taken(queue, curator, policy, number=2)
    assert leases.release(second_curator, mine, policy) == 0
    assert leases.release(curator, mine, policy) == 2
    assert taken(queue, second_curator, policy, number=2) == mine


def test_what_waits_is_counted_for_each_person(queue, curator, second_curator, policy):
    factories.make_tasks(5)
    taken(queue, curator, policy, number=2)
    assert leases.waiting_for(queue, curator) == 5
    assert leases.waiting_for(queue, second_curator) == 3


def test_taking_fifty_costs_as_much_as_taking_one(
    queue, curator, policy, django_assert_num_queries
):
    factories.make_tasks(60)
    with django_assert_num_queries(6):  # a savepoint and its release are two of them
        assert len(taken(queue, curator, policy, number=50)) == 50


def batches_of(queue, person, policy):
    """Give batches until none is left; nothing, where the other is at the rows this very moment."""
    batch = []
    for _ in range(MANY):
        left = ReviewTask.objects.filter(done_at=None).exclude(seen_by__contains=[person.pk])
        if not left.exists():
            return
        batch = leases.take(queue, person, policy, number=50, have=batch).tasks
        if batch:
            yield batch
    raise AssertionError(f"{left.count()} tasks are left that {person} is never given")


def work_through(queue, person, policy, start):
    """Take batches until nothing is left; what is taken stays held."""
    start.wait()
    got = []
    try:
        for batch in batches_of(queue, person, policy):
            got += batch
            # as if judged: out of this person's queue, and done with the last vote
            last = When(votes__gte=policy.votes_required - 1, then=Now())
            with transaction.atomic():
                ReviewTask.objects.filter(pk__in=batch).update(
                    seen_by=Func(F("seen_by"), Value(person.pk), function="array_append"),
                    votes=F("votes") + 1,
                    done_at=Case(last, default=None),
                )
                leases.release(person, batch, policy)
    finally:
        connection.close()
    return got


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("votes", [1, 2])
def test_two_people_at_work_at_the_same_moment_never_get_more_than_the_policy_allows(votes):
    """With one vote wanted each item goes to one of them, with two to both."""
    queue = ReviewQueue.objects.get(slug="all")
    policy = ReviewPolicy(votes_required=votes)
    factories.make_tasks(2000 // votes)
    people = [factories.make_user(group="curator") for _ in range(2)]
    start = threading.Barrier(len(people))
    with ThreadPoolExecutor(len(people)) as pool:
        batches = list(pool.map(lambda each: work_through(queue, each, policy, start), people))
    assert all(len(set(batch)) == len(batch) for batch in batches)
    counts = Counter(key for batch in batches for key in batch)
    assert len(counts) == 2000 // votes
    assert max(counts.values()) <= votes
    if votes == 2:
        assert [len(batch) for batch in batches] == [1000, 1000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("votes", [1, 2])
def test_people_who_take_at_the_same_moment_never_share_more_than_the_policy_allows(votes):
    """Twelve takers, each with a connection of their own, over tasks that are all alike."""
    queue = ReviewQueue.objects.get(slug="all")
    policy = ReviewPolicy(votes_required=votes)
    factories.make_tasks(300)
    people = [factories.make_user(group="curator") for _ in range(6)]
    start = threading.Barrier(len(people))

    def work(person):
        start.wait()
        got = []
        try:
            while batch := leases.take(queue, person, policy, number=7, have=got).tasks:
                got += batch
        finally:
            connection.close()
        return got

    with ThreadPoolExecutor(len(people)) as pool:
        batches = list(pool.map(work, people))
    held = [key for batch in batches for key in batch]
    assert all(len(set(batch)) == len(batch) for batch in batches)
    assert {key: held.count(key) for key in held} == dict.fromkeys(
        ReviewTask.objects.values_list("pk", flat=True), votes
    )
