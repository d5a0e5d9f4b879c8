"""Filtered queues have an index each, so that a rare task is found at once."""

import pytest
from django.db import connection
from django.utils import timezone

from curation import leases, queue_indexes
from curation.models import ReviewQueue, ReviewTask
from curation.parameters import ReviewPolicy
from tests import factories

pytestmark = pytest.mark.django_db


def indexes():
    return queue_indexes._names()


def plan_of(queue, person):
    rows = leases.available(queue, person, timezone.now()).in_order(queue.order)[:1]
    return rows.explain()


def test_a_queue_gives_the_same_tasks_with_its_index_as_without(curator):
    tasks = factories.make_tasks(400)
    rare = [tasks[number].pk for number in (100, 250, 399)]
    ReviewTask.objects.filter(pk__in=rare).update(near_galaxy=True)
    queue = ReviewQueue.objects.create(
        slug="hosted", name="Hosted", order="score", filter={"near_galaxy": True}
    )
    before = leases.take(queue, curator, ReviewPolicy(), number=5).tasks
    leases.release(curator, before, ReviewPolicy())
    assert len(queue_indexes.renew()) == 1
    assert leases.take(queue, curator, ReviewPolicy(), number=5).tasks == before == rare


@pytest.mark.parametrize(
    "wanted",
    [
        {"surveys": ["01a1ff5f-2537-7437-b7f4-89cf6a9ef5f1"]},
        {"bands": ["r", "100%"]},
        {"classes": ["supernova", "transient"], "score_min": 0.25, "score_max": 0.75},
        {"without_flags": ["dipole", "edge"]},
        {"near_galaxy": False, "only_new_objects": True, "snr_max": 3.5},
    ],
)
@pytest.mark.parametrize("order", ["score", "priority", "learning", "oldest", "similarity"])
def test_every_filter_and_order_has_an_index_that_serves_it(curator, wanted, order):
    queue = ReviewQueue.objects.create(slug="x", name="x", order=order, filter=wanted)
    (name,) = queue_indexes.renew()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert name in plan_of(queue, curator)
    assert queue_indexes.renew() == []


def test_indexes_come_and_go_with_their_queues(client, operator):
    client.force_login(operator)
    fields = {
        "name": "Bright", "slug": "bright", "is_active": "on", "position": 1, "order": "score",
        "votes_required": 1, "gold_share": 0, "fake_share": 0, "near_galaxy": "",
    }  # fmt: skip
    assert (
        client.post("/admin/curation/reviewqueue/add/", {**fields, "snr_min": 20}).status_code
        == 302
    )
    (first,) = indexes()
    queue = ReviewQueue.objects.get(slug="bright")
    page = f"/admin/curation/reviewqueue/{queue.pk}/"
    client.post(f"{page}change/", {**fields, "snr_min": 30})
    (second,) = indexes()
    assert second != first
    client.post(f"{page}change/", {**fields, "snr_min": 30, "is_active": ""})
    assert indexes() == set()
    client.post(f"{page}change/", {**fields, "snr_min": 30})
    client.post(f"{page}delete/", {"post": "yes"})
    assert indexes() == set()
    assert not ReviewQueue.objects.filter(slug="bright").exists()
