"""Keys of programs: made on a page, shown once, limited by scopes, revoked."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import config
from catalog.access import keys
from catalog.access.models import ApiKey, KeyKind, ServiceAccount
from catalog.access.scopes import SCOPES
from catalog.models import ExternalIdentity
from tests.factories import make_user

pytestmark = pytest.mark.django_db
SURVEYS = "/api/v1/surveys/"
CONES = "/vo/scs?RA=10&DEC=10&SR=0.1"


def key_for(user, *scopes, **wanted):
    return keys.issue(user, keys.Wanted("a key", scopes, **wanted), by=user)


def ask(client, secret, path=SURVEYS, *, scheme="Token", post=None):
    headers = {"Authorization": f"{scheme} {secret}"}
    if post is None:
        return client.get(path, headers=headers)
    return client.post(path, post, content_type="application/json", headers=headers)


@pytest.fixture
def viewer():
    return make_user("vic", group="viewer")


@pytest.fixture
def curator():
    return make_user("ada", group="curator", is_staff=True)


class TestKeys:
    def test_only_a_hash_is_kept(self, viewer):
        key, secret = key_for(viewer, "read")
        stored = ApiKey.objects.filter(pk=key.pk).values().get()
        assert secret.startswith(keys.START)
        assert len(secret) == len(keys.START) + 64  # 256 bits in hexadecimal
        assert secret not in str(stored)
        assert stored["prefix"] == secret[:15]

    @pytest.mark.parametrize("scheme", ["Token", "Bearer", "bearer"])
    def test_a_key_opens_what_its_owner_may_see(self, client, viewer, scheme):
        _, secret = key_for(viewer, "read")
        assert ask(client, secret, scheme=scheme).status_code == 200
        assert ask(client, secret, "/api/v1/settings/", scheme=scheme).status_code == 403

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"revoked_at": timezone.now()}, "was revoked on"),
            ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expired on"),
        ],
    )
    def test_a_key_that_has_ended_says_so(self, client, viewer, change, words):
        key, secret = key_for(viewer, "read")
        ApiKey.objects.update(**change)
        answer = ask(client, secret)
        assert answer.status_code == 401
        assert f"the key {key.prefix}… {words}" in answer.content.decode()
        assert ask(client, secret, CONES).status_code == 401

    def test_the_key_of_an_account_that_is_switched_off_opens_nothing(self, client, viewer):
        _, secret = key_for(viewer, "read")
        User.objects.update(is_active=False)
        answer = ask(client, secret)
        assert answer.status_code == 401
        assert "switched off" in answer.content.decode()

    @pytest.mark.parametrize(
        "header",
        ["Token", "Token a b", "Token nonsense", "Bearer astrid_0000", "Token \xff\xfe"],
    )
    def test_what_is_no_key_is_refused_with_the_reason(self, client, header):
        answer = client.get(SURVEYS, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]
        assert "key" in answer.content.decode().lower() or "token" in answer.content.decode()

    def test_use_is_noted_once_a_minute(self, client, viewer):
        key, secret = key_for(viewer, "read")
        with CaptureQueriesContext(connection) as first:
            ask(client, secret)
        with CaptureQueriesContext(connection) as second:
            ask(client, secret)
        updates = [sum("UPDATE" in query["sql"] for query in each) for each in (first, second)]
        assert updates == [1, 0]
        long_ago = timezone.now() - timedelta(minutes=2)
        ApiKey.objects.update(last_used_at=long_ago)
        ask(client, secret)
        key.refresh_from_db()
        assert key.last_used_at > long_ago

    def test_keys_hold_for_as_long_as_the_setting_says(self, viewer):
        config.put("access", {"key_days": 5, "longest_key_days": 7, "login_days": 2})
        now = timezone.now()
        lives = [
            key_for(viewer, "read")[0],
            key_for(viewer, "read", days=7)[0],
            keys.sign_in(viewer)[0],
        ]
        assert [round((key.expires_at - now) / timedelta(days=1)) for key in lives] == [5, 7, 2]
        with pytest.raises(keys.BadKey, match="8 days are asked for; a key holds for 1 to 7"):
            key_for(viewer, "read", days=8)

    @pytest.mark.parametrize("scopes", [(), ("read", "magic")])
    def test_a_key_without_a_known_scope_is_not_made(self, viewer, scopes):
        with pytest.raises(keys.BadKey, match=r"is no scope; there are everything, read"):
            key_for(viewer, *scopes)


class TestScopes:
    def test_reading_is_not_writing(self, client, curator):
        _, secret = key_for(curator, "read")
        answer = ask(client, secret, "/api/v1/validation-events/", post={"events": []})
        assert answer.status_code == 403
        assert "'curation:write'; yours has read" in answer.json()["detail"]

    def test_writing_is_not_reading_nor_writing_elsewhere(self, client):
        _, secret = key_for(make_user(group="researcher"), "curation:write")
        events = "/api/v1/validation-events/"
        assert ask(client, secret, events, post={"events": []}).status_code != 403
        assert "'read'" in ask(client, secret, events).json()["detail"]
        refused = ask(client, secret, "/api/v1/exports/", post={})
        assert "'exports:write'" in refused.json()["detail"]

    def test_a_scope_gives_nothing_that_the_owner_may_not(self, client, viewer):
        _, secret = key_for(viewer, *SCOPES)
        answer = ask(client, secret, "/api/v1/validation-events/", post={"events": []})
        assert answer.status_code == 403
        assert "scope" not in answer.content.decode()

    def test_the_virtual_observatory_has_a_scope_of_its_own(self, client, viewer):
        _, reads = key_for(viewer, "read")
        _, asks = key_for(viewer, "vo:read")
        refused = ask(client, reads, CONES)
        assert refused.status_code == 403
        assert "vo:read" in refused.content.decode()
        assert ask(client, asks, CONES).status_code == 200
        assert ask(client, asks).status_code == 403

    def test_metrics_want_their_scope_and_an_owner_who_may_see_jobs(self, client, viewer, settings):
        settings.METRICS_TOKEN = "another"  # noqa: S105
        keys_of = {
            (group, scope): key_for(make_user(group=group), scope)[1]
            for group in ("guest", "viewer")
            for scope in ("read", "metrics:read")
        }
        found = {
            who: ask(client, secret, "/metrics", scheme="Bearer").status_code
            for who, secret in keys_of.items()
        }
        assert found == {
            ("guest", "read"): 403,
            ("guest", "metrics:read"): 403,
            ("viewer", "read"): 403,
            ("viewer", "metrics:read"): 200,
        }
        assert ask(client, "astrid_0", "/metrics", scheme="Bearer").status_code == 401

    def test_a_key_of_few_scopes_gives_itself_back_but_no_others(self, client, viewer):
        other, _ = key_for(viewer, "read")
        _, secret = key_for(viewer, "read")
        assert ask(client, secret, "/api/v1/auth/logoutall/", post={}).status_code == 403
        assert ask(client, secret, "/api/v1/auth/logout/", post={}).status_code == 204
        assert ask(client, secret).status_code == 401
        other.refresh_from_db()
        assert other.state == "valid"


class TestPage:
    def made(self, client, **more):
        given = {"name": "laptop", "days": 10, "scopes": ["read", "vo:read"], **more}
        return client.post(reverse("access:make"), given)

    def test_a_key_is_shown_once_and_works(self, client, viewer):
        client.force_login(viewer)
        page = self.made(client)
        assert "no-store" in page.headers["Cache-Control"]
        secret = page.context["secret"]
        assert secret in page.content.decode()
        again = client.get(reverse("access:keys")).content.decode()
        assert secret not in again
        assert secret[:15] in again
        client.logout()
        assert ask(client, secret).status_code == 200

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"days": 100_000}, "a key holds for 1 to 365"),
            ({"days": 0}, "greater than or equal to 1"),
            ({"scopes": ["magic"]}, "magic is not one of the available choices"),
            ({"scopes": []}, "This field is required"),
            ({"name": ""}, "This field is required"),
        ],
    )
    def test_a_key_that_cannot_be_is_refused_beside_its_field(self, client, viewer, given, words):
        client.force_login(viewer)
        page = self.made(client, **given)
        assert page.status_code == 400
        assert words in page.content.decode()
        assert not ApiKey.objects.exists()

    def test_owners_revoke_their_keys_and_nobody_elses(self, client, viewer, curator):
        mine, _ = key_for(viewer, "read")
        theirs, _ = key_for(curator, "read")
        client.force_login(viewer)
        assert theirs.prefix not in client.get(reverse("access:keys")).content.decode()
        assert client.post(reverse("access:revoke", args=[theirs.pk])).status_code == 404
        page = client.post(reverse("access:revoke", args=[mine.pk]), follow=True)
        assert "opens nothing any more" in page.content.decode()
        states = {key.pk: key.state for key in ApiKey.objects.all()}
        assert states == {mine.pk: "revoked", theirs.pk: "valid"}

    def test_a_service_account_has_keys_a_role_and_no_password(self, client):
        client.force_login(make_user("olga", group="admin", is_staff=True))
        given = {"name": "broker", "purpose": "fetches alerts", "role": "viewer"}
        client.post(reverse("access:make-service"), given)
        account = ServiceAccount.objects.get()
        assert not account.user.has_usable_password()
        assert not account.user.is_staff
        page = self.made(client, service=account.pk)
        key = ApiKey.objects.get()
        assert (key.owner, key.kind, key.created_by.username) == (account.user, "service", "olga")
        client.logout()
        assert ask(client, page.context["secret"]).status_code == 200
        assert ask(client, page.context["secret"], "/api/v1/settings/").status_code == 403

    def test_only_admins_keep_service_accounts(self, client, curator):
        account = keys.make_service("broker", "fetches alerts", "viewer", by=curator)
        client.force_login(curator)
        given = {"name": "other", "purpose": "more", "role": "admin"}
        assert client.post(reverse("access:make-service"), given).status_code == 403
        self.made(client, service=account.pk)
        assert ApiKey.objects.get().owner == curator

    def test_a_name_that_is_taken_is_refused(self, client, viewer):
        client.force_login(make_user("olga", group="admin", is_staff=True))
        given = {"name": viewer.username, "purpose": "more", "role": "viewer"}
        page = client.post(reverse("access:make-service"), given)
        assert "an account is called" in page.content.decode()
        assert not ServiceAccount.objects.exists()


def test_staff_revoke_keys_in_the_admin_and_see_no_hash(client, viewer):
    key, _ = key_for(viewer, "read")
    client.force_login(make_user("olga", group="admin", is_staff=True))
    page = client.get(reverse("admin:catalog_apikey_change", args=[key.pk])).content.decode()
    assert key.prefix in page
    assert key.digest not in page
    listed = reverse("admin:catalog_apikey_changelist")
    client.post(listed, {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.state == "revoked"


def test_only_superusers_let_others_act_as_superusers(client):
    root = make_user("root", is_superuser=True)
    client.force_login(make_user("olga", group="admin", is_staff=True))
    given = {"user": root.pk, "issuer": "https://issuer.example", "subject": "me"}
    page = client.post(reverse("admin:catalog_externalidentity_add"), given)
    assert "Select a valid choice" in page.content.decode()
    assert not ExternalIdentity.objects.exists()


def test_old_keys_of_signing_in_are_dropped_and_others_stay(viewer):
    for kind in KeyKind:
        key_for(viewer, "read", kind=kind)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=31))
    keys.sign_in(viewer)
    kinds = ApiKey.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["login", "personal", "service"]


@pytest.mark.django_db(transaction=True)
def test_tokens_of_before_go_on_as_keys(client):
    """Ends at the newest state, as other tests expect it."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    viewer = make_user("vic", group="viewer")
    _, secret = keys.sign_in(viewer)
    MigrationExecutor(connection).migrate([("catalog", "0027_keys_are_watched")])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_apikey")
    MigrationExecutor(connection).migrate(newest)
    assert ask(client, secret).status_code == 200
    assert ApiKey.objects.get().scopes == ["everything"]
