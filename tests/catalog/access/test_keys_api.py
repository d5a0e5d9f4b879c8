"""Keys over the API: made, shown once, listed and revoked as on the page of the console."""

import pytest

from catalog.access import keys
from catalog.access.models import ApiKey
from catalog.models import AuditLog
from tests.factories import make_user

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/keys/"


@pytest.fixture
def viewer():
    return make_user("vera", group="viewer")


def header_of(person, *scopes):
    _, secret = keys.issue(person, keys.Wanted("first", scopes), by=person)
    return {"Authorization": f"Token {secret}"}


def make(client, headers=None, **given):
    body = {"name": "laptop", "scopes": ["read"], **given}
    return client.post(KEYS, body, content_type="application/json", headers=headers)


def test_a_key_is_shown_once_opens_what_it_names_and_is_revoked(client, viewer):
    header = header_of(viewer, "everything")
    answer = make(client, header, days=10)
    row = answer.json()
    assert answer.status_code == 201
    assert "no-store" in answer.headers["Cache-Control"]
    assert (row["owner"], row["kind"], row["scopes"]) == (viewer.pk, "personal", ["read"])
    secret = row.pop("key")
    listed = client.get(KEYS, headers=header)
    assert row in listed.json()["results"]
    assert secret not in listed.content.decode()
    assert "digest" not in row
    new = {"Authorization": f"Token {secret}"}
    assert client.get("/api/v1/detections/", headers=new).status_code == 200
    revoked = client.post(f"{KEYS}{row['id']}/revoke/", headers=header)
    assert (revoked.status_code, revoked.json()["revoked_at"] is None) == (200, False)
    refused = client.get("/api/v1/detections/", headers=new)
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked_key")
    logged = AuditLog.objects.filter(entity_id=row["id"], user_id=str(viewer.pk))
    assert sorted(logged.values_list("action", flat=True)) == ["create", "update"]


def test_a_key_that_may_do_little_makes_none_that_may_do_more(client, viewer):
    refused = make(client, header_of(viewer, "read", "curation:write"), scopes=["everything"])
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "pointer", "words"),
    [
        ({"days": 100_000}, "#/days", "a key holds for 1 to 365"),
        ({"days": 0}, "#/days", "greater than or equal to 1"),
        ({"scopes": ["magic"]}, "#/scopes/0", "not a valid choice"),
        ({"scopes": []}, "#/scopes", "may not be empty"),
        ({"name": " "}, "#/name", "may not be blank"),
        ({"service": "no such"}, "#/service", "no such"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_field(client, viewer, given, pointer, words):
    client.force_login(viewer)
    answer = make(client, **given)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (400, pointer)
    assert words in error["detail"]


def test_what_is_anothers_is_not_there(client, viewer):
    other = make_user("otto", group="admin")
    header_of(other, "read")
    client.force_login(viewer)
    assert client.get(KEYS).json()["results"] == []
    theirs = ApiKey.objects.get()
    assert client.post(f"{KEYS}{theirs.pk}/revoke/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.state == "valid"


def test_admins_keep_the_keys_of_service_accounts_and_nobody_else_does(client, viewer):
    olga = make_user("olga", group="admin")
    account = keys.make_service("broker", "fetches alerts", "viewer", by=olga)
    client.force_login(viewer)
    assert make(client, service="broker").status_code == 403
    client.force_login(olga)
    row = make(client, service="broker", scopes=["everything"]).json()
    assert (row["owner"], row["kind"], row["created_by"]) == (account.user.pk, "service", olga.pk)
    assert [one["id"] for one in client.get(KEYS).json()["results"]] == [row["id"]]
    client.logout()
    program = {"Authorization": f"Token {row['key']}"}
    refused = make(client, program)
    assert refused.status_code == 403
    assert "A program makes no keys" in refused.json()["detail"]
