"""How often one may ask, and what comes of wrong passwords."""

import base64
from datetime import timedelta
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.conf import settings as site
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from catalog import config
from catalog.access import keys, limits, lockout
from catalog.access.models import KeyKind
from catalog.access.parameters import RateParameters
from tests.factories import make_user

pytestmark = pytest.mark.django_db
SURVEYS = "/api/v1/surveys/"
CONES = "/vo/scs?RA=10&DEC=10&SR=0.1"
LOGIN = "/api/v1/auth/login/"


@pytest.fixture(autouse=True)
def _in_one_minute(monkeypatch):
    """Let the clock stand ten seconds before the minute ends."""
    monkeypatch.setattr(limits, "_now_s", lambda: 1_800_000_000 + 50)


def few(**rates):
    config.put("rates", rates)
    limits.remembered.clear()


def key_for(user, *scopes, kind=KeyKind.PERSONAL):
    _, secret = keys.issue(user, keys.Wanted("a key", scopes, kind=kind), by=user)
    return {"Authorization": f"Token {secret}"}


def told(answer):
    names = ("Limit", "Remaining", "Reset")
    return tuple(answer.headers[f"RateLimit-{name}"] for name in names)


def test_each_answer_tells_what_is_left_and_the_one_too_many_is_refused(client):
    few(viewer=2)
    headers = key_for(make_user(group="viewer"), "read", "vo:read")
    answers = [client.get(SURVEYS, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [told(answer) for answer in answers] == [
        ("2", "1", "10"),
        ("2", "0", "10"),
        ("2", "0", "10"),
    ]
    assert answers[-1].headers["Retry-After"] == "10"
    words = "more than 2 such requests within a minute; wait 10 seconds"
    assert answers[-1].json()["detail"] == words
    # another group of addresses has a count of its own
    answers = [client.get(CONES, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "10"
    assert answers[-1].headers["Content-Type"].startswith("application/x-votable+xml")


def test_the_next_minute_begins_anew(client, monkeypatch):
    few(anonymous=1)
    assert [client.get(CONES).status_code for _ in range(2)] == [200, 429]
    monkeypatch.setattr(limits, "_now_s", lambda: 1_800_000_000 + 60)
    assert client.get(CONES).status_code == 200


def test_people_are_counted_by_account_strangers_by_address_services_by_key(client):
    few(anonymous=1, viewer=2, service=1)
    viewer = make_user(group="viewer")
    client.force_login(viewer)
    assert client.get(CONES).status_code == 200
    mine = key_for(viewer, "vo:read")
    assert [client.get(CONES, headers=mine).status_code for _ in range(2)] == [200, 429]
    client.logout()
    assert [client.get(CONES).status_code for _ in range(2)] == [200, 429]
    assert client.get(CONES, REMOTE_ADDR="192.0.2.1").status_code == 200
    service = keys.make_service("broker", "asks", "viewer", by=viewer)
    for _ in range(2):
        headers = key_for(service.user, "vo:read", kind=KeyKind.SERVICE)
        assert [client.get(CONES, headers=headers).status_code for _ in range(2)] == [200, 429]


def test_limits_follow_role_and_group():
    rates = RateParameters()
    assert rates.limit("viewer", "read") == 600
    assert rates.limit("viewer", "write") == 300
    assert rates.limit("viewer", "infer") == 60
    assert rates.limit("superuser", "vo") == rates.limit("admin", "vo") == 3000
    assert RateParameters(guest=1, infer_share=0.01).limit("guest", "infer") == 1


def test_keys_that_open_nothing_are_slowed_down_and_valid_ones_are_not(client):
    few(refused=2)
    wrong = {"Authorization": "Token astrid_0"}
    answers = [client.get(SURVEYS, headers=wrong) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[-1].headers["Retry-After"] == "10"
    bearer = {"Authorization": "Bearer a.b.c"}
    assert client.get(CONES, headers=bearer).status_code == 429
    right = key_for(make_user(group="viewer"), "read")
    assert client.get(SURVEYS, headers=right).status_code == 200


def test_signing_in_is_limited_by_address_whatever_the_name(client):
    few(sign_in=2)
    answers = [client.post(LOGIN, {"username": uuid4().hex, "password": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_without_a_cache_nobody_is_counted_and_the_log_says_so(client, monkeypatch, caplog):
    def away(*_, **__):
        raise RedisAway("no cache")

    few(anonymous=1)
    monkeypatch.setattr(cache, "add", away)
    answers = [client.get(CONES) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "RateLimit-Limit" not in answers[0].headers
    assert "the cache is away" in caplog.text


class TestLockout:
    @pytest.fixture(autouse=True)
    def _quick(self, settings):
        settings.AXES_FAILURE_LIMIT = 3
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

    @pytest.fixture
    def person(self):
        self.password = uuid4().hex
        return make_user(uuid4().hex, password=self.password, is_staff=True, group="viewer")

    def page(self, client, person, password="wrong"):  # noqa: S107
        given = {"username": person.username, "password": password}
        return client.post("/admin/login/", given)

    def test_a_page_says_when_it_ends(self, client, person):
        for _ in range(2):
            assert self.page(client, person).status_code == 200
        pages = [self.page(client, person, password) for password in ("wrong", self.password)]
        end = AccessAttempt.objects.get().attempt_time + timedelta(minutes=15)
        for page in (*pages, self.page(client, person)):  # trying on does not put it off
            assert page.status_code == 429
            text = " ".join(page.content.decode().split())
            assert f"{end:%H:%M:%S} UTC</time></strong>, in 15 minutes." in text
            # the time until then, but for the seconds that this test takes
            assert 15 * 60 - 60 < int(page.headers["Retry-After"]) <= 15 * 60
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
        assert self.page(client, person, self.password).status_code == 302

    def test_the_api_says_so_too(self, client, person):
        given = {"username": person.username, "password": "wrong"}
        answers = [client.post(LOGIN, given) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        right = client.post(LOGIN, given | {"password": self.password})
        assert right.status_code == 429
        assert "wait until" in right.json()["detail"]
        assert 15 * 60 - 60 < int(right.headers["Retry-After"]) <= 15 * 60

    def test_names_and_passwords_sent_to_the_virtual_observatory_count(self, client, person):
        def ask(password):
            pair = base64.b64encode(f"{person.username}:{password}".encode()).decode()
            return client.get(CONES, headers={"Authorization": f"Basic {pair}"})

        assert ask(self.password).status_code == 200
        assert [ask("wrong").status_code for _ in range(3)] == [401, 401, 429]
        locked = ask(self.password)
        assert locked.status_code == 429
        assert "wait until" in locked.content.decode()
        assert 15 * 60 - 60 < int(locked.headers["Retry-After"]) <= 15 * 60

    def test_keys_and_other_addresses_work_on(self, client, person):
        headers = key_for(person, "read")
        for _ in range(4):
            self.page(client, person)
        assert client.get(SURVEYS, headers=headers).status_code == 200
        given = {"username": person.username, "password": self.password}
        elsewhere = client.post("/admin/login/", given, REMOTE_ADDR="192.0.2.1")
        assert elsewhere.status_code == 302

    def test_it_ends_when_enough_of_the_failures_are_old(self):
        now = timezone.now()
        for minutes, agent in ((1, "a"), (5, "b"), (9, "c"), (30, "d")):
            AccessAttempt.objects.create(
                username="vic",
                ip_address="192.0.2.7",
                user_agent=agent,
                failures_since_start=1,
                attempt_time=now - timedelta(minutes=minutes),
            )
            row = AccessAttempt.objects.get(user_agent=agent)
            AccessAttempt.objects.filter(pk=row.pk).update(
                attempt_time=now - timedelta(minutes=minutes)
            )
        assert site.AXES_FAILURE_LIMIT == 3
        # the third youngest failure leaves the quarter of an hour six minutes from now
        assert lockout.ends_at("vic", "192.0.2.7") == now + timedelta(minutes=6)
        assert lockout.ends_at("vic", "192.0.2.8") is None
