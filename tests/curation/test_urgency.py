"""What curators are asked first, and what chance asks them."""

import uuid
from math import log2

import pytest

from astrid.core.ids import lot_of, new_id
from curation import leases
from curation import policy as policies
from curation.models import ReviewQueue, ReviewTask
from curation.parameters import ReviewOrder
from curation.queue import open_tasks
from curation.services import judge
from curation.urgency import Doubt, doubt_of, entropy, is_audit_turn, urgency
from detection.models import ShadowScore
from tests import factories

NOBODY_BY_CHANCE = ReviewOrder(random_share=0.0)


def take_next(person, policy):
    """Lease the next task of a queue without filter that asks first what teaches most."""
    queue = ReviewQueue.objects.get(slug="all")
    queue.order = "learning"
    (key,) = leases.take(queue, person, policy).tasks
    return ReviewTask.objects.get(pk=key)


def test_a_coin_toss_is_worth_one_bit_and_certainty_none():
    assert (entropy(0.5), entropy(0.0), entropy(1.0)) == (1.0, 0.0, 0.0)
    assert entropy(0.25) == pytest.approx(2 - 0.75 * log2(3))


def test_each_doubt_counts_by_its_weight():
    doubt = Doubt(uncertainty=1.0, disagreement=0.5, novelty=0.0)
    order = ReviewOrder(uncertainty=1.0, disagreement=2.0, novelty=1.0)
    assert urgency(doubt, order) == pytest.approx((1 + 2 * 0.5) / 4)
    assert urgency(doubt, ReviewOrder(uncertainty=0.0, disagreement=0.0, novelty=0.0)) == 0


def test_the_spread_of_the_ensemble_the_shadow_and_novelty_raise_the_doubt():
    sure = doubt_of(0.99)
    assert doubt_of(0.99, spread=0.4).uncertainty == pytest.approx(0.8)
    assert doubt_of(0.99, shadow=0.19).disagreement == pytest.approx(0.8)
    # at 1 the type becomes unknown: half of what is possible
    assert doubt_of(0.99, novelty=1.0).novelty == 0.5
    assert (sure.disagreement, sure.novelty) == (0, 0)


def test_a_draw_is_fair_lasting_and_spread_evenly():
    key = uuid.UUID("01900000-0000-7000-8000-000000000001")
    assert lot_of(key) == lot_of(uuid.UUID(str(key)))
    lots = [lot_of(new_id()) for _ in range(4000)]
    # binomial: 800 +- 25.3; five standard deviations
    assert sum(lot < 0.2 for lot in lots) == pytest.approx(800, abs=127)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.3, 1.0])
def test_the_random_sample_gets_exactly_its_share_of_the_verdicts(share):
    turns = [is_audit_turn(given, share) for given in range(100)]
    assert sum(turns) == round(100 * share)


@pytest.fixture
def detections(db):
    run = factories.make_model_run()
    return [
        factories.make_detection(model_run=run, confidence_score=score)
        for score in (0.99, 0.55, 0.9)
    ]


@pytest.mark.django_db
class TestQueue:
    @pytest.fixture(autouse=True)
    def _no_chance(self, monkeypatch):
        monkeypatch.setitem(policies._sources, ReviewOrder, lambda: NOBODY_BY_CHANCE)

    def test_what_the_network_doubts_comes_first(self, detections, curator, policy):
        open_tasks(detections)
        assert take_next(curator, policy).detection == detections[1]

    def test_what_champion_and_challenger_differ_on_comes_before_that(
        self, detections, curator, policy
    ):
        shadow = factories.make_model_run(
            difference_run=detections[0].model_run.difference_run, is_shadow=True
        )
        ShadowScore.objects.create(
            model_run=shadow, candidate=detections[0].candidate, confidence=0.0
        )
        order = ReviewOrder(random_share=0.0, disagreement=5.0)
        open_tasks(detections, order=order)
        assert take_next(curator, policy).detection == detections[0]

    def test_what_is_unlike_all_that_was_learned_comes_first_where_that_weighs_most(
        self, detections, curator, policy
    ):
        detections[2].novelty = 4.0
        open_tasks(detections, order=ReviewOrder(random_share=0.0, novelty=9.0))
        assert take_next(curator, policy).detection == detections[2]


@pytest.mark.django_db
class TestRandomSample:
    @pytest.fixture(autouse=True)
    def _a_half(self, monkeypatch):
        monkeypatch.setitem(policies._sources, ReviewOrder, lambda: ReviewOrder(random_share=0.5))

    def test_every_second_verdict_goes_to_chance_in_the_order_of_chance(self, curator, policy):
        run = factories.make_model_run()
        open_tasks([factories.make_detection(model_run=run) for _ in range(20)])
        offered = []
        for _ in range(6):
            task = take_next(curator, policy)
            offered.append(task)
            judge(task.detection, by=curator, is_valid=None, label=None, policy=policy)
        drawn = [task for task in offered if task.offered_at]
        assert [task.offered_at is not None for task in offered] == [False, True] * 3
        first = ReviewTask.objects.filter(sampling_weight=2.0).order_by("turn")[: len(drawn)]
        assert list(first) == drawn

    def test_a_batch_holds_its_share_of_the_random_sample(self, curator, policy):
        run = factories.make_model_run()
        open_tasks([factories.make_detection(model_run=run) for _ in range(30)])
        queue = ReviewQueue.objects.get(slug="all")
        batch = leases.take(queue, curator, policy, number=6).tasks
        assert ReviewTask.objects.filter(pk__in=batch, offered_at__isnull=False).count() == 3

    def test_a_queue_with_a_filter_leaves_the_random_sample_alone(self, curator, policy):
        run = factories.make_model_run()
        open_tasks([factories.make_detection(model_run=run) for _ in range(10)])
        queue = ReviewQueue(slug="bright", name="bright", filter={"snr_min": 1.0})
        leases.take(queue, curator, policy, number=6)
        assert not ReviewTask.objects.filter(offered_at__isnull=False).exists()

    def test_what_an_operator_wants_at_once_does_not_wait_for_its_turn(self, curator, policy):
        run = factories.make_model_run()
        open_tasks([factories.make_detection(model_run=run) for _ in range(12)])
        drawn = ReviewTask.objects.filter(sampling_weight=2.0).order_by("-turn").first()
        ReviewTask.objects.filter(pk=drawn.pk).update(priority=5)
        queue = ReviewQueue.objects.get(slug="all")
        assert leases.take(queue, curator, policy).tasks == [drawn.pk]

    def test_a_drawn_task_stands_for_the_inverse_of_its_chance(self, curator):
        run = factories.make_model_run()
        open_tasks([factories.make_detection(model_run=run) for _ in range(20)])
        missed = factories.make_detection(model_run=run, is_audit=True, sampling_weight=37.0)
        open_tasks([missed])
        weights = set(ReviewTask.objects.values_list("sampling_weight", flat=True))
        assert weights == {None, 2.0, 37.0}

    def test_where_one_kind_is_used_up_the_other_follows(self, curator, policy):
        open_tasks([factories.make_detection(is_audit=True, sampling_weight=5.0)])
        assert take_next(curator, policy).offered_at is not None
