"""Verbs for tests of the pipeline in one process."""

import numpy as np
from rich.progress import Progress

from astrid import pipeline
from astrid.inprocess import process
from catalog.models import ProcessingJob
from curation.models import ReviewTask
from detection.models import Detection, ModelRun, SkyObject
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation
from preprocessing.models import PreprocessRun

RUNS = (PreprocessRun, DifferenceRun, ModelRun)
OUTCOME = (*RUNS, Observation, Candidate, Detection, SkyObject, ReviewTask, ProcessingJob)


def work():
    """Work off everything that is due."""
    return process(Progress(disable=True))


def work_until(kind):
    """Work off what comes before a stage, and open the jobs of that stage."""
    for step in pipeline.STEPS:
        while opened := list(pipeline.open_due(step, 10)):
            if step.job_type == kind:
                return opened
            for job in opened:
                pipeline.work_off(job.pk)
    raise AssertionError(f"nothing is due for {kind}")


def the(role):
    """Give the only observation with a role."""
    return Observation.objects.get(role=role)


def job_of(kind, **fields):
    """Give the only job of a kind."""
    return ProcessingJob.objects.get(job_type=kind, **fields)


def rows():
    """Give every row that the pipeline writes, whole."""
    return {model: [plain(row) for row in whole(model)] for model in OUTCOME}


def whole(model):
    return model.objects.order_by("pk").values()


def plain(row):
    """Give arrays as bytes, so that rows can be compared."""
    return {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in row.items()}
