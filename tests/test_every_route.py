"""Every address of the site, for every role and every kind of key.

Each route of the URL table needs a row below, or is one of those that the admin and the routers
make; a route without is found by the first test.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.urls import URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from catalog.access import keys, limits
from catalog.access.models import ApiKey, KeyKind
from catalog.access.parameters import RateParameters
from catalog.access.scopes import SCOPES
from tests.factories import make_user
from tests.test_role_matrix import (
    GUEST_API,
    NO_ROW,
    PEOPLE_ONLY_API,
    ROLE_ORDER,
    WRITTEN_FROM,
    lowest_of,
)

pytestmark = pytest.mark.django_db
ROLES = ["anonymous", *ROLE_ORDER]
KEYS = ["key", "key without scope", "expired key"]
NOT_STAFF = "viewer who is no staff"
CALLERS = [*ROLES, NOT_STAFF, *KEYS]
DETECTION = f"/console/detections/{NO_ROW}"
PIXELS = f"/console/pixels/{'0' * 64}.bin"
PEOPLE = "app_label=catalog&model_name=externalidentity&field_name=user"
MODEL = f"/admin/detection/model/{NO_ROW}"


@dataclass(frozen=True)
class Row:
    """An address, the lowest role that it opens to, and what a key needs.

    ``scope`` is empty where keys count for nothing: they open no page of people.
    """

    address: str
    lowest: str
    scope: str = ""
    method: str = "get"
    for_staff: bool = False


PUBLIC = [
    Row("/", "anonymous"),
    Row("/favicon.ico", "anonymous"),
    Row("/health/live", "anonymous"),
    Row("/health/ready", "anonymous"),
    Row("/admin/login/", "anonymous"),
    Row("/admin/logout/", "anonymous", method="post"),
    Row("/api/v1/auth/login/", "anonymous", method="post"),
    Row("/api/schema/", "anonymous", "read"),
    Row("/api/docs/", "anonymous", "read"),
]
PAGES = [
    Row("/console/", "guest"),
    Row("/console/catalog/", "guest"),
    Row("/console/catalog/crossmatch/", "guest"),
    Row("/console/catalog/tap/", "guest"),
    Row(f"/console/catalog/tap/{NO_ROW}/abort/", "guest", method="post"),
    Row("/console/keys/", "nobody"),
    Row("/console/keys/make/", "nobody", method="post"),
    Row(f"/console/keys/{NO_ROW}/revoke/", "nobody", method="post"),
    Row("/console/keys/services/make/", "admin", method="post"),
    *(
        Row(f"/console/{page}", lowest)
        for page, lowest in (
            ("review/", "curator"),
            ("review/all/", "curator"),
            ("sheet/", "curator"),
            ("sheet/all/", "curator"),
            ("nights/", "viewer"),
            ("nights/2025-03-01/", "viewer"),
            ("nights/2025-03-01/candidates/", "viewer"),
            ("nights/2025-03-01/candidates.csv", "viewer"),
            ("nights/2025-03-01/candidates.json", "viewer"),
            ("queries/", "viewer"),
            ("queries/new/", "researcher"),
            (f"queries/{NO_ROW}/", "researcher"),
            ("adjudicate/", "researcher"),
            ("curators/", "viewer"),
            (f"objects/{NO_ROW}/", "viewer"),
            (f"catalog/objects/{NO_ROW}/versions/", "viewer"),
            ("analytics/", "guest"),
            ("analytics/report.html", "guest"),
            ("lightcurves/", "guest"),
            ("lightcurves/targets/0/", "guest"),
            ("lightcurves/datasets/0/", "guest"),
            ("lightcurves/datasets/0/points.bin", "guest"),
            ("lightcurves/datasets/0/sparkline.svg", "guest"),
        )
    ),
    *(
        Row(f"{DETECTION}/{page}", "viewer")
        for page in (
            "", "lineage/", "surroundings/", "facts.json", "cutouts.fits", "curve.csv",
            "files/difference.fits",
        )
    ),
    Row(PIXELS, "viewer"),
    Row(f"/pictures/{NO_ROW}/1.png", "viewer"),
    Row(f"{DETECTION}/verdict/", "curator", method="post"),
    Row("/console/curators/measure/", "researcher", method="post"),
    Row("/console/adjudicate/cases/", "researcher", method="post"),
    Row(f"/console/queries/{NO_ROW}/run/", "researcher", method="post"),
    Row(f"/console/queries/{NO_ROW}/delete/", "researcher", method="post"),
    Row(f"/console/catalog/entries/{NO_ROW}/publish/", "researcher", method="post"),
    Row(f"/console/catalog/entries/{NO_ROW}/retract/", "researcher", method="post"),
    Row("/console/queues/all/lease/", "curator", method="post"),
    Row("/console/heartbeat/", "curator", method="post"),
    # these answer each item, or each person, by themselves
    Row("/console/verdicts/", "nobody", method="post"),
    Row("/console/release/", "nobody", method="post"),
    Row("/console/preferences/", "nobody"),
]  # fmt: skip
API = [
    Row("/api/v1/", "nobody", "read"),
    Row("/api/v1/auth/logout/", "nobody", "any", "post"),
    Row("/api/v1/auth/logoutall/", "nobody", "everything", "post"),
    Row("/api/v1/infer", "viewer", "infer:write", "post"),
    # Refused after the rights were looked at: what is open has no end.
    Row("/api/v1/events/?last_event_id=x", "guest", "read"),
    Row(f"/api/v1/exports/{NO_ROW}/file/", "viewer", "read"),
    Row(f"/api/v1/crossmatches/{NO_ROW}/file/", "guest", "read"),
    Row("/api/v1/observations/files/", "admin", "observations:write", "post"),
    Row(f"/api/v1/catalog-entries/{NO_ROW}/publish/", "researcher", "catalog:write", "post"),
    Row(f"/api/v1/catalog-entries/{NO_ROW}/retract/", "researcher", "catalog:write", "post"),
    Row(f"/api/v1/jobs/{NO_ROW}/retry/", "admin", "jobs:write", "post"),
    Row(f"/api/v1/jobs/{NO_ROW}/cancel/", "admin", "jobs:write", "post"),
    Row("/api/v1/lightcurves/datasets/bulk/", "guest", "read"),
    Row(f"/api/v1/lightcurves/datasets/{NO_ROW}/download/", "guest", "read"),
    Row("/api/v1/keys/", "nobody", "read"),
    Row(f"/api/v1/keys/{NO_ROW}/", "nobody", "read"),
    Row(f"/api/v1/keys/{NO_ROW}/revoke/", "nobody", "everything", "post"),
    *(
        Row(f"/api/v1/{table}/{NO_ROW}/{move}/", "admin", scope, "post")
        for table, move, scope in (
            ("alerts", "send-again", "curation:write"),
            ("alerts", "withdraw", "curation:write"),
            ("deliveries", "redeliver", "curation:write"),
            ("deliveries", "cancel", "curation:write"),
            ("drift-alarms", "acknowledge", "detection:write"),
        )
    ),
    Row(f"/api/v1/settings/{NO_ROW}/", "admin", "settings:write", "patch"),
    Row(f"/api/v1/alert-channels/{NO_ROW}/", "admin", "curation:write", "patch"),
    Row("/metrics", "viewer", "metrics:read"),
]
# What is published is for everybody (the setting vo); what is not, for viewers.
VO = [
    *(
        Row(f"/vo/{address}", lowest, "vo:read", method)
        for address, lowest, method in (
            ("scs?RA=1&DEC=1&SR=1", "anonymous", "get"),
            ("scs/entries?RA=1&DEC=1&SR=1", "anonymous", "get"),
            ("scs/detections?RA=1&DEC=1&SR=1", "viewer", "get"),
            ("sia2?MAXREC=0", "viewer", "get"),
            (f"datalink/links?ID={NO_ROW}", "anonymous", "get"),
            (f"files/frame/{NO_ROW}", "viewer", "get"),
            (f"soda/sync?ID={NO_ROW}", "anonymous", "get"),
            ("tap/sync", "anonymous", "post"),
            ("tap/async", "anonymous", "get"),
            (f"tap/async/{NO_ROW}", "anonymous", "get"),
            (f"tap/async/{NO_ROW}/results/result", "anonymous", "get"),
            (f"tap/async/{NO_ROW}/phase", "anonymous", "get"),
            ("tap/capabilities", "anonymous", "get"),
            ("tap/availability", "anonymous", "get"),
            ("tap/tables", "anonymous", "get"),
            ("tap/examples", "anonymous", "get"),
            ("tap/tables/astrid.entries", "anonymous", "get"),
        )
    ),
]
ADMIN = [
    Row(address, lowest, method=method, for_staff=True)
    for address, lowest, method in (
        ("/admin/", "nobody", "get"),
        ("/admin/password_change/", "nobody", "get"),
        ("/admin/password_change/done/", "nobody", "get"),
        (f"/admin/autocomplete/?{PEOPLE}", "admin", "get"),
        ("/admin/jsi18n/", "nobody", "get"),
        ("/admin/r/1/1/", "nobody", "get"),
        ("/admin/auth/", "nobody", "get"),
        ("/admin/no/such/page", "nobody", "get"),
        (f"/admin/auth/user/{NO_ROW}/password/", "admin", "get"),
        (f"/admin/differencing/differencerun/{NO_ROW}/science/1.png", "viewer", "get"),
        (f"/admin/detection/modelrun/{NO_ROW}/a/b/", "viewer", "get"),
        (f"{MODEL}/watch/", "viewer", "get"),
        ("/admin/catalog/systemconfig/part/differencing/", "admin", "get"),
        (f"/admin/catalog/systemconfig/changes/{NO_ROW}/revert/", "admin", "post"),
        # That there is no such row is told first; tests/test_role_matrix.py presses the buttons
        # of rows that there are, and the picture of one that is not to be seen is not there.
        (f"/admin/differencing/referenceimage/{NO_ROW}/1.png", "nobody", "get"),
        (f"/admin/differencing/differencerun/{NO_ROW}/compare/", "viewer", "post"),
        (f"{MODEL}/step/", "nobody", "post"),
    )
]
WRITTEN_DOWN = [*PUBLIC, *PAGES, *API, *VO, *ADMIN]


def routers():
    """Lists and rows of the API."""
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    for name in sorted(names):
        kind = name.rpartition("-")[2]
        if kind not in ("list", "detail"):
            continue
        address = reverse(name, args=[NO_ROW] if kind == "detail" else [])
        if address.startswith("/api/v1/keys/"):
            continue  # everybody has their own
        lowest = "guest" if address.startswith(GUEST_API) else "viewer"
        lowest = "admin" if address.split("/")[3] in PEOPLE_ONLY_API else lowest
        yield Row(address, lowest, "read")


def admin_pages():
    """Pages of the admin for each table, with what they do."""
    for model in admin.site._registry:
        meta = model._meta
        for verb in ("changelist", "add", "history", "delete", "change"):
            row = [] if verb in ("changelist", "add") else [NO_ROW]
            yield model, verb, reverse(f"admin:{meta.app_label}_{meta.model_name}_{verb}", args=row)
        yield model, "old", f"/admin/{meta.app_label}/{meta.model_name}/{NO_ROW}/"


def routes(resolver, before=""):
    for each in resolver.url_patterns:
        route = before + (str(each.pattern).removeprefix("^") if before else str(each.pattern))
        if isinstance(each, URLResolver):
            yield from routes(each, route)
        else:
            yield route


def test_every_route_has_a_row():
    rows = [*WRITTEN_DOWN, *routers()]
    addresses = [row.address for row in rows] + [address for *_, address in admin_pages()]
    covered = {resolve(address.partition("?")[0]).route for address in addresses}
    assert set(routes(get_resolver())) - covered == set()


@pytest.fixture(params=CALLERS)
def caller(request, client, settings, monkeypatch):
    """A kind of caller; the client is signed in as one."""
    settings.METRICS_TOKEN = "only a monitor has it"  # noqa: S105
    rates = RateParameters(anonymous=10**6, viewer=10**6, service=10**6, refused=10**6)
    monkeypatch.setitem(limits.remembered, "rates", (float("inf"), rates))
    sign_in(client, request.param)
    return request.param


def sign_in(client, name):
    """Come in as a kind of caller, once more where the last address ended that."""
    if name in KEYS:
        client.defaults["HTTP_AUTHORIZATION"] = f"Token {key_of(name)}"
    elif name != "anonymous":
        group = "viewer" if name == NOT_STAFF else name
        user = make_user(
            is_staff=name != NOT_STAFF,
            is_superuser=name == "superuser",
            group=group if group not in ("nobody", "superuser") else None,
        )
        client.force_login(user)


def key_of(name):
    account = keys.make_service(uuid4().hex, "asks", "viewer", by=None)
    scopes = ["lightcurves:write"] if name == "key without scope" else {*SCOPES} - {"everything"}
    wanted = keys.Wanted("a key", scopes, kind=KeyKind.SERVICE)
    _, secret = keys.issue(account.user, wanted, by=None)
    if name == "expired key":
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
    return secret


def outcome(answer):
    if answer.status_code in (401, 403):
        return answer.status_code
    is_sent_away = answer.status_code == 302 and "/admin/login/" in answer.headers["Location"]
    return "sign in" if is_sent_away else "open"


def rank(role):
    return ROLES.index(role)


def expected(caller, row):
    """Give the outcomes that are right."""
    if caller in KEYS and row.scope:
        return _expected_of_key(caller, row)
    role = "anonymous" if caller in KEYS else caller
    if caller == NOT_STAFF:
        role = "anonymous" if row.for_staff else "viewer"
    if rank(role) >= rank(row.lowest):
        return {"open"}
    return {"sign in", 401} if role == "anonymous" and not row.for_staff else {"sign in", 401, 403}


def _expected_of_key(caller, row):
    if caller == "expired key":
        return {401}
    if row.scope == "any":
        return {"open"}
    if caller == "key without scope" or row.scope == "everything":
        return {403}
    return {"open"} if rank("viewer") >= rank(row.lowest) else {403}


def test_what_is_written_down_opens_from_its_role_on(client, caller):
    wrong = []
    for row in [*WRITTEN_DOWN, *routers()]:
        found = outcome(getattr(client, row.method)(row.address))
        if found not in expected(caller, row):
            wrong.append((row.address, found, expected(caller, row)))
        if "logout" in row.address:
            sign_in(client, caller)
    assert not wrong


def test_pages_of_the_admin_open_from_their_role_on(client, caller):
    wrong = []
    for model, verb, address in admin_pages():
        if caller in ROLE_ORDER[1:] and verb not in ("add", "change"):
            continue  # tests/test_role_matrix.py opens the lists
        found = outcome(client.get(address))
        if found not in _expected_in_admin(caller, model._meta.label, verb):
            wrong.append((address, found))
    assert not wrong


def _expected_in_admin(caller, label, verb):
    if caller not in ROLE_ORDER:
        return {"sign in"}
    if verb in ("history", "old"):
        return {"open"}  # they lead away from a row that there is not
    if verb != "add" and verb != "delete":
        return {"open"} if rank(caller) >= rank(lowest_of(label)) else {403}
    lowest = WRITTEN_FROM.get((label, verb), "admin")
    # a table that nobody adds to is closed to all
    return {"open", 403} if rank(caller) >= rank(lowest) else {403}
