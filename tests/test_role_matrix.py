"""Every list, row and action of the admin, for every role; addresses: test_every_route.py."""

import pytest
from django.contrib import admin
from django.urls import reverse

from astrid.core.admin import ConsoleAdmin
from benchmarks import samplerows
from catalog.models import CatalogEntry
from catalog.vo.parameters import VoParameters
from catalog.vo.visible import BY_NAME, Caller
from curation.roles import ROLES, role_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db

# Each role may do what the ones before it may.
ROLE_ORDER = ["nobody", "guest", "viewer", "curator", "researcher", "admin", "superuser"]

# The lowest role that opens a list or a page of a row; those not named: viewer.
SEEN_FROM = {
    **dict.fromkeys(
        [
            "auth.User", "auth.Group", "catalog.AuditLog", "catalog.SystemConfig",
            "curation.AlertChannel", "curation.Delivery", "catalog.ApiKey",
            "catalog.ServiceAccount", "catalog.ExternalIdentity",
        ],
        "admin",
    ),
    **dict.fromkeys(
        ["catalog.CatalogEntry", "catalog.Analytics", "catalog.CrossmatchJob"], "guest"
    ),
    # failed sign-ins
    **dict.fromkeys(
        ["axes.AccessAttempt", "axes.AccessLog", "axes.AccessFailureLog"], "superuser"
    ),
}  # fmt: skip

# The lowest role that an action of a list is offered to; those not named: admin.
OFFERED_FROM = {
    **dict.fromkeys(
        [
            "judge_supernova", "judge_variable", "judge_transient", "judge_unsure",
            "judge_artifact",
        ],
        "curator",
    ),
    **dict.fromkeys(
        [
            "use_as_real_test", "use_as_bogus_test", "ask", "challenge", "approve", "refuse",
            "make_public", "retract", "run_now", "again_with_zogy", "again_with_classic",
            "again_with_hotpants",
        ],
        "researcher",
    ),
}  # fmt: skip

# (model, verb) with the lowest role; those not named are an admin's, if anybody's.
WRITTEN_FROM = {
    ("curation.ReviewQueue", "add"): "researcher",
    ("curation.ReviewQueue", "change"): "researcher",
    ("curation.ReviewQueue", "delete"): "researcher",
    ("curation.ReviewTask", "change"): "researcher",
    ("curation.GoldItem", "change"): "researcher",
    ("catalog.ExportJob", "add"): "researcher",
    **{("catalog.SavedQuery", verb): "researcher" for verb in ("add", "change", "delete")},
}

NO_ROW = "00000000-0000-7000-8000-000000000000"
PEOPLE_ONLY_API = {"audit-log", "settings", "alert-channels", "deliveries"}
GUEST_API = (
    "/api/v1/catalog-entries/",
    "/api/v1/analytics/",
    "/api/v1/crossmatches/",
    "/api/v1/lightcurves/",
)


def may(role, lowest):
    return ROLE_ORDER.index(role) >= ROLE_ORDER.index(lowest)


def lowest_of(label):
    return "guest" if label.startswith("lightcurves.") else SEEN_FROM.get(label, "viewer")


@pytest.fixture(params=ROLE_ORDER)
def role(request):
    return request.param


@pytest.fixture
def person(client, role):
    is_super, group = role == "superuser", role if role in ROLES else None
    user = make_user(role, group=group, is_staff=True, is_superuser=is_super)
    client.force_login(user)
    return user


def test_the_role_is_named_by_what_one_may_do(person, role):
    assert role_of(person) == ("" if role == "nobody" else role)


def test_lists_of_the_admin_open_from_their_role_on(client, person, role):
    for model in admin.site._registry:
        label = model._meta.label
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        expected = 200 if may(role, lowest_of(label)) else 403
        assert client.get(address).status_code == expected, (label, role)


def test_actions_and_forms_are_offered_from_their_role_on(rf, person, role):
    request = rf.get("/")
    request.user = person
    for model, page in admin.site._registry.items():
        if not isinstance(page, ConsoleAdmin):
            continue
        label = model._meta.label
        for verb in ("add", "change", "delete"):
            allowed = getattr(page, f"has_{verb}_permission")(request)
            assert not allowed or may(role, WRITTEN_FROM.get((label, verb), "admin")), (label, verb)
            if (label, verb) in WRITTEN_FROM:
                assert allowed == may(role, WRITTEN_FROM[label, verb]), (label, verb)
        for name in page.get_actions(request):
            lowest = OFFERED_FROM.get(name, WRITTEN_FROM.get((label, "delete"), "admin"))
            assert may(role, lowest), (label, name)
        for name, lowest in OFFERED_FROM.items():
            if name in {getattr(each, "__name__", each) for each in page.actions or ()}:
                assert (name in page.get_actions(request)) == may(role, lowest), (label, name)


def test_pages_of_rows_open_and_buttons_work_from_their_role_on(client, person, role):
    row = samplerows.make()
    for each in (row.detection, row.audit, row.entry, row.dataset, row.difference_run):
        meta = each._meta
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[each.pk])
        seen = client.get(address).status_code
        # a draft is not there for guests: the admin sends them to its index
        is_draft = each is row.entry and role == "guest"
        expected = 302 if is_draft else 200 if may(role, lowest_of(meta.label)) else 403
        assert seen == expected, (meta.label, role)
    buttons = (
        ("detection_model_step", row.model_run.model, "researcher"),
        ("differencing_differencerun_compare", row.difference_run, "researcher"),
    )
    for name, each, lowest in buttons:
        posted = {"step": "ask", "algorithm": "magic", "verdict": ""}
        answer = client.post(reverse(f"admin:{name}", args=[each.pk]), posted)
        assert answer.status_code == (302 if may(role, lowest) else 403), (name, role)
    domain = reverse("admin:catalog_systemconfig_domain", args=["differencing"])
    assert client.get(domain).status_code == (200 if may(role, "admin") else 403)


def test_guests_see_published_entries_and_nothing_else(client):
    entry = samplerows.make().entry
    guest = make_user(group="guest", is_staff=True)
    client.force_login(guest)
    caller = Caller(guest, "", VoParameters())
    assert not BY_NAME["astrid.entries"].rows(caller).exists()
    console_page, api = reverse("catalog:entries"), "/api/v1/catalog-entries/"
    admin_page = reverse("admin:catalog_catalogentry_changelist")
    assert client.get("/console/").headers["Location"] == console_page
    assert "Nothing is published" in client.get(console_page).content.decode()
    assert client.get(api).json()["results"] == []
    assert not client.get(admin_page).context["cl"].result_list
    CatalogEntry.objects.update(publication_state="published")
    for words in ("", "Man", "150 2 10"):
        page = client.get(console_page, {"q": words}).content.decode()
        assert entry.designation in page
    assert "Nothing is published" in client.get(console_page, {"q": "Woman"}).content.decode()
    assert "ra is 400" in client.get(console_page, {"q": "400 2 10"}).content.decode()
    assert "This is the first page" in client.get(console_page, {"p": "x"}).content.decode()
    assert len(client.get(api).json()["results"]) == 1
    assert list(client.get(admin_page).context["cl"].result_list) == [entry]


def test_a_refusal_says_which_role_one_has_and_what_the_others_may(client):
    client.force_login(make_user("vera", group="viewer", is_staff=True))
    page = client.get(reverse("curation:review"))
    text = " ".join(page.content.decode().split())
    assert page.status_code == 403
    assert "You are signed in as vera, with the role viewer, which may not do this." in text
    assert "curators also judge" in text


@pytest.mark.parametrize("address", ["curation:home", "admin:index", "catalog:entries"])
def test_every_page_says_who_is_signed_in_with_which_role(client, address):
    client.force_login(make_user("rita", group="researcher", is_staff=True, password="x" * 20))
    page = client.get(reverse(address)).content.decode()
    assert "rita · researcher" in page
    assert reverse("admin:logout") in page
    assert reverse("admin:password_change") in page
