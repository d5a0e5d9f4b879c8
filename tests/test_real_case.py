"""Ten real exposures of one field at two epochs: the known change, and nothing else there."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count
from django.test import override_settings

from astrid.core.sky import separation_deg
from detection.models import Detection, SkyObject
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation
from tests.conftest import local_storages
from tests.shared_data import shared

# 21:12:25.96 -66:00:56.2, where the data's own description puts the change
RA, DEC = 15 * (21 + 12 / 60 + 25.96 / 3600), -(66 + 0 / 60 + 56.2 / 3600)
RADIUS_ARCSEC = 1.0
SCIENCE = [f"DEC-OBS04{letter}.mini" for letter in "abcde"]
REFERENCES = [f"DEC-OBS18{letter}.mini" for letter in "abcde"]


@pytest.fixture(scope="module")
def night(django_db_setup, django_db_blocker, tmp_path_factory):
    """The demo on that folder, with no option but the folder; undone after the module."""
    folder = shared("images/decam_i_2epoch_transient")
    state = tmp_path_factory.mktemp("state")
    own = override_settings(STATE=state, STORAGES=local_storages(state / "files"))
    with own, django_db_blocker.unblock(), transaction.atomic():
        call_command("demo", data=folder, no_server=True, json=True, stdout=StringIO())
        yield
        transaction.set_rollback(True)


# The mark gives each test a savepoint inside the module's transaction.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("night")]


def is_there(row):
    return separation_deg(row.ra, row.dec, RA, DEC) * 3600 < RADIUS_ARCSEC


def test_the_groups_are_told_apart_without_being_told():
    roles = Observation.objects.values_list("role").annotate(Count("id"))
    assert dict(roles) == {"science": 5, "reference": 5}
    # the nights on which they were taken, two years apart, in spite of equal DATE-OBS
    years = {row.epoch: row.observation_time.year for row in Observation.objects.all()}
    assert years == {"OBS04": 2018, "OBS18": 2016}


def test_every_pair_was_subtracted():
    pairs = DifferenceRun.objects.filter(status="completed")
    assert pairs.filter(is_control=False).count() == 25
    assert pairs.filter(is_control=True).count() == 40


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("science", SCIENCE)
def test_the_change_is_among_the_five_highest_scored(science, reference):
    rows = Detection.objects.filter(
        model_run__difference_run__observation__observation_id=science,
        model_run__difference_run__reference_observation__observation_id=reference,
    ).order_by("-confidence_score")[:5]
    assert any(map(is_there, rows))


def test_nothing_is_there_within_a_night():
    controls = Candidate.objects.filter(difference_run__is_control=True)
    assert controls.exists()
    assert not any(map(is_there, controls))
    assert not any(
        map(is_there, Detection.objects.filter(model_run__difference_run__is_control=True))
    )


def test_all_sightings_belong_to_one_object():
    (thing,) = filter(is_there, SkyObject.objects.all())
    assert thing.number_of_detections == 25
    assert thing.designation.startswith("AstrID J2112")


def test_pairs_without_a_change_make_no_object():
    objects = Detection.objects.filter(
        model_run__difference_run__is_control=True, sky_object__isnull=False
    )
    assert not objects.exists()
