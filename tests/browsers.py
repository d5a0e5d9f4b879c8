"""A real browser for tests."""

import json
import shutil
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from catalog.live import seats, waking
from catalog.live.hub import HUB

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@contextmanager
def open_browser(profile):
    """A fresh Chromium without a window that keeps a log of what it asks for."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def sign_in(browser, client, site):
    """Give a browser the session of a test client."""
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    given = {"name": cookie.key, "value": cookie.value, "url": site}
    browser.execute_cdp_cmd("Network.setCookie", given)


def let_listeners_go():
    """End what pages listened to in this process: the tables are emptied next."""
    while HUB._reader is not None:
        for seat in list(seats._TAKEN):
            seat.is_over.set()
        HUB.nudge()
        waking._publish()
        time.sleep(0.05)


def hosts_asked(browser):
    """Every host that the browser sent a request to."""
    asked = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(urlsplit(message["params"]["request"]["url"]))
    return {address.hostname for address in asked if address.scheme in ("http", "https", "ws")}


def complaints_of(browser):
    """What the browser found wrong since last time."""
    return [line["message"] for line in browser.get_log("browser") if line["level"] == "SEVERE"]
