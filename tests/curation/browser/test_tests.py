"""Items whose answer is known, as the review page tells of them, and how sure one says to be."""

from datetime import timedelta

import pytest
from django.utils import timezone
from selenium.webdriver.common.by import By

from astrid.core.ids import new_id
from curation import gold
from curation.models import GoldAnswer, GoldTrial, ReviewQueue, ReviewTask, Truth, ValidationEvent
from tests import factories
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def known(operator):
    """Bogus ones whose answer is known, with pixels, out of the queue."""
    tasks = tasks_with_pixels(12)[6:]
    ReviewTask.objects.filter(pk__in=[task.pk for task in tasks]).delete()
    return [gold.mark(task.detection, truth=Truth.BOGUS, by=operator) for task in tasks]


def test_what_was_a_test_is_told_after_the_verdict_where_the_queue_says_so(review, known):
    ReviewQueue.objects.update(gold_share=0.5, show_feedback=True)
    browser = review()
    for _ in range(8):
        press(browser, "r")
    until(browser, lambda _: GoldAnswer.objects.exists())
    notices = until(browser, lambda page: page.find_elements(By.CSS_SELECTOR, "#notices p"))
    assert "A test item, known to be bogus: not right." in notices[0].text
    assert not ValidationEvent.objects.filter(
        detection__in=[each.detection_id for each in known]
    ).exists()


def answer(person, item, verdict, at=None):
    trial = GoldTrial.objects.create(
        gold=item, person=person, queue="x", shown_as=item.detection_id
    )
    made = GoldAnswer.objects.create(trial=trial, client_uuid=new_id(), verdict=verdict)
    if at:
        GoldAnswer.objects.filter(pk=made.pk).update(created_at=at)


def test_more_false_alarms_than_before_bring_the_hint_of_a_pause(review, curator, operator):
    tasks_with_pixels(12)
    long_ago = timezone.now() - timedelta(days=1)
    model_run = factories.make_model_run()
    items = [
        gold.mark(factories.make_detection(model_run=model_run), truth=Truth.BOGUS, by=operator)
        for _ in range(10)
    ]
    for item in items[:5]:
        answer(curator, item, "bogus", long_ago)
    browser = review()
    press(browser, "rbrbr")
    until(browser, lambda _: ValidationEvent.objects.count() == 5)
    assert browser.find_element(By.ID, "hint").text == ""
    for item in items[5:]:
        answer(curator, item, "real")
    press(browser, "rbrbr")
    hint = until(browser, lambda page: page.find_element(By.ID, "hint").text)
    assert hint.startswith("5 of 5 test items that were bogus looked real to you")


def test_how_sure_one_is_goes_along_with_one_verdict(review):
    tasks_with_pixels(3)
    browser = review()
    press(browser, "ccc")
    assert browser.find_element(By.ID, "sure-words").text == "Confidence: high"
    press(browser, "r")
    assert browser.find_element(By.ID, "sure-words").text == ""
    before = shown(browser)
    press(browser, "b")
    assert shown(browser) != before
    until(browser, lambda _: ValidationEvent.objects.count() == 2)
    events = ValidationEvent.objects.order_by("id")
    said = [(event.verdict, event.confidence_level) for event in events]
    assert said == [("real", "high"), ("bogus", None)]
