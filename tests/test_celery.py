"""The pipeline under real workers and a real beat, on a real broker that may forget."""

import json
import os
import signal
import subprocess
from datetime import timedelta

import pytest
from celery.backends.base import DisabledBackend
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from rich.progress import Progress

from astrid import inprocess, pipeline
from astrid.celery import app
from astrid.core.hints import hint
from astrid.core.models import RunStatus
from catalog import attempts
from catalog.models import JobStatus, ProcessingJob
from curation.models import ReviewTask
from detection.models import Detection, ModelRun, SkyObject
from differencing.models import Candidate, DifferenceRun
from observations import schedule
from observations.models import Observation, Survey
from observations.services import ingest_directory
from observations.simulator import simulate_night
from preprocessing.models import PreprocessRun
from tests.celery_worker import (
    DEAD_BROKER,
    Crew,
    Program,
    celery,
    environment,
    eventually,
    hints_to,
    own_broker,
)
from tests.conftest import local_storages

pytestmark = pytest.mark.django_db(transaction=True)

OURS = {
    "astrid.pipeline.advance",
    "astrid.pipeline.execute",
    "astrid.pipeline.sweep",
    "catalog.tasks.crossmatch",
    "catalog.tasks.add_up",
    "catalog.tasks.export",
    "catalog.tasks.forget_events",
    "catalog.tasks.retrain",
    "catalog.tasks.run_saved_query",
    "catalog.tasks.run_tap_job",
    "catalog.tasks.tend_tap_jobs",
    "catalog.tasks.watch_models",
    "curation.tasks.deliver",
    "curation.tasks.measure_curators",
    "detection.tasks.force",
    "detection.tasks.infer",
    "detection.tasks.mirror_models",
    "detection.tasks.store_light_curves",
    "differencing.tasks.build_reference",
    "differencing.tasks.difference",
    "observations.ingest_survey",
    "preprocessing.tasks.build_master",
    "preprocessing.tasks.preprocess",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(autouse=True)
def product_files(settings, folder):
    """Workers outlive a test, so the files of this module lie in one place."""
    settings.STORAGES = local_storages(folder / "files")


@pytest.fixture(scope="module")
def night(folder):
    return simulate_night(folder / "night", seed=1, fields=2, science_epochs=1, size=256)


@pytest.fixture(scope="module")
def broker():
    with own_broker() as broker:
        yield broker


@pytest.fixture(scope="module")
def all_workers(folder, broker, django_db_setup):
    crew = Crew(folder, broker)
    yield crew
    crew.stop()


@pytest.fixture
def workers(all_workers, broker):
    """Leave no message to the next test, whose database knows nothing of it."""
    yield all_workers
    is_clean = not ProcessingJob.objects.filter(status__in=UNFINISHED).exists()
    if is_clean and all_workers.are_up():
        eventually(broker.is_empty, "every message is taken")
    else:
        all_workers.stop()
        broker.forget()


UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING)


def facts():
    """Give what the pipeline found, without keys and times."""
    spot = ("observation__observation_id", "pixel_x", "pixel_y")
    return {
        "observations": sorted(Observation.objects.values_list("observation_id", "status")),
        "jobs": sorted(ProcessingJob.objects.values_list("job_type", "status")),
        "runs": [
            sorted(run.objects.values_list("observation__observation_id", "status"))
            for run in (PreprocessRun, DifferenceRun, ModelRun)
        ],
        "candidates": sorted(Candidate.objects.values_list(*spot, "significance", "status")),
        "detections": sorted(Detection.objects.values_list(*spot, "confidence_score")),
        "objects": sorted(SkyObject.objects.values_list("ra", "dec", "number_of_detections")),
        "tasks": ReviewTask.objects.count(),
    }


@pytest.fixture(scope="module")
def computed():
    return {}


@pytest.fixture
def expected(night, computed):
    """What one process makes of the night; nothing of it stays in the database."""
    if not computed:
        with transaction.atomic():
            ingest_directory(night.directory)
            report = inprocess.process(Progress(disable=True))
            computed.update(facts())
            transaction.set_rollback(True)
        assert not report.failed
        assert computed["detections"]  # else the comparison says little
    return computed


def is_all_done():
    """Tell whether nothing is left; in this order, each answer stays true for the next."""
    ended = Q(role="reference", status="preprocessed") | Q(status__in=["differenced", "failed"])
    return not (
        Observation.objects.exclude(ended).exists()
        or any(step.due().exists() for step in pipeline.STEPS)
        or ProcessingJob.objects.filter(status__in=UNFINISHED).exists()
    )


def sweep():
    hint(pipeline.sweep)


def all_is_done(*, meanwhile=lambda: None):
    assert Observation.objects.exists()
    eventually(is_all_done, "the night is worked off", meanwhile=meanwhile)


def ten_minutes_pass():
    """Make every announcement old, as if the messages had been in the queue for long."""
    then = timezone.now() - attempts.ANNOUNCE_AGAIN - timedelta(seconds=1)
    ProcessingJob.objects.exclude(announced_at=None).update(announced_at=then)


def is_stuck_in_a_run():
    """Tell whether a worker waits in the middle of a run for a lock that we hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks theirs JOIN pg_locks ours USING (transactionid)"
            " WHERE NOT theirs.granted AND ours.granted AND ours.pid = pg_backend_pid()"
        )
        is_waiting = cursor.fetchone()
    return is_waiting and PreprocessRun.objects.filter(status=RunStatus.RUNNING).exists()


def kill_in_the_middle(kill):
    """Let a worker come to the end of its first run, and kill it before it can write that."""
    assert list(pipeline.open_due(pipeline.STEPS[1], 1))
    with transaction.atomic():
        assert list(Observation.objects.references().select_for_update())
        pipeline.sweep.delay()  # a hint would wait for the end of this transaction
        eventually(is_stuck_in_a_run, "a worker is in the middle of a run")
        kill()


def test_what_a_broker_forgot_is_found_again(night, expected, broker, workers):
    ingest_directory(night.directory)
    pipeline.advance()
    assert not broker.is_empty()
    broker.forget()
    assert broker.is_empty()
    workers.at_work()
    ten_minutes_pass()
    all_is_done(meanwhile=sweep)
    assert facts() == expected


def test_a_night_goes_through_after_one_hint(night, expected, workers):
    workers.at_work()
    ingest_directory(night.directory)
    hint(pipeline.advance)
    all_is_done()
    assert facts() == expected
    assert not ProcessingJob.objects.filter(retry_count__gt=0).exists()


def test_two_workers_and_every_message_four_times_make_one_run_each(night, expected, workers):
    workers.at_work(2)
    ingest_directory(night.directory)
    for _ in range(4):
        pipeline.advance()
        for job in ProcessingJob.objects.all():
            hint(pipeline.execute, str(job.pk))
        sweep()
    all_is_done(meanwhile=sweep)
    assert facts() == expected
    assert not ProcessingJob.objects.filter(retry_count__gt=0).exists()


def test_a_killed_worker_process_costs_one_try(night, expected, workers):
    (worker,) = workers.at_work()
    ingest_directory(night.directory)

    def kill():
        for child in worker.children():
            os.kill(child, signal.SIGKILL)

    kill_in_the_middle(kill)
    all_is_done(meanwhile=sweep)
    assert facts() == expected
    assert ProcessingJob.objects.filter(retry_count=1).exists()


def test_a_killed_worker_costs_one_try(night, expected, broker, workers):
    (worker,) = workers.at_work()
    ingest_directory(night.directory)
    kill_in_the_middle(worker.kill)
    workers.at_work()
    all_is_done(meanwhile=sweep)
    assert facts() == expected
    assert ProcessingJob.objects.filter(retry_count=1).exists()
    broker.forget()  # what the dead worker had taken would come back after the visibility timeout


def test_without_a_broker_work_is_written_down_and_done_later(night, expected, workers, caplog):
    ingest_directory(night.directory)
    with hints_to(DEAD_BROKER):
        pipeline.advance()
        pipeline.sweep()
    assert "no broker for astrid.pipeline.execute" in caplog.text
    assert ProcessingJob.objects.filter(status=JobStatus.PENDING).exists()
    workers.at_work()
    ten_minutes_pass()
    sweep()
    all_is_done()
    assert facts() == expected


def test_beat_sweeps_and_looks_at_surveys_by_its_table(night, folder, broker, workers):
    workers.at_work()
    camera = folder / "camera"
    camera.mkdir()
    (camera / "astrid.toml").symlink_to(night.directory / "astrid.toml")
    (camera / night.references[0].name).symlink_to(night.references[0])
    ingest_directory(camera)
    list(pipeline.open_due(pipeline.STEPS[1], 1))  # announced to nobody: only a sweep sees it
    beat = Program(folder, broker, "beat", "--max-interval", "1", "--loglevel", "INFO")
    try:
        entry = eventually(
            PeriodicTask.objects.filter(task="astrid.pipeline.sweep").first, "beat fills its table"
        )
        assert (entry.interval.every, entry.interval.period) == (60, IntervalSchedule.SECONDS)
        often, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
        entry.interval = often
        entry.save()
        all_is_done()
        assert list(Observation.objects.values_list("status", flat=True)) == ["preprocessed"]
        (camera / night.science[0].name).symlink_to(night.science[0])
        look_now(Survey.objects.get())
        eventually(lambda: Observation.objects.count() == 2, "beat finds the new frame")
        all_is_done()
    finally:
        beat.stop()
    assert sorted(Observation.objects.values_list("status", flat=True)) == [
        "differenced",
        "preprocessed",
    ]
    assert not PeriodicTask.objects.filter(task="celery.backend_cleanup").exists()


def look_now(survey):
    """Schedule a survey for every minute, as if the last look was an hour ago."""
    survey.schedule = CrontabSchedule.objects.create(minute="*")
    survey.save()
    entry = schedule.schedule(survey)
    entry.last_run_at = timezone.now() - timedelta(hours=1)
    entry.save()


def test_a_worker_knows_our_tasks_and_how_to_treat_them(broker, workers):
    (worker,) = workers.at_work()
    command = celery("inspect", "registered", "--json", "--destination", worker.name)
    answer = subprocess.run(command, env=environment(broker), capture_output=True, check=True)  # noqa: S603
    names = json.loads(answer.stdout)[worker.name]
    assert {name for name in names if not name.startswith("celery.")} == OURS


def test_messages_are_kept_until_their_task_has_ended():
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_soft_time_limit < conf.task_time_limit
    # A message must not come back while its task may still run.
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit
    assert isinstance(app.backend, DisabledBackend)


def test_log_lines_go_to_standard_error_once(night, workers):
    workers.at_work()
    ingest_directory(night.directory)
    pipeline.advance()
    all_is_done()
    out, err = workers.output()
    received = [line for line in err.splitlines() if "Task astrid.pipeline.execute" in line]
    assert received
    assert len(received) == len(set(received))
    assert "Task astrid" not in out
