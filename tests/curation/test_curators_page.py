"""Who sees which figures about curators, and whether they are right."""

import pytest

from astrid.core.ids import new_id
from curation import gold, skill
from curation.curators_page import strength_of
from curation.models import AgreementRun, GoldAnswer, GoldTrial, LabelProbability, Truth
from curation.parameters import ReviewPolicy
from curation.services import judge
from curation.weighing import weigh
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/console/curators/"
MANY = ReviewPolicy(votes_required=3)


def answered(person, operator, truth, verdicts):
    """Let a person answer test items, each of one truth, in these words."""
    for verdict in verdicts:
        item = gold.mark(factories.make_detection(), truth=truth, by=operator)
        trial = GoldTrial.objects.create(
            gold=item, person=person, queue="all", shown_as=item.detection_id
        )
        for word in verdict.split():
            GoldAnswer.objects.create(trial=trial, client_uuid=new_id(), verdict=word)


@pytest.fixture
def judged(curator, second_curator, operator):
    """Ada and ben judge the same six; ada answers ten tests, ben three."""
    for number, task in enumerate(factories.make_tasks(6)):
        for person, is_valid in ((curator, number < 3), (second_curator, number < 4)):
            judge(
                task.detection, by=person, is_valid=is_valid, policy=MANY, ms_spent=1000 + number,
                label="supernova" if is_valid else "artifact", queue="all" if number < 4 else "",
            )  # fmt: skip
    answered(curator, operator, Truth.REAL, ["real"] * 4 + ["bogus", "unsure"])
    answered(curator, operator, Truth.BOGUS, ["bogus"] * 3 + ["real"])
    answered(second_curator, operator, Truth.BOGUS, ["bogus", "bogus", "skipped"])


def test_many_people_are_measured_as_each_one_is(judged, curator, second_curator, operator):
    together = skill.skills_of([curator, second_curator, operator])
    assert together == {
        each.pk: skill.skill_of(each) for each in (curator, second_curator, operator)
    }
    assert together[curator.pk].completeness == skill.Share(4, 6)
    assert together[curator.pk].false_positives == skill.Share(1, 4)
    assert together[curator.pk].median_seconds == 1.0025
    assert together[second_curator.pk].false_positives == skill.Share(0, 2)


def test_operators_see_everybody(client, operator, judged):
    weigh()
    client.force_login(operator)
    page = client.get(PAGE)
    lines = {line.name: line for line in page.context["lines"]}
    assert set(lines) == {"ada", "ben"}
    ada = lines["ada"].completeness
    # Wilson's interval of 4 of 6 by the textbook
    assert (ada.at, ada.low, ada.high) == pytest.approx((66.7, 30.0, 90.3), abs=0.05)
    assert "67% (30 to 90, n = 6)" in page.content.decode()
    assert lines["ben"].completeness.at is None
    assert "no test items yet" in page.content.decode()


def test_curators_see_their_own_figures_only(client, curator, viewer, judged):
    weigh()
    client.force_login(curator)
    page = client.get(PAGE)
    assert [line.name for line in page.context["lines"]] == ["ada"]
    assert "Weigh and measure now" not in page.content.decode()
    client.force_login(viewer)
    page = client.get(PAGE)
    assert page.context["lines"] == []
    assert all(not each.pairs for each in page.context["agreements"])
    assert "ben" not in page.content.decode()


def test_agreement_is_told_over_all_and_per_queue(client, operator, judged):
    run = weigh()
    # of 6 they differ on one; 3 + 4 real of 12 words: kappa is (5/6 - 1/2) / (1/2)
    assert [pair["kappa"] for pair in run.pairs] == [pytest.approx(2 / 3, abs=1e-6)]
    assert {slug: (one["events"], one["detections"]) for slug, one in run.queues.items()} == {
        "all": (8, 4), "": (4, 2),
    }  # fmt: skip
    # outside of queues both said bogus of both: one word alone tells nothing
    assert run.queues[""]["alpha"] is None
    assert run.queues["all"]["pairs"] == [{"people": ["ada", "ben"], "items": 4, "kappa": 0.0}]
    client.force_login(operator)
    page = client.get(PAGE).content.decode()
    for words in ("All verdicts", "All that waits", "Outside of queues", "substantial"):
        assert words in page


def test_each_label_gets_its_probability_where_labels_were_said(judged, operator):
    silent = factories.make_detection()
    judge(silent, by=operator, is_valid=True, label=None, policy=MANY)
    weigh()
    rows = list(LabelProbability.objects.exclude(detection=silent))
    assert len(rows) == 6
    assert all(sum(row.classes.values()) == pytest.approx(1, abs=1e-5) for row in rows)
    assert all(set(row.classes) == {"supernova", "artifact"} for row in rows)
    certain = [row for row in rows if row.probability > 0.9]
    assert certain
    assert all(row.classes["supernova"] > 0.9 for row in certain)
    assert LabelProbability.objects.get(detection=silent).classes is None


def test_an_operator_has_everything_weighed_anew(client, operator, curator, judged):
    client.force_login(curator)
    assert client.post(f"{PAGE}measure/").status_code == 403
    client.force_login(operator)
    assert client.get(f"{PAGE}measure/").status_code == 405
    page = client.post(f"{PAGE}measure/", follow=True)
    assert AgreementRun.objects.get().events == 12
    curator.curator.refresh_from_db()
    assert curator.curator.completeness == pytest.approx(4 / 6)
    assert "weighed" in page.content.decode()


def test_the_page_costs_a_fixed_number_of_queries(
    client, operator, judged, django_assert_max_num_queries
):
    weigh()
    for name in ("dan", "eva", "finn"):
        judge(
            factories.make_detection(), by=factories.make_user(name, group="curator"),
            is_valid=True, label=None, policy=MANY,
        )  # fmt: skip
    client.force_login(operator)
    # beside ten of its own: two for each who is at it now, in case a pause would be good
    with django_assert_max_num_queries(12 + 2 * 5):
        client.get(PAGE)


@pytest.mark.parametrize(
    ("value", "name"),
    [(-0.1, "poor"), (0.3, "fair"), (0.8, "almost perfect"), (1.0, "almost perfect")],
)
def test_agreement_has_a_name(value, name):
    assert strength_of(value) == name
