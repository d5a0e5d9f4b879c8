"""Abstract bases; no tables of their own, hence no app and no migrations."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Least
from django.utils import timezone

from astrid.core.errors import AstridError
from astrid.core.ids import new_id
from astrid.core.states import Transitions, transition

logger = logging.getLogger(__name__)


class Dated(models.Model):
    """A row that says when it was made and last changed."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Record(Dated):
    """A row with a UUID key and its two timestamps."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


def share_done(done: str, total: str) -> models.GeneratedField:
    """Give a column that says how far a row's work has come, from 0 to 1; null: nobody knows."""
    fraction = Cast(F(done), models.FloatField()) / Cast(F(total), models.FloatField())
    return models.GeneratedField(
        expression=Case(
            When(status="completed", then=Value(1.0)),
            When(**{f"{total}__gt": 0}, then=Least(fraction, Value(1.0))),
            default=None,
            output_field=models.FloatField(),
        ),
        output_field=models.FloatField(
            null=True, help_text="How far it has come, from 0 to 1; null where that is not known."
        ),
        db_persist=True,
    )


class Progressing(models.Model):
    """A row whose work tells how far it has come."""

    work_done = models.PositiveBigIntegerField(
        null=True, blank=True, editable=False, help_text="Rows, frames or tiles done so far."
    )
    work_total = models.PositiveBigIntegerField(
        null=True, blank=True, editable=False, help_text="Of how many; null where not known."
    )
    progress = share_done("work_done", "work_total")

    class Meta:
        abstract = True


class RunStatus(models.TextChoices):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


UNFINISHED = (RunStatus.PENDING, RunStatus.RUNNING)


class Failing(Protocol):
    """Something that can be told that it failed."""

    def fail(self, error: BaseException) -> None:
        """Keep the reason."""


@contextmanager
def failing(work: Failing) -> Iterator[None]:
    """Tell ``work`` of whatever the block raises, and raise it again."""
    try:
        yield
    except Exception as error:
        work.fail(error)
        raise


@contextmanager
def surviving(work: Failing) -> Iterator[None]:
    """Tell ``work`` of whatever the block raises, log it, and go on with other work.

    For loops over many inputs: one of them must not cost the rest. What AstrID can explain
    is logged as a sentence, a fault of the program with its traceback.
    """
    try:
        with failing(work):
            yield
    except AstridError as error:
        logger.warning("%s: %s", work, explain(error))
    except Exception:
        logger.exception("%s failed", work)


def explain(error: BaseException) -> str:
    """Give an error as one line.

    What AstrID or the operating system raises speaks for itself; the words of any other error
    ("'inputs'") say little without its kind.
    """
    words, kind = " ".join(str(error).split()), type(error).__name__
    if isinstance(error, AstridError | OSError):
        return words or kind
    return f"unexpected {kind}: {words or 'no words'}; the log of the worker says where"


class Run(Record):
    """One execution of one pipeline stage: who, when, with what, how it ended."""

    TRANSITIONS: ClassVar[Transitions] = {
        RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.FAILED}),
        RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED}),
        RunStatus.FAILED: frozenset({RunStatus.RUNNING}),
        RunStatus.COMPLETED: frozenset(),
    }

    status = models.CharField(max_length=50, choices=RunStatus, default=RunStatus.PENDING)
    parameters = models.JSONField(
        default=dict, blank=True, help_text="Every tunable this run was made with."
    )
    provenance = models.JSONField(
        default=dict,
        blank=True,
        help_text="Hashes of inputs and outputs, code and library versions.",
    )
    figures = models.JSONField(
        default=dict,
        blank=True,
        help_text="What was measured: seconds and memory, quality figures.",
    )
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    processing_time_seconds = models.FloatField(null=True, blank=True)
    retry_count = models.PositiveIntegerField(default=0)
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001 -- no error, no text

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=RunStatus.values), name="%(app_label)s_%(class)s_status"
            ),
        ]
        indexes = [models.Index(fields=["status", "created_at"])]

    def start(self) -> None:
        """Claim the run for this worker; a second claim raises InvalidTransition."""
        retries = self.retry_count + (self.status == RunStatus.FAILED)
        transition(
            self,
            RunStatus.RUNNING,
            started_at=timezone.now(),
            completed_at=None,
            error_message=None,
            retry_count=retries,
        )

    def complete(self, **outputs: Any) -> None:
        """Close the run and store what it produced."""
        transition(self, RunStatus.COMPLETED, **self._closing_times(), **outputs)

    def fail(self, error: BaseException) -> None:
        """Close the run and keep the reason, in words."""
        transition(self, RunStatus.FAILED, **self._closing_times(), error_message=explain(error))

    def _closing_times(self) -> dict[str, Any]:
        now = timezone.now()
        took = (now - self.started_at).total_seconds() if self.started_at else None
        return {"completed_at": now, "processing_time_seconds": took}

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the run while the block works; whatever the block raises fails the run."""
        self.start()
        with failing(self):
            yield
