"""Disputes, decided by keyboard in a real browser."""

import pytest
from selenium.webdriver.common.by import By

from curation.models import ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import judge
from curation.weighing import weigh
from tests.browsers import complaints_of, hosts_asked, sign_in
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until, until_painted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def disputes(curator, second_curator):
    """Three detections that two curators disagree on."""
    said = {"label": None, "policy": ReviewPolicy(votes_required=2)}
    detections = [task.detection for task in tasks_with_pixels(3)]
    for detection in detections:
        judge(detection, by=curator, is_valid=True, notes="<i>halo</i>", **said)
        judge(detection, by=second_curator, is_valid=False, **said)
    weigh()
    return detections


def test_a_decision_settles_a_dispute_and_the_next_one_is_there_at_once(
    browser, live_server, client, operator, disputes
):
    client.force_login(operator)
    sign_in(browser, client, live_server.url)
    browser.get(f"{live_server.url}/console/adjudicate/")
    until_painted(browser)
    votes = browser.find_elements(By.CSS_SELECTOR, "#case-votes > li")
    assert ["ada" in votes[0].text, "ben" in votes[1].text] == [True, True]
    assert "<i>halo</i>" in votes[0].text
    assert "probable to be real" in browser.find_element(By.ID, "case-words").text
    first = shown(browser)
    press(browser, "r")
    second = shown(browser)
    assert second != first
    press(browser, "b")
    press(browser, "u")
    assert shown(browser) == second
    press(browser, "5")
    until(browser, lambda _: ValidationEvent.objects.filter(validator=operator).count() == 4)
    words = ValidationEvent.objects.filter(validator=operator).order_by("id")
    assert [(str(each.detection_id), each.verdict, each.decides) for each in words] == [
        (first, "real", True),
        (second, "bogus", True),
        (second, "withdrawn", False),
        (second, "bogus", True),
    ]
    statuses = {}
    for detection in disputes:
        detection.refresh_from_db()
        statuses[str(detection.pk)] = detection.status
    assert (statuses[first], statuses[second]) == ("confirmed", "rejected")
    assert hosts_asked(browser) == {"localhost"}
    assert not complaints_of(browser)
