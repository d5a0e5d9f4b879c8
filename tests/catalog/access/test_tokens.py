"""Tokens of a real issuer beside us: a server with keys of its own."""

import base64
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from catalog.access import issuers, published_keys
from catalog.models import AuditLog, ExternalIdentity
from curation.roles import role_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
SURVEYS = "/api/v1/surveys/"
WRITERS = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
SECRET = "forty characters that two of us know...."  # noqa: S105


@pytest.fixture(scope="module")
def private():
    """A private key of each kind, and another RSA key."""
    return {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "stranger": rsa.generate_private_key(65537, 2048),
    }


@dataclass
class Issuer:
    """What an issuer publishes, and how often it was asked."""

    server: ThreadingHTTPServer
    published: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    answers: bool = True
    says: str | None = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/auth"

    def publish(self, kid, algorithm, key):
        jwk = WRITERS[algorithm].to_jwk(key.public_key(), as_dict=True)
        self.published[kid] = jwk | {"kid": kid, "use": "sig", "alg": algorithm}

    def answer(self, path):
        self.asked.append(path)
        if path == "/auth/.well-known/openid-configuration":
            return {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        return {"keys": list(self.published.values())}

    def claims(self, **changes):
        now = int(time.time())
        plain = {"iss": self.address, "aud": "astrid", "sub": "somebody", "iat": now}
        claims = plain | {"exp": now + 600} | changes
        return {name: value for name, value in claims.items() if value is not None}


@pytest.fixture
def issuer(private, settings, monkeypatch):
    """An issuer that this site believes; it publishes a key of each kind."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.server.issuer
            content = found.answer(self.path)
            self.send_response(200 if found.answers else 500)
            self.end_headers()
            self.wfile.write((found.says or json.dumps(content)).encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.issuer = found = Issuer(server)
    for algorithm in WRITERS:
        found.publish(algorithm, algorithm, private[algorithm])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(published_keys, "UNKNOWN_AGAIN_S", 0.0)
    believe(settings, found)
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def believe(settings, issuer, **more):
    plain = {"issuer": issuer.address, "audience": "astrid", "create_users": True}
    settings.JWT_ISSUERS = json.dumps([plain | {"default_role": "viewer"} | more])


def ask(client, token, path=SURVEYS):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def signed(issuer, private, algorithm="RS256", *, kid=None, key=None, **changes):
    headers = {"kid": kid or algorithm}
    return jwt.encode(issuer.claims(**changes), key or private[algorithm], algorithm, headers)


@pytest.mark.parametrize("algorithm", WRITERS)
def test_a_valid_token_makes_somebody_known_once(client, issuer, private, algorithm):
    for _ in range(2):
        assert ask(client, signed(issuer, private, algorithm)).status_code == 200
    identity = ExternalIdentity.objects.get()
    assert (identity.issuer, identity.subject) == (issuer.address, "somebody")
    assert role_of(identity.user) == "viewer"
    assert not identity.user.has_usable_password()
    assert len(issuer.asked) == 2  # where the keys are, and the keys


def test_the_virtual_observatory_takes_the_same_tokens(client, issuer, private):
    path = "/vo/scs/detections?RA=10&DEC=10&SR=0.1"
    assert client.get(path).status_code == 401
    assert ask(client, signed(issuer, private), path).status_code == 200
    wrong = ask(client, signed(issuer, private, aud="others"), path)
    assert wrong.status_code == 401
    assert "made out for somebody else" in wrong.content.decode()


def test_metrics_take_the_same_tokens(client, issuer, private, settings):
    settings.METRICS_TOKEN = "another"  # noqa: S105
    assert ask(client, signed(issuer, private), "/metrics").status_code == 200
    expired = signed(issuer, private, exp=int(time.time()) - 60)
    answer = ask(client, expired, "/metrics")
    assert answer.status_code == 401
    assert "has expired" in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "others"}, "made out for somebody else"),
        ({"aud": None}, "aud"),
        ({"iss": "https://elsewhere.example"}, "whose tokens are not taken here"),
        ({"iss": None}, "whose tokens are not taken here"),
        ({"exp": 1_000_000_000}, "has expired"),
        ({"exp": None}, "exp"),
        ({"iat": 10_000_000_000}, "not valid yet"),
        ({"nbf": 10_000_000_000}, "not valid yet"),
        ({"iat": None}, "iat"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "names its subject (sub) badly"),
        ({"sub": "a\0b"}, "names its subject (sub) badly"),
    ],
)
def test_claims_that_do_not_fit_are_refused_with_the_reason(
    client, issuer, private, changes, words
):
    answer = ask(client, signed(issuer, private, **changes))
    assert answer.status_code == 401
    assert words in answer.json()["detail"]
    assert not User.objects.exists()


def test_the_key_of_a_stranger_signs_for_nobody(client, issuer, private):
    for kid, words in (("RS256", "not signed by its issuer"), ("other", "publishes no key")):
        answer = ask(client, signed(issuer, private, kid=kid, key=private["stranger"]))
        assert answer.status_code == 401
        assert words in answer.json()["detail"]


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "NONE", "HS256", "HS512", "RS512", "PS256", None, 3])
def test_other_ways_to_sign_are_refused(client, issuer, algorithm):
    header = {"alg": algorithm, "kid": "RS256", "typ": "JWT"}
    for signature in ("", "AAAA"):
        token = f"{encoded(header)}.{encoded(issuer.claims())}.{signature}"
        assert ask(client, token).status_code == 401
    assert not User.objects.exists()


def public_texts(key):
    public = key.public_key()
    yield public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_public_key_is_no_shared_secret(client, issuer, private):
    """The classic confusion: HS256 with the published key as the secret."""
    said = f"{encoded({'alg': 'HS256', 'kid': 'RS256'})}.{encoded(issuer.claims())}"
    for public in public_texts(private["RS256"]):
        digest = hmac.digest(public, said.encode(), "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert ask(client, f"{said}.{signature}").status_code == 401
    issuer.published["oct"] = {
        "kty": "oct",
        "kid": "oct",
        "k": base64.urlsafe_b64encode(SECRET.encode()).decode(),
        "alg": "HS256",
    }
    token = jwt.encode(issuer.claims(), SECRET, "HS256", {"kid": "oct"})
    assert ask(client, token).status_code == 401


def test_a_shared_secret_opens_only_where_it_is_configured(client, issuer, private, settings):
    token = jwt.encode(issuer.claims(), SECRET, "HS256")
    assert ask(client, token).status_code == 401
    believe(settings, issuer, secret=SECRET)
    assert ask(client, token).status_code == 200
    assert ask(client, jwt.encode(issuer.claims(), SECRET + "x", "HS256")).status_code == 401
    assert ask(client, signed(issuer, private)).status_code == 401  # no second way in


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a.b.c",
        "..",
        f"{encoded({'alg': 'RS256'})}.{encoded([1])}.AAAA",
        f"{encoded({'alg': 'RS256', 'kid': 3})}.{encoded({'iss': 'x'})}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{base64.b64encode(b'[' * 6000).decode()}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{encoded({'iss': chr(0xD800)})}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{encoded({'iss': ['x']})}.AAAA",
        "x" * 20_000 + ".b.c",
    ],
)
def test_what_is_no_token_is_refused(client, issuer, token):
    assert ask(client, token).status_code == 401


def test_a_new_key_is_fetched_and_a_withdrawn_one_forgotten(client, issuer, private, monkeypatch):
    assert ask(client, signed(issuer, private)).status_code == 200
    issuer.published.clear()
    issuer.publish("next", "RS256", private["stranger"])
    token = signed(issuer, private, kid="next", key=private["stranger"])
    assert ask(client, token).status_code == 200
    assert ask(client, signed(issuer, private)).status_code == 401


def test_made_up_key_ids_do_not_make_us_ask_each_time(client, issuer, private, monkeypatch):
    monkeypatch.setattr(published_keys, "UNKNOWN_AGAIN_S", 3600.0)
    for number in range(5):
        ask(client, signed(issuer, private, kid=f"made up {number}"))
    assert len(issuer.asked) == 2


def test_an_issuer_that_is_away_lets_nobody_in_but_known_keys_hold(client, issuer, private):
    known = signed(issuer, private)
    assert ask(client, known).status_code == 200
    issuer.answers = False
    answer = ask(client, signed(issuer, private, kid="next"))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "cannot be had" in answer.json()["detail"]
    asked = len(issuer.asked)
    assert ask(client, signed(issuer, private, kid="again")).status_code == 503
    assert len(issuer.asked) == asked
    assert ask(client, known).status_code == 200


@pytest.mark.parametrize("says", ["no JSON", "[]", '{"keys": []}', '{"keys": [{"kty": "x"}]}'])
def test_keys_that_cannot_be_read_let_nobody_in(client, issuer, private, settings, says):
    believe(settings, issuer, jwks_url=f"{issuer.address}/keys")
    issuer.says = says
    assert ask(client, signed(issuer, private)).status_code in (401, 503)
    assert not User.objects.exists()


def test_an_issuer_that_speaks_of_another_is_not_believed(client, issuer, private):
    issuer.says = json.dumps({"issuer": "https://else.example", "jwks_uri": issuer.address})
    assert ask(client, signed(issuer, private)).status_code == 503


class TestPeople:
    def test_nobody_gets_an_account_unless_the_setting_says_so(
        self, client, issuer, private, settings
    ):
        believe(settings, issuer, create_users=False)
        answer = ask(client, signed(issuer, private))
        assert answer.status_code == 401
        assert "ask an operator to link an account" in answer.json()["detail"]
        assert not User.objects.exists()

    def test_an_account_that_is_linked_by_hand_keeps_its_role(
        self, client, issuer, private, settings
    ):
        believe(settings, issuer, create_users=False, role_claim="role", roles={"boss": "admin"})
        user = make_user("vic", group="viewer")
        ExternalIdentity.objects.create(user=user, issuer=issuer.address, subject="somebody")
        assert ask(client, signed(issuer, private, role="boss")).status_code == 200
        assert role_of(User.objects.get()) == "viewer"

    def test_the_role_follows_a_claim_by_the_whitelist(self, client, issuer, private, settings):
        believe(
            settings,
            issuer,
            role_claim="realm_access.roles",
            roles={"astronomer": "curator", "chief": "researcher"},
            default_role="",
        )
        told = [["astronomer"], ["chief", "astronomer", "admin"], ["admin", "superuser"], "chief"]
        roles = []
        for each in told:
            ask(client, signed(issuer, private, realm_access={"roles": each}))
            roles.append(role_of(User.objects.get()))
        assert roles == ["curator", "researcher", "", "researcher"]
        ask(client, signed(issuer, private, realm_access=[]))
        assert role_of(User.objects.get()) == ""
        entries = AuditLog.objects.filter(entity_type="auth.User_groups")
        assert {entry.user_id for entry in entries} == {f"issuer:{issuer.address}"}

    def test_a_name_or_an_address_takes_no_account_over(self, client, issuer, private):
        victim = make_user("vera", email="vera@example.org", is_superuser=True)
        claims = {
            "sub": "vera",
            "email": victim.email,
            "email_verified": True,
            "preferred_username": "vera",
        }
        assert ask(client, signed(issuer, private, **claims)).status_code == 200
        assert not victim.external_identities.exists()
        assert not ExternalIdentity.objects.get().user.is_superuser

    @pytest.mark.parametrize(
        ("claims", "kept"),
        [
            ({"email_verified": True}, "a@example.org"),
            ({"email_verified": False}, ""),
            ({"email_verified": "true"}, ""),
            ({"user_metadata": {"email_verified": True}}, ""),
        ],
    )
    def test_an_address_is_kept_only_if_the_issuer_vouches_for_it(
        self, client, issuer, private, claims, kept
    ):
        ask(client, signed(issuer, private, email="a@example.org", **claims))
        assert User.objects.get().email == kept

    def test_an_account_that_is_switched_off_stays_so(self, client, issuer, private):
        ask(client, signed(issuer, private))
        User.objects.update(is_active=False)
        answer = ask(client, signed(issuer, private))
        assert answer.status_code == 401
        assert "switched off" in answer.json()["detail"]


GOOD = {"issuer": "https://issuer.example", "audience": "astrid"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nonsense", "Invalid JSON"),
        ([{"issuer": "https://issuer.example"}], "audience"),
        ([GOOD | {"audience": ""}], "issuer and audience must both be given"),
        ([GOOD | {"issuer": "http://issuer.example"}], "it must begin with https://"),
        ([GOOD | {"jwks_url": "file:///etc/passwd"}], "it must begin with https://"),
        ([GOOD | {"secret": "short"}], "shorter than 32 bytes"),
        ([GOOD | {"roles": {"boss": "superuser"}}], "'superuser'] are no roles"),
        ([GOOD | {"create_user": True}], "create_user"),
        ([GOOD | {"leeway_seconds": 1e6}], "it must be 0 to 300"),
        ([GOOD, GOOD], "names an issuer twice"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_at_the_start(settings, given, words):
    settings.JWT_ISSUERS = given if isinstance(given, str) else json.dumps(given)
    with pytest.raises(ImproperlyConfigured):
        issuers.known()
    [error] = issuers.check_issuers()
    assert words in error.msg
    assert "short" not in error.msg or "shorter" in error.msg


def test_without_issuers_no_token_is_taken(client, issuer, private, settings):
    settings.JWT_ISSUERS = "[]"
    assert ask(client, signed(issuer, private)).status_code == 401
