from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from astrid.core.errors import InvalidTransition
from astrid.core.models import Run, RunStatus
from astrid.core.states import state_column, transition
from observations.models import TRANSITIONS, Observation, ObservationStatus
from tests.factories import make_observation, make_preprocess_run

S = ObservationStatus
# The state machine as the design words it, written out independently of the code's table.
ALLOWED = {
    (S.INGESTED, S.PREPROCESSING),
    (S.PREPROCESSING, S.PREPROCESSED),
    (S.PREPROCESSED, S.DIFFERENCING),
    (S.DIFFERENCING, S.DIFFERENCED),
    *((status, S.FAILED) for status in S if status not in (S.FAILED, S.ARCHIVED)),
    (S.FAILED, S.INGESTED),
    *((status, S.ARCHIVED) for status in (S.INGESTED, S.PREPROCESSED, S.DIFFERENCED, S.FAILED)),
}


@pytest.mark.parametrize("source", S)
@pytest.mark.parametrize("target", S)
def test_an_observation_moves_only_along_the_state_machine(db, source, target):
    observation = make_observation(status=source)
    if (source, target) in ALLOWED:
        transition(observation, target)
        assert Observation.objects.get().status == observation.status == target
    else:
        with pytest.raises(InvalidTransition, match=f"is {source}; it becomes {target} only"):
            transition(observation, target)
        assert Observation.objects.get().status == source


def test_every_status_has_its_row_in_the_table():
    assert set(TRANSITIONS) == set(S)


def stateful_models():
    return [model for model in apps.get_models() if hasattr(model, "TRANSITIONS")]


@pytest.mark.parametrize("model", stateful_models(), ids=lambda model: model._meta.label)
def test_every_state_machine_names_only_states_that_exist(model):
    known = set(dict(model._meta.get_field(state_column(model)).flatchoices))
    assert set(model.TRANSITIONS) == known
    assert set().union(*model.TRANSITIONS.values()) <= known


@pytest.mark.parametrize(
    "model",
    [model for model in apps.get_models() if issubclass(model, Run)],
    ids=lambda model: model._meta.label,
)
def test_every_run_keeps_the_constraints_and_indexes_of_its_base(model):
    names = [constraint.name for constraint in model._meta.constraints]
    assert f"{model._meta.app_label}_{model._meta.model_name}_status" in names
    assert any(index.fields == ["status", "created_at"] for index in model._meta.indexes)


def test_the_database_refuses_a_status_that_nobody_knows(db):
    make_observation()
    with pytest.raises(IntegrityError), transaction.atomic():
        Observation.objects.update(status="lost")


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_racing_for_one_observation_exactly_one_wins():
    observation = make_observation()

    def claim(_):
        rival = Observation.objects.get(pk=observation.pk)
        try:
            transition(rival, S.PREPROCESSING)
        except InvalidTransition:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(24))) == 1


def test_a_run_keeps_the_reason_of_its_failure_and_raises_it_again(db):
    run = make_preprocess_run(status=RunStatus.PENDING)
    with pytest.raises(OSError, match="disk full"), run.working():
        raise OSError("disk full\non /data")
    run.refresh_from_db()
    assert (run.status, run.error_message) == (RunStatus.FAILED, "disk full on /data")
    assert run.processing_time_seconds >= 0


def test_a_run_that_failed_counts_its_next_try(db):
    run = make_preprocess_run(status=RunStatus.FAILED)
    run.start()
    run.complete()
    run.refresh_from_db()
    assert (run.status, run.retry_count, run.error_message) == (RunStatus.COMPLETED, 1, None)
