"""What the database refuses of a reference image, whoever writes it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from differencing.models import ReferenceImage
from tests.factories import FIRST_NIGHT, make_survey

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)  # the finest step that PostgreSQL keeps


@pytest.fixture
def stored():
    """One reference image, as the query that finds it."""
    row = ReferenceImage.objects.create(
        survey=make_survey(),
        filter_band="r",
        file_path="reference.fits",
        ra=150.0,
        dec=2.0,
        radius_deg=0.1,
        valid_from=FIRST_NIGHT,
    )
    return ReferenceImage.objects.filter(pk=row.pk)


@pytest.mark.parametrize("valid_to", [FIRST_NIGHT, FIRST_NIGHT - TICK])
def test_a_reference_that_ends_before_it_begins_is_refused(stored, valid_to):
    with pytest.raises(IntegrityError, match="reference_validity"), transaction.atomic():
        stored.update(valid_to=valid_to)


@pytest.mark.parametrize("valid_to", [None, FIRST_NIGHT + TICK])
def test_a_reference_may_end_later_or_never(stored, valid_to):
    stored.update(valid_to=valid_to)
    assert stored.get().valid_to == valid_to
