"""What the database refuses in the middle of a stage leaves nothing of the stage behind."""

import pytest
from django.db import IntegrityError, connection

from astrid.core.models import RunStatus
from detection.models import Detection, ModelRun
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationRun
from preprocessing.models import PreprocessRun
from tests.bad_input.night import (
    GOOD,
    failed,
    ingested_with_another,
    observation,
    went_through,
    work_off,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def refusing():
    """Let the database refuse rows of a table that meet a condition, to the end of the test."""

    def refuse(table, condition):
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE EXCEPTION 'the table is closed' USING ERRCODE = 'check_violation'; "
                "END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER closed BEFORE INSERT OR UPDATE ON {table} "
                f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_row()"
            )

    return refuse


def test_candidates_that_the_database_refuses_leave_no_half_of_a_difference(night, refusing):
    ingested_with_another(night)
    refusing(Candidate._meta.db_table, f"NEW.observation_id = '{observation().pk}'")
    work_off()
    assert "the table is closed" in failed(DifferenceRun)
    assert went_through()


def test_detections_that_the_database_refuses_leave_no_half_of_an_inference(night, refusing):
    ingested_with_another(night)
    refusing(Detection._meta.db_table, f"NEW.observation_id = '{observation().pk}'")
    work_off()
    assert "the table is closed" in failed(ModelRun)
    assert went_through()


def test_a_status_that_the_database_refuses_leaves_no_half_of_a_preprocessing(night, refusing):
    ingested_with_another(night)
    refusing(
        Observation._meta.db_table, f"NEW.status = 'preprocessed' AND NEW.id = '{observation().pk}'"
    )
    work_off()
    assert "the table is closed" in failed(PreprocessRun)
    assert went_through()


def test_an_ingestion_that_the_database_refuses_takes_nothing_in(night, refusing):
    refusing(Observation._meta.db_table, f"NEW.observation_id = '{GOOD}'")
    with pytest.raises(IntegrityError, match="the table is closed"):
        night.run()
    assert not Observation.objects.exists()
    run = ObservationRun.objects.get()
    assert (run.status, run.new) == (RunStatus.FAILED, 0)
    assert "the table is closed" in run.error_message
