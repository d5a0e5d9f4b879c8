"""The pipeline in one process, without a broker: for small jobs, debugging and the demo."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from rich.progress import Progress, TaskID

from astrid import pipeline
from catalog import attempts, config
from catalog.models import JobStatus, ProcessingJob
from observations.models import Observation, ObservationStatus


@dataclass
class Report:
    """What a pass over everything that was due did."""

    done: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    postponed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: dict[str, float] = field(default_factory=dict)

    def note(self, job: ProcessingJob) -> None:
        """Count a job that was worked off."""
        job.refresh_from_db()
        run = pipeline.Attempt(pipeline.step_of(job), job).run()
        seconds = self.seconds.get(job.job_type, 0.0)
        self.seconds[job.job_type] = seconds + (run.processing_time_seconds or 0.0)
        peak = run.figures.get("peak_memory_mb", 0.0)
        self.peak_memory_mb[job.job_type] = max(self.peak_memory_mb.get(job.job_type, 0.0), peak)
        if job.status == JobStatus.COMPLETED:
            self.done[job.job_type] += 1
        elif job.status == JobStatus.FAILED:
            self.failed[str(run)] = job.error_message or ""
        else:
            self.postponed += 1

    def note_unstarted(self, since: datetime) -> None:
        """Count observations that failed before any run of theirs could be opened."""
        failed = Observation.objects.filter(status=ObservationStatus.FAILED, updated_at__gte=since)
        for observation in failed.exclude(status_reason__in=self.failed.values()):
            self.failed[str(observation)] = observation.status_reason


def process(bars: Progress) -> Report:
    """Work off everything that is due, stage by stage, until nothing is."""
    report, began = Report(), timezone.now()
    while jobs := list(_next_jobs()):
        _lengthen(bars, jobs)
        for job in jobs:
            if pipeline.work_off(job.pk):
                report.note(job)
            bars.advance(_bar(bars, job.job_type))
    report.note_unstarted(began)
    return report


def _lengthen(bars: Progress, jobs: list[ProcessingJob]) -> None:
    """Make the bar of each stage longer by its new jobs."""
    for stage, number in Counter(job.job_type for job in jobs).items():
        bar = _bar(bars, stage)
        bars.update(bar, total=(bars.tasks[bar].total or 0) + number)


def _bar(bars: Progress, stage: str) -> TaskID:
    """Find the bar of a stage, or add it."""
    found = [task.id for task in bars.tasks if task.description == stage]
    return found[0] if found else bars.add_task(stage, total=0)


def _next_jobs() -> Iterable[ProcessingJob]:
    """Give the jobs that wait, or else open those of the first stage that has any."""
    if waiting := list(attempts.waiting()):
        return waiting
    limit = config.get("pipeline").sweep_limit
    for step in pipeline.STEPS:
        if opened := list(pipeline.open_due(step, limit)):
            return opened
    return []
