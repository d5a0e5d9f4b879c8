import re

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from astrid import csp
from curation.models import AlertChannel, ReviewQueue, ReviewTask
from curation.parameters import ReviewPolicy
from curation.queue import open_tasks
from curation.services import judge
from tests import factories

pytestmark = pytest.mark.django_db

HOME, REVIEW = "/console/", "/console/review/"


@pytest.fixture
def queued(db):
    run = factories.make_model_run()
    detections = [
        factories.make_detection(model_run=run, confidence_score=s) for s in (0.9, 0.8, 0.7)
    ]
    open_tasks(detections)
    return detections


def test_home_shows_what_waits_for_whom(client, curator, viewer, queued):
    client.force_login(curator)
    page = client.get(HOME)
    assert page.context["work"].waiting == 3
    start = re.search(r"<a[^>]*data-start[^>]*>", page.content.decode()).group()
    assert 'href="/console/review/all/"' in start
    client.force_login(viewer)
    page = client.get(HOME)
    assert page.context["work"] is None
    assert "data-start" not in page.content.decode()


def test_home_without_any_exposure_says_what_to_do(client, curator):
    client.force_login(curator)
    page = client.get(HOME)
    assert page.context["funnel"] is None
    assert "No exposure has come in yet" in page.content.decode()


def test_home_tells_disputes_and_since_when_the_oldest_waits(
    client, curator, second_curator, queued
):
    for person, is_valid in ((curator, True), (second_curator, False)):
        judge(queued[0], by=person, is_valid=is_valid, label=None, policy=ReviewPolicy())
    client.force_login(curator)
    page = client.get(HOME).context
    assert page["disputed"] == 1
    assert page["oldest"] == ReviewTask.objects.order_by("id")[0].created_at


def test_home_shows_no_scores_to_somebody_whose_queue_is_blind(client, curator, queued):
    client.force_login(curator)
    assert "0.9000" in client.get(HOME).content.decode()
    ReviewQueue.objects.update(blind=True)
    page = client.get(HOME)
    assert not page.context["promising"]
    assert "0.9000" not in page.content.decode()


def test_home_says_why_runs_failed(client, curator):
    factories.make_preprocess_run(status="failed", error_message="no usable position in HDU 0")
    client.force_login(curator)
    assert "no usable position in HDU 0" in client.get(HOME).content.decode()


def test_home_costs_twelve_queries_at_most(client, curator, queued, django_assert_max_num_queries):
    client.force_login(curator)
    for slug in ("second", "third"):
        ReviewQueue.objects.create(slug=slug, name=slug)
    factories.make_preprocess_run(status="failed", error_message="no usable position in HDU 0")
    with django_assert_max_num_queries(12):
        client.get(HOME)


def test_the_console_asks_for_sign_in(client):
    assert client.get(HOME).status_code == 302
    assert client.get(REVIEW).status_code == 302


def test_a_viewer_may_open_home_but_not_review(client, viewer):
    client.force_login(viewer)
    assert client.get(HOME).status_code == 200
    assert client.get(REVIEW).status_code == 403


def test_the_review_page_offers_the_queues_of_a_person_and_no_other(client, curator, operator):
    mine = ReviewQueue.objects.create(slug="mine", name="Mine")
    mine.curators.add(curator)
    theirs = ReviewQueue.objects.create(slug="theirs", name="Theirs")
    theirs.curators.add(operator)
    client.force_login(curator)
    page = client.get(f"{REVIEW}mine/")
    assert page.context["queue"] == mine
    assert page.context["config"]["urls"]["lease"] == "/console/queues/mine/lease/"
    assert "Mine" in page.content.decode()
    assert "Theirs" not in page.content.decode()
    assert client.get(f"{REVIEW}theirs/").status_code == 404


def test_the_review_page_says_so_when_no_queue_is_open(client, curator):
    ReviewQueue.objects.update(is_active=False)
    client.force_login(curator)
    assert "No review queue is open to you" in client.get(REVIEW).content.decode()


def test_each_verdict_has_a_button_and_a_blind_page_says_that_it_is(client, curator):
    client.force_login(curator)
    page = client.get(REVIEW).content.decode()
    for action in ("real", "bogus", "unsure", "label:supernova", "undo", "redo", "skip"):
        assert f'data-action="{action}"' in page
    assert "Blind" not in page
    ReviewQueue.objects.update(blind=True)
    page = client.get(REVIEW)
    assert "Blind: score and votes are hidden" in page.content.decode()
    assert not {"score", "votes"} & set(page.context["config"]["shown"])


def test_review_costs_a_fixed_number_of_queries(
    client, curator, queued, django_assert_max_num_queries
):
    client.force_login(curator)
    with django_assert_max_num_queries(10):
        client.get(REVIEW)


def test_the_icon_that_browsers_ask_for_is_there(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert finders.find(answer.url.removeprefix("/static/"))


@pytest.mark.parametrize(
    "path",
    [
        REVIEW,
        HOME,
        "/console/curators/",
        "/console/nights/",
        "/console/nights/2025-02-28/",
        "/admin/",
        "/admin/login/",
    ],
)
def test_pages_may_load_from_this_site_only_and_hold_no_script_or_style(
    client, curator, queued, path
):
    client.force_login(curator)
    page = client.get(path, follow=True)
    assert page["Content-Security-Policy"] == csp.POLICY
    assert "unsafe" not in csp.POLICY
    text = page.content.decode()
    assert not re.findall(r"<script(?![^>]*(src=|application/json))", text)
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=", text)


@pytest.mark.parametrize(
    "name",
    [
        "alert",
        "alertchannel",
        "alertrule",
        "delivery",
        "curator",
        "reviewtask",
        "validationevent",
        "validationlabel",
    ],
)
def test_the_lists_of_review_open(client, operator, queued, name):
    client.force_login(operator)
    assert client.get(f"/admin/curation/{name}/").status_code == 200


def test_an_operator_changes_a_priority_in_the_list(client, operator, queued):
    client.force_login(operator)
    task = ReviewTask.objects.get(detection=queued[2])
    address = reverse("admin:curation_reviewtask_change", args=[task.pk])
    client.post(address, {"priority": "5"})
    task.refresh_from_db()
    assert task.priority == 5


def test_a_channels_secret_goes_in_and_never_comes_out(client, operator):
    client.force_login(operator)
    fields = {"name": "hook", "kind": "webhook", "address": "https://x.example/", "is_active": "on"}
    client.post("/admin/curation/alertchannel/add/", {**fields, "secret": "hush hush"})
    channel = AlertChannel.objects.get()
    assert channel.secret == "hush hush"  # noqa: S105
    address = reverse("admin:curation_alertchannel_change", args=[channel.pk])
    assert "hush" not in client.get(address).content.decode()
    client.post(address, {**fields, "name": "hook 2", "secret": ""})
    channel.refresh_from_db()
    assert (channel.name, channel.secret) == ("hook 2", "hush hush")


@pytest.mark.parametrize(
    ("kind", "address"), [("webhook", "ftp://x.example/"), ("email", "not an address")]
)
def test_a_channel_that_cannot_be_written_to_is_refused(client, operator, kind, address):
    client.force_login(operator)
    fields = {"name": "bad", "kind": kind, "address": address, "is_active": "on"}
    response = client.post("/admin/curation/alertchannel/add/", fields)
    assert response.context["adminform"].form.errors
    assert not AlertChannel.objects.exists()
