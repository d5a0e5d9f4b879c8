"""Objects have figures of their forced fluxes: those known at a time, band by band."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from rest_framework.test import APIClient

from detection import variation
from detection.fluxes import VERSION
from detection.models import Detection, ForcedMeasurement, ForcedPhotometryRun
from detection.variation import variation_of, variations
from tests import factories

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def thing():
    return factories.make_sky_object(ra=150.0, dec=2.0)


def measure(thing, days, flux, *, band="r", error=2.0, ujy=True):
    """Store one forced flux of an object, so many days after the first."""
    frame = factories.make_observation(
        observation_time=FIRST + timedelta(days=days), filter_band=band
    )
    difference = factories.make_difference_run(observation=frame)
    run = ForcedPhotometryRun.objects.create(
        asked_by=difference, difference_run=difference, method_version=VERSION
    )
    return ForcedMeasurement.objects.create(
        sky_object=thing, difference_run=difference, observation=frame, run=run,
        method_version=VERSION, hidden_share=0.0, flux=10 * flux, flux_error=10 * error,
        flux_ujy=flux if ujy else None, flux_error_ujy=error if ujy else None,
    )  # fmt: skip


def test_the_figures_of_a_band_are_those_of_its_fluxes(thing):
    fluxes = [0.0, 2.0, 4.0, 12.0, 20.0]
    for day, flux in enumerate(fluxes):
        measure(thing, day, flux)
    (found,) = variations([thing.pk])[thing.pk]
    assert (found.band, found.unit, found.n) == ("r", "uJy", 5)
    assert found.span_days == pytest.approx(4, abs=1e-6)
    assert found.mean == pytest.approx(7.6)
    chi2 = np.sum((np.array(fluxes) - 7.6) ** 2) / 2.0**2 / 4
    assert found.reduced_chi2 == pytest.approx(chi2, rel=1e-5)
    assert found.slope == pytest.approx(np.polyfit(range(5), fluxes, 1)[0], rel=1e-5)
    assert found.last_slope == pytest.approx(np.polyfit(range(4), fluxes[1:], 1)[0], rel=1e-5)


def test_bands_are_apart_and_few_points_have_a_number_only(thing):
    for day in range(3):
        measure(thing, day, 5.0 + day)
    measure(thing, 1, 7.0, band="g")
    g, r = variations([thing.pk])[thing.pk]
    assert (g.band, g.n, g.amplitude, g.last_slope) == ("g", 1, None, None)
    assert (r.band, r.n) == ("r", 3)


def test_rows_that_were_read_already_give_the_same_figures(thing):
    for day, flux in ((3, 9.0), (0, 2.0), (2, 4.0), (1, 1.0), (4, 30.0)):
        measure(thing, day, flux)
        measure(thing, day, flux - 1, band="g")
    rows = ForcedMeasurement.objects.select_related("observation").order_by("-id")
    assert variation_of(rows) == variations([thing.pk])[thing.pk]


def test_counts_stand_in_where_no_flux_is_calibrated(thing):
    for day in range(3):
        measure(thing, day, 5.0 + day, ujy=False)
    (found,) = variations([thing.pk])[thing.pk]
    assert (found.unit, found.mean) == ("adu", pytest.approx(60.0))


def test_nothing_of_later_exposures_is_told_to_a_training(thing):
    for day in range(6):
        measure(thing, day, float(day))
    detection = Detection(sky_object=thing, prediction_metadata={"history": 3})
    new = Detection()
    variation.note([detection, new], FIRST + timedelta(days=3.5))
    assert detection.prediction_metadata["history"] == 3
    told = detection.prediction_metadata["variation"]
    assert (told["version"], told["bands"][0]["n"]) == ("1", 4)
    assert new.prediction_metadata["variation"]["bands"] == []


def test_the_number_of_objects_costs_no_queries(thing, django_assert_num_queries):
    others = [factories.make_sky_object(ra=150.0 + n, dec=2.0) for n in range(3)]
    for one in [thing, *others]:
        measure(one, 0, 1.0)
    with django_assert_num_queries(1):
        assert len(variations([one.pk for one in [thing, *others]])) == 4


def test_the_api_says_how_one_object_varies_and_the_list_does_not(thing):
    for day in range(4):
        measure(thing, day, float(day) ** 2)
    client = APIClient()
    client.force_authenticate(factories.make_user("vera", is_superuser=True))
    one = client.get(f"/api/v1/sky-objects/{thing.pk}/").json()
    assert one["variation"][0]["n"] == 4
    assert one["variation"][0]["reduced_chi2"] > 1
    assert "variation" not in client.get("/api/v1/sky-objects/").json()["results"][0]
