"""The pipeline, whole: which stage follows which, and nothing else.

Stages never name one another. A stage says what is ``due``, how to ``begin`` it, and which
task does the work of a run; the order is STEPS. The database says what is to be done, the
broker only that somebody should look: losing every message loses no work.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.db.models import QuerySet

import catalog.crossmatch.service
import catalog.exports.service
import catalog.tasks
import curation.delivery
import curation.tasks
import detection.forced
import detection.services
import detection.tasks
import detection.teaching
import differencing.references.stacks
import differencing.services
import differencing.tasks
import observations.services
import preprocessing.raw.calibration
import preprocessing.services
import preprocessing.tasks
from astrid.core.errors import AstridError, InvalidTransition
from astrid.core.hints import hint
from astrid.core.locks import holding
from astrid.core.metering import metered
from astrid.core.models import Run, RunStatus, explain, surviving
from catalog import attempts, config, jobs
from catalog.live.waking import wake
from catalog.models import JobType, ProcessingJob
from detection.models import ForcedPhotometryRun, ModelRun
from differencing.models import DifferenceRun, ReferenceRun
from observations.models import Observation, Survey
from preprocessing.models import CalibrationRun, PreprocessRun


@dataclass(frozen=True)
class Step:
    """One stage.

    Attributes
    ----------
    job_type : JobType
        What operators see.
    run : type of Run
        The record of one execution.
    due : callable
        What waits for this stage.
    begin : callable
        Claims one of those, with parameters, and opens its runs.
    task : Task
        Works on the run whose id it is given.
    setting : str
        Key of the parameters in SystemConfig.
    give_up : callable
        Told of a run, already failed, that will not be tried again, and why.
    resume : callable
        Makes a failed run ready for another try.
    """

    job_type: JobType
    run: type[Run]
    due: Callable[[], QuerySet[Any]]
    begin: Callable[[Any, Any], Iterable[Run]]
    task: Task
    setting: str
    give_up: Callable[[Any, str], None]
    resume: Callable[[Any], None]

    def __str__(self) -> str:
        return f"starting of {self.job_type} runs"

    def fail(self, error: BaseException) -> None:
        """Undo nothing: what could not be started stays due."""


def due_references() -> QuerySet[Any]:
    """Sky cells with enough new frames to be looked at, by the setting in force."""
    return differencing.references.stacks.due(config.get("reference"))


STEPS = (
    Step(
        JobType.CALIBRATE,
        CalibrationRun,
        preprocessing.raw.calibration.due,
        preprocessing.raw.calibration.begin,
        preprocessing.tasks.build_master,
        "preprocess",
        preprocessing.raw.calibration.give_up,
        preprocessing.raw.calibration.resume,
    ),
    Step(
        JobType.PREPROCESS,
        PreprocessRun,
        preprocessing.services.due,
        preprocessing.services.begin,
        preprocessing.tasks.preprocess,
        "preprocess",
        preprocessing.services.give_up,
        preprocessing.services.resume,
    ),
    Step(
        JobType.REFERENCE,
        ReferenceRun,
        due_references,
        differencing.references.stacks.begin,
        differencing.tasks.build_reference,
        "reference",
        differencing.references.stacks.give_up,
        differencing.references.stacks.resume,
    ),
    Step(
        JobType.DIFFERENCE,
        DifferenceRun,
        differencing.services.due,
        differencing.services.begin,
        differencing.tasks.difference,
        "difference",
        differencing.services.give_up,
        differencing.services.resume,
    ),
    Step(
        JobType.INFERENCE,
        ModelRun,
        detection.services.due,
        detection.services.begin,
        detection.tasks.infer,
        "detection",
        detection.services.give_up,
        detection.services.resume,
    ),
    Step(
        JobType.PHOTOMETRY,
        ForcedPhotometryRun,
        detection.forced.due,
        detection.forced.begin,
        detection.tasks.force,
        "detection",
        detection.forced.give_up,
        detection.forced.resume,
    ),
)


def step_of(job: ProcessingJob) -> Step:
    """Give the stage that a job belongs to."""
    return next(step for step in STEPS if step.job_type == job.job_type)


def open_due(step: Step, limit: int) -> Iterator[ProcessingJob]:
    """Claim what waits for ``step`` and open a job for every run of it.

    An observation that cannot be begun fails with the reason; the others go on.
    """
    parameters = config.get(step.setting)
    tries = config.get("pipeline").max_retries
    for entity in step.due()[:limit]:
        try:
            with transaction.atomic():
                opened = [
                    jobs.open_job(step.job_type, entity, run, max_retries=tries)
                    for run in step.begin(entity, parameters)
                ]
        except InvalidTransition:
            continue  # another worker was faster
        except AstridError as error:
            if not isinstance(entity, Observation):
                raise
            observations.services.give_up(entity, explain(error))
            continue
        yield from opened


@dataclass(frozen=True)
class Attempt:
    """One try at a job; knows what a failure means for it."""

    step: Step
    job: ProcessingJob

    def __str__(self) -> str:
        return str(self.job)

    def run(self) -> Any:
        """Read the run that the job is about."""
        return self.runs().get()

    def runs(self) -> QuerySet[Run]:
        """Look for the run: somebody may have deleted it."""
        return self.step.run._default_manager.filter(pk__in=[self.job.run_id])

    def work(self) -> None:
        """Do what is left of the job: nothing, when its worker died just before it said so."""
        run = self.run()
        if run.status == RunStatus.RUNNING:
            self.bury(run)
        if run.status == RunStatus.FAILED:
            self.step.resume(run)
        if run.status != RunStatus.COMPLETED:
            with metered(self.job, wake=wake):
                self.step.task(str(run.pk))
        attempts.complete(self.job)

    def bury(self, run: Run) -> None:
        """Close what a dead worker left open; work that kills every worker ends here."""
        run.fail(attempts.WorkerDied())
        if self.job.retry_count > self.job.max_retries:
            raise attempts.WorkerDied

    def fail(self, error: BaseException) -> None:
        """Put the job back for later where that may help; else close it and its entity."""
        if attempts.may_try_again(self.job, error):
            attempts.postpone(self.job, error, config.get("pipeline"))
            return
        with transaction.atomic():
            attempts.give_up(self.job, error)
            if isinstance(error, InvalidTransition):
                return  # the entity has moved on without this run
            for run in self.runs():
                self.step.give_up(run, explain(error))


@shared_task
def execute(job_id: str) -> None:
    """Do one job, unless another process has it or it is done."""
    if work_off(uuid.UUID(job_id)):
        advance()


def work_off(job_id: uuid.UUID) -> bool:
    """Do one job in this process; say whether there was something to do.

    A failure is written on the job and on the run, and ends here.
    """
    with holding(job_id) as held:
        job = ProcessingJob.objects.get(pk=job_id)
        if not (held and attempts.take(job)):
            return False
        attempt = Attempt(step_of(job), job)
        with surviving(attempt):
            attempt.work()
        return True


@shared_task
def advance() -> None:
    """Start whatever is due, in the order of STEPS."""
    limit = config.get("pipeline").sweep_limit
    for step in STEPS:
        with surviving(step):
            for job in open_due(step, limit):
                attempts.announce(job)
                hint(execute, str(job.pk))


@shared_task
def sweep() -> None:
    """Start what is due, whoever forgot it: beat runs this, so no message is precious."""
    advance()
    for job in attempts.to_announce(config.get("pipeline").sweep_limit):
        hint(execute, str(job.pk))
    for delivery in curation.delivery.due_deliveries():
        hint(curation.tasks.deliver, str(delivery))
    for export in catalog.exports.service.due():
        hint(catalog.tasks.export, str(export.pk))
    for crossmatch in catalog.crossmatch.service.due():
        hint(catalog.tasks.crossmatch, str(crossmatch.pk))
    for training in detection.teaching.due():
        hint(catalog.tasks.retrain, str(training.pk))


@shared_task(name="observations.ingest_survey")
def ingest_survey(survey_id: str) -> None:
    """Look for new frames of a survey, and start on them; beat runs this by its schedule."""
    survey = Survey.objects.get(pk=survey_id)
    observations.services.ingest_survey(survey)
    advance()
