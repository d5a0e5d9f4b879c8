"""The head of the pages: who is led where."""

import pytest
from django.urls import reverse

from astrid.navigation import MENUS, menus_of
from tests.factories import make_user


def menus(user, path):
    return {menu.label: [link.label for link in menu.links] for menu in menus_of(user, path)}


def someone(role, *, staff=False):
    return make_user(f"a-{role}", group=role, is_staff=staff)


def current(user, path):
    links = [link for menu in menus_of(user, path) for link in menu.links]
    return {link.label: link.current for link in links if link.current}


@pytest.fixture
def admin(db):
    return make_user("everything", is_staff=True, is_superuser=True)


def test_an_admin_is_led_to_every_page(admin):
    shown = [label for labels in menus(admin, "/").values() for label in labels]
    assert shown == [page.label for pages in MENUS.values() for page in pages]


@pytest.mark.django_db
def test_a_guest_is_led_to_what_is_published_alone():
    assert menus(someone("guest"), "/") == {
        "Sky": ["Light curves", "Catalog", "Cross-match", "Tables (ADQL)"],
        "": ["Summaries"],
    }


@pytest.mark.django_db
def test_a_viewer_who_is_no_staff_sees_no_page_of_the_admin():
    shown = menus(someone("viewer"), "/")
    assert "Site" not in shown
    assert not {"Objects", "Detections", "Review"} & {
        x for labels in shown.values() for x in labels
    }


@pytest.mark.django_db
def test_a_menu_of_one_page_is_a_link():
    assert menus(someone("curator", staff=True), "/")[""][-1] == "Admin"


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["guest", "viewer", "curator", "researcher", "admin"])
def test_every_link_that_somebody_sees_opens(client, role):
    user = someone(role, staff=role in ("curator", "researcher", "admin"))
    client.force_login(user)
    addresses = [link.address for menu in menus_of(user, "/") for link in menu.links]
    assert addresses
    assert {a: client.get(a).status_code for a in addresses} == dict.fromkeys(addresses, 200)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("curation:home", [], {"Overview": "page"}),
        ("curation:sheet", [], {}),
        ("curation:nights", [], {"Nights": "page"}),
        ("admin:detection_detection_changelist", [], {"Detections": "page"}),
        ("admin:detection_detection_change", [1], {"Detections": "true"}),
        ("admin:observations_survey_changelist", [], {"Admin": "true"}),
        ("catalog:crossmatch", [], {"Cross-match": "page"}),
        ("access:keys", [], {}),
    ],
)
def test_the_page_that_is_open_or_lies_above_is_marked(admin, name, arguments, expected):
    assert current(admin, reverse(name, args=arguments)) == expected
