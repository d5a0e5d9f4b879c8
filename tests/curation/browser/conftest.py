"""A queue with pixels, and a browser that is signed in."""

import time

import numpy as np
import pytest
from django.db import connection
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from astrid.core import store
from detection import cutouts
from detection.models import Detection
from tests import factories
from tests.browsers import let_listeners_go, open_browser, sign_in

SIDE = 31
NORTH_AND_EAST = {"north": [0.0, 1.0], "east": [-1.0, 0.0]}


def pixels(seed):
    """Four planes of sky with a source that is new in the science frame."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    source = 60 * np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    galaxy = 200 * np.exp(-np.hypot(x - 6, y + 3) / 3)
    science, reference = rng.normal(0, 3, (2, SIDE, SIDE)) + galaxy
    difference = rng.normal(0, 4, (SIDE, SIDE)) + source
    return np.array([science + source, reference, difference, difference / 4], np.float16)


def tasks_with_pixels(number):
    """Queue so many detections with pixels of their own; the same give the same."""
    tasks = factories.make_tasks(number)
    detections = [task.detection for task in tasks]
    for seed, detection in enumerate(detections):
        detection.cutouts_path = store.put(cutouts.to_npz(pixels(seed)))
        detection.prediction_metadata = NORTH_AND_EAST
    Detection.objects.bulk_update(detections, ["cutouts_path", "prediction_metadata"])
    run = detections[0].model_run
    run.parameters = {"cutout_px": SIDE}
    run.save()
    return tasks


@pytest.fixture(scope="package")
def chromium(tmp_path_factory):
    """One Chromium for all of these tests: starting it takes longer than most of them."""
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def browser(chromium, live_server):
    """A browser that remembers nothing of the tests before."""
    yield chromium
    chromium.get("about:blank")
    let_listeners_go()
    wait_until_the_server_rests()
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    everything = {"origin": live_server.url, "storageTypes": "all"}
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", everything)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get_log("performance")
    chromium.get_log("browser")


@pytest.fixture
def review(browser, live_server, client, curator):
    """Open the review page as ada; give the browser once the first item is painted."""
    client.force_login(curator)
    sign_in(browser, client, live_server.url)

    def open_page(path="/console/review/"):
        browser.get(live_server.url + path)
        until_painted(browser)
        return browser

    return open_page


def wait_until_the_server_rests():
    """Let the last requests end: the tables are emptied next, and must not be in use."""
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    others = f"{busy} AND pid <> pg_backend_pid() AND state <> 'idle'"
    for _ in range(3):  # a request may lie between two of its statements
        time.sleep(0.1)
        until(None, lambda _: _number(others) == 0)


def _number(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def until(browser, condition):
    """Wait until something holds, for as long as a busy machine needs."""
    return WebDriverWait(browser, 40).until(condition)


def until_painted(browser):
    """Wait until an item is on the screen with its pixels."""
    until(browser, lambda page: page.find_elements(By.CSS_SELECTOR, "#stage[data-state=pixels]"))


def shown(browser):
    """Give the id of the detection on the screen."""
    return browser.find_element(By.ID, "stage").get_attribute("data-item")


def press(browser, keys):
    """Press keys on the page, one after another."""
    browser.find_element(By.TAG_NAME, "body").send_keys(keys)
