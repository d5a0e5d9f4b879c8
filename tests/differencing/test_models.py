"""What the database refuses of references, runs and candidates, whoever writes it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from astrid.core.ids import new_id
from differencing.models import Candidate, DifferenceRun, ReferenceImage
from tests.factories import FIRST_NIGHT, make_candidate, make_difference_run, make_survey

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


def refused_in_the_end():
    """Expect that what the block leaves behind is refused when its transaction ends."""
    return pytest.raises(IntegrityError, match="candidate_run_and_observation")


@pytest.mark.parametrize("column", ["difference_run_id", "observation_id"])
def test_a_candidate_has_a_run_and_the_observation_of_that_run(column):
    stored, other = make_candidate(), make_difference_run()
    others = {"difference_run_id": other.pk, "observation_id": other.observation_id}
    rows = Candidate.objects.filter(pk=stored.pk)
    for value in (others[column], new_id()):
        with refused_in_the_end(), transaction.atomic():
            rows.update(**{column: value})
            connection.check_constraints()
    rows.update(**others)
    connection.check_constraints()
    assert rows.get().observation == other.observation


def test_no_run_goes_without_its_candidates():
    run = make_candidate().difference_run
    rows = DifferenceRun.objects.filter(pk=run.pk)
    with refused_in_the_end(), transaction.atomic():
        rows._raw_delete(rows.db)
        connection.check_constraints()
    run.delete()  # takes them along
    connection.check_constraints()
    assert not Candidate.objects.exists()
