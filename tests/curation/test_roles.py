import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from curation.models import ValidationLabel
from curation.taxonomy import VERSION_1, types_by_label

pytestmark = pytest.mark.django_db


def may(name):
    permissions = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def test_a_viewer_only_looks_and_asks():
    assert "detection.view_detection" in may("viewer")
    writes = {permission for permission in may("viewer") if ".view_" not in permission}
    assert writes == {"catalog.add_crossmatchjob"}  # a question, whose answer is one's own


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_network_and_mail_addresses_are_for_operators(role):
    confidential = {
        "catalog.view_auditlog",
        "catalog.view_systemconfig",
        "curation.view_alertchannel",
        "curation.view_delivery",
        "auth.view_user",
    }
    assert not confidential & may(role)
    assert confidential <= may("operator")


def test_a_right_that_a_role_lost_is_taken_from_its_group():
    viewers = Group.objects.get(name="viewer")
    viewers.permissions.add(Permission.objects.get(codename="view_auditlog"))
    call_command("migrate", verbosity=0)
    assert "catalog.view_auditlog" not in may("viewer")


NOT_OPERATED = {"axes"}  # failed sign-ins
OF_OPERATORS = sorted(
    (model._meta.app_label, model._meta.model_name)
    for model in admin.site._registry
    if model._meta.app_label not in NOT_OPERATED
)


def test_an_operator_without_superuser_opens_every_page_of_the_admin(client, operator):
    client.force_login(operator)
    apps = client.get("/admin/").context["app_list"]
    pages = [page for app in apps for page in app["models"]]
    shown = sorted(
        (page["model"]._meta.app_label, page["model"]._meta.model_name) for page in pages
    )
    assert shown == OF_OPERATORS
    for page in pages:
        for address in filter(None, (page["admin_url"], page["add_url"])):
            assert client.get(address).status_code == 200, address


def account(user, **changes):
    return {
        "username": user.username,
        "date_joined_0": "2024-01-01",
        "date_joined_1": "00:00:00",
    } | changes


def test_an_operator_makes_an_account_and_gives_it_a_role(client, operator):
    client.force_login(operator)
    password = "four words of nonsense"  # noqa: S105
    new = {"username": "dora", "usable_password": "true", "password1": password}
    client.post("/admin/auth/user/add/", {**new, "password2": password})
    dora = User.objects.get(username="dora")
    curators = Group.objects.get(name="curator")
    changes = account(dora, is_active="on", groups=[curators.pk])
    assert client.post(f"/admin/auth/user/{dora.pk}/change/", changes).status_code == 302
    assert list(dora.groups.all()) == [curators]


def test_an_operator_cannot_become_a_superuser_or_take_ones_password(client, operator):
    client.force_login(operator)
    changes = account(operator, is_active="on", is_staff="on", is_superuser="on")
    assert client.post(f"/admin/auth/user/{operator.pk}/change/", changes).status_code == 302
    operator.refresh_from_db()
    assert operator.is_staff
    assert not operator.is_superuser
    root = User.objects.create_superuser("root")
    assert client.get(f"/admin/auth/user/{root.pk}/password/").status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/change/", account(root)).status_code == 403


def test_a_curator_looks_and_judges():
    assert may("curator") - may("viewer") == {"curation.add_validationevent"}


def test_an_operator_runs_everything_but_rewrites_no_verdict_and_no_audit():
    allowed = may("operator")
    for permission in (
        "catalog.change_systemconfig",
        "catalog.change_processingjob",
        "curation.change_alertchannel",
        "observations.change_survey",
        "django_celery_beat.change_periodictask",
        "curation.add_validationevent",
    ):
        assert permission in allowed
    for model in ("curation.{}_validationevent", "catalog.{}_auditlog"):
        assert model.format("change") not in allowed
        assert model.format("delete") not in allowed


def test_the_taxonomy_is_complete_and_survives_being_completed_again():
    ValidationLabel.objects.filter(name="cv").update(is_active=False)
    call_command("migrate", verbosity=0)
    assert types_by_label() == {word.name: word.detection_type for word in VERSION_1}
    assert not ValidationLabel.objects.get(name="cv").is_active
