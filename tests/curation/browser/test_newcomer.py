"""A curator's first evening: from the sign-in to fifty verdicts, and no mouse."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from curation.models import ValidationEvent
from tests import factories
from tests.browsers import complaints_of, hosts_asked
from tests.curation.browser.conftest import shown, tasks_with_pixels, until, until_painted

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "stars and moons"  # noqa: S105
VERDICTS = 50


def type_into(browser, *keys):
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def names_on(browser, selector):
    return {one.text for one in browser.find_elements(By.CSS_SELECTOR, selector)}


def test_from_the_sign_in_to_fifty_verdicts_without_a_mouse_or_a_manual(browser, live_server):
    person = factories.make_user("nova", group="curator", is_staff=True, password=PASSWORD)
    tasks_with_pixels(VERDICTS)
    browser.get(live_server.url)
    # the cursor stands in the first field
    type_into(browser, "nova", Keys.TAB, PASSWORD, Keys.ENTER)
    until(browser, lambda page: "/console/" in page.current_url and "login" not in page.current_url)
    until(browser, lambda page: page.find_elements(By.CSS_SELECTOR, "a kbd"))
    assert "Start Enter" in names_on(browser, "a")  # the page says what to press
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ENTER)
    until(browser, lambda page: "/console/review/" in page.current_url)
    until_painted(browser)
    # so do the buttons of the review page
    assert {"B", "Q", "R"} <= names_on(browser, "button kbd")
    for number in range(VERDICTS):
        before = shown(browser)
        browser.find_element(By.TAG_NAME, "body").send_keys("rb"[number % 2])
        if number < VERDICTS - 1:
            until(browser, lambda page, gone=before: shown(page) != gone)
    until(browser, lambda _: ValidationEvent.objects.count() == VERDICTS)
    said = ValidationEvent.objects.filter(validator=person)
    assert said.count() == VERDICTS
    assert said.filter(is_valid=True).count() == VERDICTS / 2
    assert said.values("detection").distinct().count() == VERDICTS
    assert all(event.ms_spent > 0 and event.shown_fields for event in said)
    assert hosts_asked(browser) == {"localhost"}
    assert not complaints_of(browser)
