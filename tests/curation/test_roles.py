import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from curation.models import ValidationLabel
from curation.taxonomy import VERSION_1, types_by_label

pytestmark = pytest.mark.django_db


def may(name):
    permissions = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def test_a_viewer_only_looks():
    assert "detection.view_detection" in may("viewer")
    assert all(".view_" in permission for permission in may("viewer"))


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
