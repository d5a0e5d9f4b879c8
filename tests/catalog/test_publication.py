"""Versions of entries: published by whom, superseded by the next, retracted with a reason."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from astrid.core.errors import InvalidTransition
from catalog.models import AuditLog, CatalogEntry
from catalog.publication import NoReason, make_public, retract
from catalog.vo.parameters import VoParameters
from catalog.vo.visible import BY_NAME, Caller
from curation.parameters import ReviewPolicy
from curation.services import judge
from tests import factories
from tests.pages import list_page

pytestmark = pytest.mark.django_db
ENTRIES = "/api/v1/catalog-entries/"


@pytest.fixture
def curator():
    return factories.make_user("ada", group="curator")


@pytest.fixture
def rita():
    return factories.make_user("rita", group="researcher", is_staff=True)


@pytest.fixture
def detection(curator):
    row = factories.make_detection(confidence_score=0.9)
    say(row, curator)
    return row


def say(detection, curator, label="supernova", *, is_valid=True):
    judge(detection, by=curator, is_valid=is_valid, label=label, policy=ReviewPolicy())


def newest():
    return CatalogEntry.objects.get(is_current=True)


def states():
    return list(
        CatalogEntry.objects.order_by("version").values_list("publication_state", flat=True)
    )


def seen_by_guests():
    caller = Caller(factories.make_user(group="guest"), "", VoParameters())
    return [entry.version for entry in BY_NAME["astrid.entries"].rows(caller)]


def test_a_published_version_stays_shown_until_the_next_is_published(detection, curator):
    assert seen_by_guests() == []
    make_public(newest())
    assert (states(), seen_by_guests()) == (["published"], [1])
    assert newest().published_at is not None
    say(detection, curator, "agn")
    assert (states(), seen_by_guests()) == (["published", "draft"], [1])
    make_public(newest())
    assert (states(), seen_by_guests()) == (["superseded", "published"], [2])
    designations = set(CatalogEntry.objects.values_list("designation", flat=True))
    assert designations == {detection.sky_object.designation}


def test_only_the_newest_version_is_published_and_only_once(detection, curator):
    first = newest()
    say(detection, curator, "agn")
    with pytest.raises(InvalidTransition, match="version 2 is to be published instead"):
        make_public(first)
    make_public(newest())
    with pytest.raises(InvalidTransition, match="becomes published only from draft"):
        make_public(newest())
    with transaction.atomic(), pytest.raises(IntegrityError, match="entry_one_published"):
        CatalogEntry.objects.filter(pk=first.pk).update(publication_state="published")


def test_what_is_retracted_says_why_and_a_later_verdict_makes_another_draft(detection, curator):
    entry = newest()
    with pytest.raises(InvalidTransition, match="is draft: only what is published"):
        retract(entry, "a ghost")
    make_public(entry)
    with pytest.raises(NoReason):
        retract(newest(), " ")
    retract(newest(), "a ghost of the bright star")
    row = newest()
    assert (row.publication_state, row.retraction_reason) == (
        "retracted", "a ghost of the bright star",
    )  # fmt: skip
    assert seen_by_guests() == []
    say(detection, curator, "agn")
    assert states() == ["retracted", "draft"]


def test_a_withdrawn_confirmation_takes_back_what_is_published_too(detection, curator):
    make_public(newest())
    say(detection, curator, "agn")
    say(detection, curator, "dipole", is_valid=False)
    assert states() == ["retracted", "retracted"]
    assert newest().retraction_reason == "no verdict confirms it any more"
    assert seen_by_guests() == []


def test_researchers_publish_and_retract_over_the_api_and_curators_do_not(
    client, detection, curator, rita
):
    address = f"{ENTRIES}{newest().pk}/"
    client.force_login(curator)
    assert client.post(f"{address}publish/").status_code == 403
    client.force_login(rita)
    seen = {"If-Match": client.get(address).headers["ETag"]}
    assert (
        client.post(f"{address}publish/", headers=seen).json()["publication_state"] == "published"
    )
    assert client.post(f"{address}publish/", headers=seen).status_code == 412
    assert client.post(f"{address}publish/").status_code == 409
    body = {"content_type": "application/json"}
    assert (
        client.post(f"{address}retract/", {}, **body).json()["errors"][0]["pointer"] == "#/reason"
    )
    row = client.post(f"{address}retract/", {"reason": "a ghost"}, **body).json()
    assert (row["publication_state"], row["retraction_reason"]) == ("retracted", "a ghost")
    logged = AuditLog.objects.filter(entity_id=row["id"], user_id=str(rita.pk))
    assert logged.count() == 2


def test_the_page_of_the_object_shows_versions_and_publishes(client, detection, curator, rita):
    thing = detection.sky_object
    part = reverse("catalog:versions", args=[thing.pk])
    client.force_login(curator)
    assert "Publish" not in client.get(part).content.decode().replace("Publishing", "")
    client.force_login(rita)
    assert part in client.get(reverse("curation:object", args=[thing.pk])).content.decode()
    publish = reverse("catalog:publish", args=[newest().pk])
    assert publish in client.get(part).content.decode()
    page = client.post(publish, follow=True)
    assert "v1 is published." in page.content.decode()
    entries = client.get(reverse("catalog:entries")).content.decode()
    assert reverse("curation:object", args=[thing.pk]) in entries
    address = reverse("catalog:retract", args=[newest().pk])
    assert "Say why" in client.post(address, {"reason": ""}, follow=True).content.decode()
    client.post(address, {"reason": "a <ghost>"})
    assert "a &lt;ghost&gt;" in client.get(part).content.decode()


def test_the_admin_publishes_and_retracts_with_the_reason_beside_the_button(
    client, detection, rita
):
    client.force_login(rita)
    page = list_page(client, CatalogEntry)
    assert 'name="reason"' in page.content.decode()
    address = reverse("admin:catalog_catalogentry_changelist")
    for action, reason, state in (
        ("make_public", "", "published"),
        ("retract", "", "published"),
        ("retract", "a ghost", "retracted"),
    ):
        data = {"action": action, "reason": reason, "_selected_action": [newest().pk]}
        client.post(address, data)
        assert newest().publication_state == state
