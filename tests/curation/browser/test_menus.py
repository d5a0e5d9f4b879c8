"""The head of console and admin: menus by keyboard and mouse, and a way out of them."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests import factories
from tests.browsers import complaints_of, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def open_menus(browser):
    return [
        menu.text for menu in browser.find_elements(By.CSS_SELECTOR, "details.menu[open] summary")
    ]


def summaries(browser):
    found = browser.find_elements(By.CSS_SELECTOR, "details.menu > summary")
    return {summary.text: summary for summary in found}


@pytest.mark.parametrize("path", ["/console/", "/admin/"])
def test_one_menu_is_open_at_a_time_and_escape_gives_the_focus_back(
    browser, live_server, client, path
):
    client.force_login(factories.make_user("olga", group="operator", is_staff=True))
    sign_in(browser, client, live_server.url)
    browser.get(f"{live_server.url}{path}")
    menus = summaries(browser)
    menus["Sky"].send_keys(Keys.ENTER)
    assert open_menus(browser) == ["Sky"]
    menus["Quality"].click()
    assert open_menus(browser) == ["Quality"]
    menus["Quality"].send_keys(Keys.ESCAPE)
    assert not open_menus(browser)
    assert browser.switch_to.active_element == menus["Quality"]
    menus["olga · admin"].click()
    browser.find_element(By.TAG_NAME, "h1" if path == "/admin/" else "h2").click()
    assert not open_menus(browser)
    assert not complaints_of(browser)
