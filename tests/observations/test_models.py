"""What the database refuses of an observation, whoever writes it."""

import math

import pytest
from django.db import IntegrityError, transaction

from observations.models import Observation
from tests.factories import make_observation

pytestmark = pytest.mark.django_db
CHECKS = {
    "exposure_time": "observation_exposure",
    "airmass": "observation_airmass",
    "seeing": "observation_seeing",
}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0])
@pytest.mark.parametrize(("name", "check"), CHECKS.items())
def test_a_quantity_that_is_no_positive_number_is_refused(name, check, value):
    rows = Observation.objects.filter(pk=make_observation().pk)
    with pytest.raises(IntegrityError, match=check), transaction.atomic():
        rows.update(**{name: value})


@pytest.mark.parametrize("value", [5e-324, 1.7e308])
@pytest.mark.parametrize("name", CHECKS)
def test_every_positive_number_is_kept(name, value):
    rows = Observation.objects.filter(pk=make_observation().pk)
    rows.update(**{name: value})
    assert getattr(rows.get(), name) == value


@pytest.mark.parametrize("name", ["airmass", "seeing"])
def test_weather_may_be_unknown(name):
    rows = Observation.objects.filter(pk=make_observation().pk)
    rows.update(**{name: None})
    assert getattr(rows.get(), name) is None
