"""The page on which somebody decides what curators disagree on."""

import pytest

from curation.cases import in_words, weight_in_words
from curation.models import AgreementRun, LabelProbability, ReviewTask, ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import judge
from curation.weighing import weigh
from tests import factories

pytestmark = pytest.mark.django_db

PAGE, CASES, VERDICTS = "/console/adjudicate/", "/console/adjudicate/cases/", "/console/verdicts/"
UUID = "00000000-0000-4000-8000-00000000000{}"
MANY = ReviewPolicy(votes_required=3)


@pytest.fixture
def disputed(curator, second_curator):
    """Three detections: two are disputed, of one both say the same."""
    detections = [task.detection for task in factories.make_tasks(3)]
    for number, detection in enumerate(detections):
        said = {"policy": MANY, "label": None}
        judge(detection, by=curator, is_valid=True, notes="<b>round</b>", ms_spent=1500, **said)
        judge(detection, by=second_curator, is_valid=number == 2, blind=True, **said)
    return detections[:2]


def ask(client, **body):
    return client.post(CASES, body, content_type="application/json")


def say(client, detection, number=1, **fields):
    event = {
        "uuid": UUID.format(number), "detection": str(detection.pk), "verdict": "real",
        "decides": True, **fields,
    }  # fmt: skip
    answer = client.post(VERDICTS, {"events": [event]}, content_type="application/json")
    return answer.json()["results"][0]


def test_the_disputed_ones_come_with_all_that_was_said_and_what_it_weighs(
    client, operator, disputed
):
    weigh()
    client.force_login(operator)
    answer = ask(client, n=5).json()
    assert answer["waiting"] == 2
    assert {item["detection"] for item in answer["items"]} == {str(one.pk) for one in disputed}
    case = answer["items"][0]["case"]
    first, second = case["votes"]
    assert (first["by"], first["verdict"], first["notes"]) == ("ada", "real", "<b>round</b>")
    assert (second["by"], second["verdict"], second["how"]) == ("ben", "bogus", "judged blind")
    assert first["ms_spent"] == 1500
    assert "multiplies the odds of real" in first["weight"]
    assert "divides the odds of real" in second["weight"]
    probability = LabelProbability.objects.get(detection=answer["items"][0]["detection"])
    assert case["probability"] == probability.probability
    assert f"{100 * probability.probability:.0f}% probable" in case["words"]


def test_the_weights_are_those_by_which_the_probability_was_found(disputed):
    run = weigh()
    row = LabelProbability.objects.get(detection=disputed[0])
    ada, ben = run.curators["ada"], run.curators["ben"]
    odds = run.prevalence / (1 - run.prevalence)
    odds *= ada["sensitivity"] / (1 - ada["specificity"])
    odds *= (1 - ben["sensitivity"]) / ben["specificity"]
    # the run keeps six decimals of each
    assert row.probability == pytest.approx(odds / (1 + odds), abs=1e-4)
    times = ada["sensitivity"] / (1 - ada["specificity"])
    assert f"by {times:.1f}." in weight_in_words("real", ada)
    assert "moves nothing" in weight_in_words("unsure", ada)
    assert weight_in_words("real", None) == "Not weighed yet."


def test_what_was_weighed_before_the_last_verdict_says_so(disputed, third_curator):
    assert "have not been weighed yet" in in_words(None, None, 2)
    run = weigh()
    row = LabelProbability.objects.get(detection=disputed[0])
    assert "before the last verdict" not in in_words(run, row, 2)
    judge(disputed[0], by=third_curator, is_valid=True, label=None, policy=MANY)
    assert "before the last verdict" in in_words(run, row, 3)


def test_a_decision_settles_a_case_and_takes_it_off_the_list(client, operator, disputed):
    client.force_login(operator)
    assert say(client, disputed[0])["status"] == "saved"
    disputed[0].refresh_from_db()
    assert disputed[0].status == "confirmed"
    assert ValidationEvent.objects.get(decides=True).validator == operator
    assert ReviewTask.objects.get(detection=disputed[0]).done_at is not None
    left = ask(client).json()
    assert ([item["detection"] for item in left["items"]], left["waiting"]) == (
        [str(disputed[1].pk)], 1,
    )  # fmt: skip


def test_a_case_that_its_queue_calls_settled_may_be_decided(client, operator, disputed):
    ReviewTask.objects.update(done_at="2025-03-01T00:00Z")
    client.force_login(operator)
    assert say(client, disputed[0])["status"] == "saved"


def test_what_is_on_hand_or_was_passed_over_is_not_given_again(client, operator, disputed):
    client.force_login(operator)
    first = str(disputed[0].pk)
    assert len(ask(client, have=[first]).json()["items"]) == 1
    say(client, disputed[0], verdict="skip", reason="not my kind", decides=False)
    assert [item["detection"] for item in ask(client).json()["items"]] == [str(disputed[1].pk)]


def test_who_may_judge_may_not_decide(client, curator, viewer, disputed):
    for person in (curator, viewer):
        client.force_login(person)
        assert client.get(PAGE).status_code == 403
        refused = ask(client)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    client.force_login(curator)
    assert say(client, disputed[0])["status"] == "refused"


def test_cases_cost_a_fixed_number_of_queries(
    client, operator, disputed, django_assert_max_num_queries
):
    weigh()
    client.force_login(operator)
    for number in (1, 2):
        # session, person, rights (2), audit (1 each way), cases, and what an item shows
        with django_assert_max_num_queries(15):
            assert len(ask(client, n=number).json()["items"]) == number


def test_the_page_opens_for_an_operator_and_home_leads_to_it(client, operator, disputed):
    client.force_login(operator)
    page = client.get(PAGE)
    assert page.context["config"]["urls"]["lease"] == CASES
    assert "Why it is open" in page.content.decode()
    assert f'href="{PAGE}">2 to decide' in client.get("/console/").content.decode()


def test_labels_are_named_with_their_probability(disputed):
    run = weigh()
    row = LabelProbability.objects.get(detection=disputed[0])
    row.classes = {"supernova": 0.7, "agn": 0.26, "nova": 0.04}
    assert "By its labels: supernova 70%, agn 26%." in in_words(run, row, 2)
    assert AgreementRun.objects.count() == 1
