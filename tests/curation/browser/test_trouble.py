"""Servers that die, answers that get lost, items that are gone: nothing said is lost."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from django.conf import settings
from django.core.files.storage import storages
from selenium.webdriver.common.by import By

from astrid.core import store
from curation.models import ValidationEvent
from detection.models import Detection
from tests.browsers import sign_in
from tests.celery_worker import database_url
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until, until_painted

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """A server of its own process on the database of the test, to be killed and started again."""

    def __init__(self, files):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "DATABASE_URL": database_url(),
            "STORAGE_URL": f"file://{files}",
            "SECRET_KEY": settings.SECRET_KEY,
        }

    def start(self):
        words = ["-m", "gunicorn", "astrid.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        options = ["--threads", "4", "--log-level", "error"]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, *words, *options], env=self.environment, start_new_session=True
        )
        until(None, lambda _: self.answers())

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health/live", timeout=40) as answer:  # noqa: S310
                return answer.status == 200
        except OSError:  # refused, cut off, or nothing said in time
            return False

    def kill(self):
        """Leave it no time to say a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(product_files):
    one = Server(product_files)
    one.start()
    yield one
    if one.process.poll() is None:
        one.kill()


def said_once(tasks):
    """Whether each of the detections has one verdict, and nothing else has any."""
    judged = ValidationEvent.objects.order_by("id").values_list("detection", flat=True)
    return sorted(judged) == sorted(task.detection_id for task in tasks)


def test_a_server_that_dies_loses_no_verdict_and_doubles_none(browser, server, client, curator):
    tasks = tasks_with_pixels(24)
    client.force_login(curator)
    sign_in(browser, client, server.url)
    browser.get(f"{server.url}/console/review/")
    until_painted(browser)
    press(browser, "r" * 7)
    server.kill()
    press(browser, "b" * 9)
    trouble = browser.find_element(By.ID, "trouble")
    until(browser, lambda _: "kept in this browser" in trouble.text)
    assert shown(browser) == str(tasks[16].detection_id)
    browser.get("about:blank")  # the page goes, too, with verdicts that nobody has
    server.start()
    browser.get(f"{server.url}/console/review/")
    until_painted(browser)
    assert shown(browser) == str(tasks[16].detection_id)
    press(browser, "r" * 8)
    until(browser, lambda _: ValidationEvent.objects.count() >= 24)
    saved = browser.find_element(By.ID, "saved")
    until(browser, lambda _: saved.text.endswith("All verdicts saved"))
    assert said_once(tasks)
    assert ValidationEvent.objects.filter(is_valid=True).count() == 15


# The first batch reaches the server; its answer never comes back.
LOSE_AN_ANSWER = """
const real = window.fetch;
window.fetch = async (url, options) => {
  const answer = await real(url, options);
  if (url.endsWith("/verdicts/")) {
    window.fetch = real;
    throw new TypeError("the answer was lost on its way");
  }
  return answer;
};
"""


def test_an_answer_that_gets_lost_doubles_no_verdict(review):
    tasks = tasks_with_pixels(6)
    browser = review()
    browser.execute_script(LOSE_AN_ANSWER)
    press(browser, "rbrbr")
    saved = browser.find_element(By.ID, "saved")
    until(browser, lambda _: saved.text.endswith("All verdicts saved"))
    assert said_once(tasks[:5])


def test_a_refused_verdict_is_told_in_place_and_the_queue_goes_on(review):
    archived, other, last = tasks_with_pixels(3)
    browser = review()
    Detection.objects.filter(pk=archived.detection_id).update(status="archived")
    press(browser, "rb")
    notices = browser.find_element(By.ID, "notices")
    until(browser, lambda _: "not saved" in notices.text)
    assert shown(browser) == str(last.detection_id)
    assert said_once([other])
    assert "not saved" in browser.find_element(By.ID, "ribbon").text


def test_pixels_that_have_gone_are_told_in_place_and_the_queue_goes_on(review):
    kept, gone = tasks_with_pixels(2)
    storages[store.ALIAS].delete(Detection.objects.get(pk=gone.detection_id).cutouts_path)
    browser = review()
    press(browser, "r")
    stage = browser.find_element(By.ID, "stage")
    until(browser, lambda _: "have gone" in stage.text)
    press(browser, "b")
    until(browser, lambda _: said_once([kept, gone]))
    event = ValidationEvent.objects.get(detection=gone.detection_id)
    assert "science" not in event.shown_fields


def test_two_browsers_of_two_people_are_never_given_the_same(review, client, second_curator):
    tasks = tasks_with_pixels(60)
    browser = review()
    client.force_login(second_curator)
    lease = "/console/queues/all/lease/"
    body = client.post(lease, {"n": 50, "have": []}, content_type="application/json").json()
    theirs = {item["detection"] for item in body["items"]}
    assert shown(browser) not in theirs
    assert len(theirs) == len(tasks) - 50
