"""The contact sheet, in a real browser."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from curation.models import ValidationEvent
from tests.browsers import complaints_of, hosts_asked
from tests.curation.browser.conftest import tasks_with_pixels, until

pytestmark = pytest.mark.django_db(transaction=True)


def cells(browser):
    return browser.find_elements(By.CSS_SELECTOR, "#cells .cell")


def type_keys(browser, *keys):
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def test_a_page_is_bogus_but_for_what_was_marked_and_one_key_commits_it(review):
    tasks = tasks_with_pixels(33)
    browser = review("/console/sheet/")
    assert len(cells(browser)) == 30
    type_keys(browser, Keys.ARROW_RIGHT, " ", Keys.ARROW_DOWN, "2", Keys.ARROW_LEFT, " ", " ")
    until(browser, lambda page: "28 bogus, 2 marked" in page.find_element(By.ID, "commit").text)
    type_keys(browser, Keys.ENTER)
    assert len(cells(browser)) == 3
    until(browser, lambda _: ValidationEvent.objects.count() == 30)
    said = {event.detection_id: event for event in ValidationEvent.objects.all()}
    assert set(said) == {task.detection_id for task in tasks[:30]}
    real = {key: event.label for key, event in said.items() if event.is_valid}
    assert real == {tasks[1].detection_id: None, tasks[7].detection_id: "variable"}
    assert "science" in said[tasks[1].detection_id].shown_fields
    assert said[tasks[20].detection_id].shown_fields == ["difference"]

    type_keys(browser, "u")
    until(browser, lambda page: len(cells(page)) == 30)
    until(browser, lambda page: "28 bogus, 2 marked" in page.find_element(By.ID, "commit").text)
    until(browser, lambda _: ValidationEvent.objects.filter(withdrawn=True).count() == 30)
    assert hosts_asked(browser) == {"localhost"}
    assert not complaints_of(browser)
