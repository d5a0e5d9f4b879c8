from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from detection.association import associate, refresh
from detection.models import Detection, SkyObject
from tests import factories

pytestmark = pytest.mark.django_db

ARCSEC = 1 / 3600
RADIUS = 1.5 * ARCSEC
PLAIN = {
    "pixel_x": 5,
    "pixel_y": 5,
    "confidence_score": 0.9,
    "detection_type": "unknown",
    "model_version": "1",
}


@pytest.fixture
def run():
    return factories.make_model_run()


def unsaved(run, ra, dec, **fields):
    return Detection(
        model_run=run,
        observation=run.observation,
        ra=ra,
        dec=dec,
        **(PLAIN | fields),
    )


def test_what_lies_near_a_known_object_joins_it_and_the_rest_are_new(run):
    known = factories.make_sky_object(ra=150.0, dec=2.0)
    factories.make_sky_object(ra=150.0, dec=2.0 + 1.4 * ARCSEC, designation="a little further")
    near, far = unsaved(run, 150.0, 2.0 + 0.5 * ARCSEC), unsaved(run, 150.1, 2.0)
    associate([near, far], RADIUS)
    assert near.sky_object == known
    assert far.sky_object.designation == "AstrID J100024.00+020000.0"
    assert SkyObject.objects.count() == 3


def test_two_detections_of_one_frame_within_the_radius_are_one_new_object(run):
    first, second, third = (unsaved(run, 10.0, 20.0 + k * ARCSEC) for k in (0, 1.2, 4))
    associate([first, second, third], RADIUS)
    assert first.sky_object == second.sky_object != third.sky_object


def test_objects_within_the_rounding_of_a_name_get_letters(run):
    associate([unsaved(run, 10.0, 20.0)], 0.0)
    associate([unsaved(run, 10.0 + 1e-6, 20.0), unsaved(run, 10.0 + 2e-6, 20.0)], 1e-7)
    names = SkyObject.objects.order_by("designation").values_list("designation", flat=True)
    assert list(names) == [f"AstrID J004000.00+200000.0{letter}" for letter in ("", "a", "b")]


def test_an_object_owes_place_times_number_and_class_to_its_detections(run):
    thing = factories.make_sky_object(ra=0.0, dec=0.0)
    later = factories.make_observation(observation_time=datetime(2025, 8, 2, tzinfo=UTC))
    for ra, kind, score, seen in (
        (359.9999, "variable", 0.6, run.observation),
        (0.0001, "supernova", 0.8, later),
    ):
        detection = unsaved(run, ra, 0.0, detection_type=kind, confidence_score=score)
        detection.sky_object, detection.observation = thing, seen
        detection.save()
    refresh({thing.pk})
    thing.refresh_from_db()
    assert (thing.number_of_detections, thing.best_class) == (2, "supernova")
    assert thing.ra % 360 == pytest.approx(0, abs=1e-9)
    assert SkyObject.objects.nearest(0.0, 0.0, 1e-6) == thing  # its cell moved along
    assert thing.first_seen == run.observation.observation_time
    assert thing.last_seen.month == 8


def test_a_frame_of_many_detections_costs_no_more_queries_than_one_of_few(run):
    def queries(number, dec):
        detections = [unsaved(run, 30 + 0.01 * k, dec) for k in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            associate(detections, RADIUS)
            Detection.objects.bulk_create(detections)
            refresh({one.sky_object.pk for one in detections})
        return len(asked)

    few, many = queries(2, -5.0), queries(40, -6.0)
    assert few == many <= 12
