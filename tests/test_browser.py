"""From files on disk to a catalog entry, the last steps in a real browser."""

from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from rich.progress import Progress
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from astrid.inprocess import process
from catalog import config
from catalog.models import AuditLog, CatalogEntry
from curation.models import Alert, ValidationEvent
from detection.models import Detection
from observations.services import ingest_directory
from observations.simulator import simulate_night
from tests.browsers import complaints_of, hosts_asked, let_listeners_go, open_browser
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(tmp_path, live_server):
    with open_browser(tmp_path / "profile") as driver:
        yield driver
    let_listeners_go()


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


def test_a_curator_judges_by_keyboard_and_the_catalog_follows(browser, live_server, night):
    make_user("ada", password="a long pass phrase", group="curator", is_staff=True)  # noqa: S106
    wait = WebDriverWait(browser, 30)

    browser.get(f"{live_server.url}/")
    browser.find_element(By.NAME, "username").send_keys("ada")
    browser.find_element(By.NAME, "password").send_keys("a long pass phrase\n")
    wait.until(lambda page: page.current_url.endswith("/console/"))
    assert "Most promising" in browser.page_source

    browser.get(f"{live_server.url}/console/review/")
    wait.until(lambda page: page.find_element(By.ID, "item").is_displayed())
    for key in "rbr":
        browser.find_element(By.TAG_NAME, "body").send_keys(key)
    wait.until(lambda _: ValidationEvent.objects.count() == 3)

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
    assert not complaints_of(browser)
