import numpy as np
import pytest
from django.core.management import call_command

from curation import adjudication
from curation.agreement import Votes, dawid_skene
from curation.errors import NotAllowed
from curation.models import AgreementRun, Curator, GoldItem, LabelProbability
from curation.parameters import ReviewPolicy
from curation.services import judge, withdraw
from curation.weighing import weigh
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db
MANY = ReviewPolicy(votes_required=20)


def vote(detection, person, is_valid, **more):
    label = more.pop("label", None)
    return judge(detection, by=person, is_valid=is_valid, label=label, policy=MANY, **more)


@pytest.fixture
def people(curator, second_curator, third_curator):
    return curator, second_curator, third_curator


@pytest.fixture
def judged(people):
    """Six detections; ada and ben agree on all, cleo says the opposite of half."""
    detections = [task.detection for task in factories.make_tasks(6)]
    for number, detection in enumerate(detections):
        is_real = number % 2 == 0
        for person in people[:2]:
            vote(detection, person, is_real)
        vote(detection, people[2], is_real if number < 3 else not is_real)
    return detections


def test_the_probabilities_are_those_of_the_verdicts_in_force(judged):
    run = weigh()
    assert (run.events, run.detections) == (18, 6)
    table = np.array([[1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0], [1, 0, 1, 1, 0, 1]])
    person, item = np.indices(table.shape).reshape(2, -1)
    wanted = dawid_skene(Votes(item, person, table.ravel() == 1)).probability
    rows = {row.detection_id: row for row in LabelProbability.objects.all()}
    found = [rows[detection.pk].probability for detection in judged]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert {row.votes for row in rows.values()} == {3}
    assert [pair["kappa"] for pair in run.pairs if pair["people"] == ["ada", "ben"]] == [1.0]
    assert run.curators["cleo"]["sensitivity"] < run.curators["ada"]["sensitivity"]


def test_weighing_again_gives_the_same_from_the_events_alone(judged):
    weigh()
    before = dict(LabelProbability.objects.values_list("detection", "probability"))
    LabelProbability.objects.all().delete()
    AgreementRun.objects.all().delete()
    Detection.objects.update(validation_confidence=None, human_label="other")
    weigh()
    assert dict(LabelProbability.objects.values_list("detection", "probability")) == before


def test_what_was_withdrawn_or_unsure_weighs_nothing(people):
    one, other = (task.detection for task in factories.make_tasks(2))
    vote(one, people[0], None)
    vote(other, people[0], True)
    assert weigh().events == 1
    withdraw(other, by=people[0], policy=MANY)
    assert (weigh().events, LabelProbability.objects.count()) == (0, 0)


def test_disputes_wait_for_somebody_who_decides(people, operator):
    agreed, *disputed = (task.detection for task in factories.make_tasks(3))
    for detection in (agreed, *disputed):
        vote(detection, people[0], True)
        vote(detection, people[1], detection == agreed)
    assert set(adjudication.cases()) == set(disputed)
    judge(disputed[0], by=operator, is_valid=False, label="dipole", policy=MANY, decides=True)
    assert (disputed[0].status, disputed[0].human_label) == ("rejected", "dipole")
    assert list(adjudication.cases()) == [disputed[1]]


def test_what_the_weighing_leaves_open_is_a_case_though_it_was_settled(people):
    (task,) = factories.make_tasks(1)
    for person in people[:2]:
        vote(task.detection, person, False)
    assert not adjudication.cases().exists()
    weigh()
    LabelProbability.objects.update(probability=0.4)
    assert list(adjudication.cases()) == [task.detection]


def test_only_who_may_decide_decides(judged, people):
    with pytest.raises(NotAllowed, match="ada may judge but not settle disputes"):
        vote(judged[0], people[0], True, decides=True)


def test_the_command_measures_and_makes_gold_of_what_many_agree_on(capsys):
    people = [factories.make_user(group="curator") for _ in range(6)]
    detections = [task.detection for task in factories.make_tasks(8)]
    for number, detection in enumerate(detections):
        for person in people:
            vote(detection, person, number < 4, ms_spent=1500)
    call_command("measure_curators", "--json")
    out = capsys.readouterr().out
    assert '"alpha": 1.0' in out
    truths = dict(GoldItem.objects.values_list("detection", "truth"))
    assert truths == {one.pk: "real" if n < 4 else "bogus" for n, one in enumerate(detections)}
    assert Curator.objects.get(user=people[0]).median_seconds == 1.5
    call_command("measure_curators")
    assert "48 verdicts on 8 detections" in capsys.readouterr().err
