"""Verdicts over the API: the rules of the pages, one answer per verdict."""

import pytest

from curation.models import ValidationEvent
from tests import factories

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/validation-events/"
UUID = "00000000-0000-4000-8000-00000000000{}"


@pytest.fixture
def token(client, curator):
    """A header that signs the curator in without a session."""
    curator.set_password("a long pass phrase")
    curator.save()
    signed_in = client.post(
        "/api/v1/auth/login/", {"username": "ada", "password": "a long pass phrase"}
    )
    return {"Authorization": f"Token {signed_in.json()['token']}"}


def give(client, *events, **options):
    body = {"events": list(events)}
    return client.post(EVENTS, body, content_type="application/json", **options)


def verdict(detection, number=1, **fields):
    return {
        "uuid": UUID.format(number), "detection": str(detection.pk), "verdict": "real", **fields,
    }  # fmt: skip


def test_each_verdict_is_saved_or_refused_by_itself(client, token):
    first, second = (task.detection for task in factories.make_tasks(2))
    answer = give(
        client,
        verdict(first, label="supernova", confidence="high", notes="new", tags=["host"]),
        verdict(second, 2, verdict="bogus", label="no such label"),
        verdict(second, 3, verdict="bogus"),
        {"uuid": UUID.format(4), "verdict": "perhaps"},
        headers=token,
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["saved", "refused", "saved", "refused"]
    assert [result.get("code") for result in results] == [None, "unknown_label", None, "invalid"]
    event = ValidationEvent.objects.get(pk=results[0]["event"])
    assert (event.label, event.confidence_level, event.notes, event.tags) == (
        "supernova", "high", "new", ["host"],
    )  # fmt: skip
    first.refresh_from_db()
    assert first.status == "confirmed"


def test_a_verdict_sent_again_changes_nothing_and_one_taken_back_counts_no_more(client, token):
    detection = factories.make_tasks(1)[0].detection
    said = verdict(detection)
    for status in ("saved", "replayed"):
        assert give(client, said, headers=token).json()["results"][0]["status"] == status
    back = verdict(detection, 2, verdict="withdraw", supersedes=UUID.format(1))
    assert give(client, back, headers=token).json()["results"][0]["status"] == "saved"
    detection.refresh_from_db()
    assert detection.status == "pending"
    assert ValidationEvent.objects.count() == 2


def test_who_may_only_look_gives_no_verdict(client, viewer):
    detection = factories.make_tasks(1)[0].detection
    client.force_login(viewer)
    assert give(client, verdict(detection)).status_code == 403
    client.logout()
    assert give(client, verdict(detection)).status_code == 401
    assert not ValidationEvent.objects.exists()


def test_only_who_may_settle_disputes_decides(client, curator, operator):
    detection = factories.make_tasks(1)[0].detection
    client.force_login(curator)
    refused = give(client, verdict(detection, decides=True)).json()["results"][0]
    assert (refused["status"], refused["code"]) == ("refused", "not_allowed")
    client.force_login(operator)
    saved = give(client, verdict(detection, 2, decides=True)).json()["results"][0]
    assert saved["status"] == "saved"


@pytest.mark.parametrize(
    ("body", "words"),
    [({}, "events"), ({"events": 3}, "events"), ([], "events"), ({"events": [], "x": 1}, "x")],
)
def test_a_body_that_is_no_batch_is_refused_in_words(client, curator, body, words):
    client.force_login(curator)
    answer = client.post(EVENTS, body, content_type="application/json")
    assert answer.status_code == 400
    assert words in answer.content.decode()
