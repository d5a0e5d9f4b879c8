"""From files on disk to a catalog entry, the last steps in a real browser."""

import json
import shutil
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from rich.progress import Progress
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from astrid.inprocess import process
from catalog import config
from catalog.models import AuditLog, CatalogEntry
from curation.models import Alert, ValidationEvent
from detection.models import Detection
from observations.services import ingest_directory
from observations.simulator import simulate_night
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
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


@pytest.fixture
def browser(tmp_path):
    """A fresh Chromium without a window that keeps a log of what it asks for."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def night(tmp_path):
    """A small simulated night, through the pipeline; alerts go out on confirmation."""
    call_command("migrate", verbosity=0)
    config.put("alert_rules", [{"name": "confirmed", "trigger": "confirmed"}])
    simulate_night(tmp_path / "night", seed=5, fields=1, science_epochs=1, size=384)
    ingest_directory(tmp_path / "night")
    with Progress(disable=True) as bars:
        report = process(bars)
    assert not report.failed
    assert Detection.objects.count() >= 3


def hosts_asked(browser):
    """Every host that the browser sent a request to."""
    asked = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(urlsplit(message["params"]["request"]["url"]))
    return {address.hostname for address in asked if address.scheme in ("http", "https", "ws")}


def test_a_curator_judges_by_keyboard_and_the_catalog_follows(browser, live_server, night):
    make_user("ada", password="a long pass phrase", group="curator", is_staff=True)  # noqa: S106
    wait = WebDriverWait(browser, 30)

    browser.get(f"{live_server.url}/")
    browser.find_element(By.NAME, "username").send_keys("ada")
    browser.find_element(By.NAME, "password").send_keys("a long pass phrase\n")
    wait.until(lambda page: page.current_url.endswith("/console/"))
    assert "Newest detections" in browser.page_source

    browser.get(f"{live_server.url}/console/review/")
    for number, key in enumerate("rbr", start=1):
        browser.find_element(By.TAG_NAME, "body").send_keys(key)
        wait.until(lambda _, number=number: ValidationEvent.objects.count() == number)
        wait.until(lambda page: page.execute_script("return document.readyState") == "complete")

    verdicts = list(ValidationEvent.objects.order_by("id").values_list("is_valid", flat=True))
    assert verdicts == [True, False, True]
    judged = {event.detection_id: event.is_valid for event in ValidationEvent.objects.all()}
    statuses = dict(Detection.objects.filter(pk__in=judged).values_list("id", "status"))
    assert statuses == {
        key: "confirmed" if is_valid else "rejected" for key, is_valid in judged.items()
    }
    confirmed = {key for key, is_valid in judged.items() if is_valid}
    objects = Detection.objects.filter(pk__in=confirmed).values_list("sky_object", flat=True)
    assert set(CatalogEntry.objects.values_list("sky_object", flat=True)) == set(objects)
    assert {alert.detection_id for alert in Alert.objects.all()} == confirmed
    assert AuditLog.objects.filter(entity_type="curation.ValidationEvent").count() == 3
    assert hosts_asked(browser) == {urlsplit(live_server.url).hostname}
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
