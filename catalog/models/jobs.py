"""Work of the pipeline as operators see it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from astrid.core.models import Progressing, Record
from astrid.core.states import Transitions


class JobType(models.TextChoices):
    """What a job does."""

    INGEST = "ingest"
    CALIBRATE = "calibrate"
    PREPROCESS = "preprocess"
    REFERENCE = "reference"
    DIFFERENCE = "difference"
    INFERENCE = "inference"
    PHOTOMETRY = "photometry"
    VALIDATE = "validate"
    NOTIFY = "notify"
    EXPORT = "export"
    TRAIN = "train"


class JobStatus(models.TextChoices):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_J = JobStatus


class ProcessingJob(Progressing, Record):
    """The operator's view of one piece of work."""

    TRANSITIONS: ClassVar[Transitions] = {
        _J.PENDING: frozenset({_J.RUNNING, _J.FAILED, _J.CANCELLED}),
        _J.RUNNING: frozenset({_J.COMPLETED, _J.FAILED, _J.PENDING}),
        _J.COMPLETED: frozenset(),
        _J.FAILED: frozenset({_J.PENDING}),
        _J.CANCELLED: frozenset({_J.PENDING}),
    }

    job_type = models.CharField(max_length=50, choices=JobType)
    entity_id = models.UUIDField(help_text="The row that the job works for.")
    entity_type = models.CharField(max_length=50, help_text="app.Model of that row.")
    run_id = models.UUIDField(null=True, blank=True, help_text="The run that it holds now.")
    status = models.CharField(max_length=50, choices=JobStatus, default=JobStatus.PENDING)
    priority = models.IntegerField(default=0)
    workflow_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    task_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    retry_count = models.PositiveIntegerField(default=0)
    max_retries = models.PositiveIntegerField(default=3)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When workers were last told of it."
    )
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001
    error_details = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(job_type__in=JobType.values), name="job_type"),
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status"),
            models.UniqueConstraint(fields=["run_id"], name="job_once_per_run"),
        ]
        indexes = [
            models.Index(fields=["entity_id"]),
            models.Index(
                fields=["scheduled_at"],
                condition=Q(status__in=["pending", "running"]),
                name="job_waiting",
            ),
            models.Index(fields=["status", "-id"]),
            models.Index(fields=["job_type", "-id"]),
            models.Index(fields=["entity_type", "-id"], name="job_for_table"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} of {self.entity_type} {self.entity_id}"
