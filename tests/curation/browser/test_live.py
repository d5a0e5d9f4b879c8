"""Pages follow what happens without being loaded again."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from catalog import jobs
from catalog.attempts import take
from catalog.models import JobType
from curation.parameters import ReviewPolicy
from curation.services import judge
from tests import factories
from tests.browsers import complaints_of, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 60


def says(element, text):
    return lambda page: text in page.find_element(By.ID, element).text


def test_the_overview_and_the_list_of_jobs_follow(browser, live_server, client):
    person = factories.make_user("olga", group="operator", is_staff=True)
    tasks = factories.make_tasks(3)
    client.force_login(person)
    sign_in(browser, client, live_server.url)
    wait = WebDriverWait(browser, PATIENCE_S)

    browser.get(f"{live_server.url}/console/")
    wait.until(says("live-waiting", "3"))
    browser.execute_script("window.isTheSame = true")
    judge(tasks[0].detection, by=person, is_valid=True, label=None, policy=ReviewPolicy())
    wait.until(says("live-waiting", "2"))
    assert browser.execute_script("return window.isTheSame")

    job = jobs.open_job(JobType.INGEST, factories.make_observation())
    browser.get(f"{live_server.url}/admin/catalog/processingjob/")
    wait.until(says("live-rows", "Pending"))
    browser.execute_script("window.isTheSame = document.querySelector('.action-select')")
    take(job)
    wait.until(says("live-rows", "Running"))
    assert browser.execute_script("return window.isTheSame.isConnected")
    assert not complaints_of(browser)
