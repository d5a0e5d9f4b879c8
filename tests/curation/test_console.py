import pytest
from django.urls import reverse

from curation.models import AlertChannel, ReviewTask, ValidationEvent
from curation.queue import open_tasks
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


def posted(page, choice, **more):
    form = page.context["form"]
    names = ("detection", "client_uuid")
    return {**{name: str(form[name].value()) for name in names}, "choice": choice, **more}


def test_home_counts_what_came_in_and_links_to_it(client, curator, queued):
    client.force_login(curator)
    figures = {each.name: each for each in client.get(HOME).context["funnel"]}
    # one science frame and its reference
    assert figures["frames"].number == 2
    assert (figures["candidates"].number, figures["detections"].number) == (3, 3)
    assert (figures["waiting"].number, figures["judged"].number) == (3, 0)
    assert client.get(figures["waiting"].url).status_code == 200
    assert client.get(figures["judged"].url).status_code == 200


def test_home_says_why_runs_failed(client, curator):
    factories.make_preprocess_run(status="failed", error_message="no usable position in HDU 0")
    client.force_login(curator)
    assert "no usable position in HDU 0" in client.get(HOME).content.decode()


def test_home_costs_a_fixed_number_of_queries(
    client, curator, queued, django_assert_max_num_queries
):
    client.force_login(curator)
    with django_assert_max_num_queries(30):
        client.get(HOME)


def test_the_console_asks_for_sign_in(client):
    assert client.get(HOME).status_code == 302
    assert client.get(REVIEW).status_code == 302


def test_a_viewer_may_open_home_but_not_review(client, viewer):
    client.force_login(viewer)
    assert client.get(HOME).status_code == 200
    assert client.get(REVIEW).status_code == 403
    assert client.post(REVIEW, {}).status_code == 403


def test_verdicts_follow_one_another_until_nothing_waits(client, curator, queued):
    client.force_login(curator)
    page = client.get(REVIEW)
    for detection, choice in zip(queued, ("supernova", "bogus", "unsure"), strict=True):
        assert page.context["detection"] == detection
        page = client.post(REVIEW, posted(page, choice), follow=True)
    assert "Nothing waits for you" in page.content.decode()
    states = [(each.verdict, each.label) for each in ValidationEvent.objects.order_by("id")]
    assert states == [("real", "supernova"), ("bogus", None), ("unsure", None)]


def test_a_repeated_post_changes_nothing(client, curator, queued):
    client.force_login(curator)
    body = posted(client.get(REVIEW), "real", ms_spent="900")
    client.post(REVIEW, body)
    client.post(REVIEW, body)
    assert ValidationEvent.objects.get().ms_spent == 900


def test_every_verdict_has_a_key_and_works_without_scripts(client, curator, queued):
    client.force_login(curator)
    page = client.get(REVIEW).content.decode()
    for key in ("r", "b", "?", "1", "2", "3", "4", "5"):
        assert f'data-key="{key}"' in page
    assert page.count('name="choice"') == 8


def test_a_form_without_detection_is_explained(client, curator):
    client.force_login(curator)
    response = client.post(REVIEW, {"choice": "real", "detection": "nonsense"}, follow=True)
    assert "valid UUID" in response.content.decode()


def test_review_costs_a_fixed_number_of_queries(
    client, curator, queued, django_assert_max_num_queries
):
    client.force_login(curator)
    with django_assert_max_num_queries(24):
        client.get(REVIEW)


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
