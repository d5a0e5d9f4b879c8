"""What the first page says beside the funnel: my work, what is disputed, old or failed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, QuerySet, Value
from django.urls import NoReverseMatch, reverse

from astrid.core.models import Run, RunStatus
from curation import adjudication, leases
from curation.models import ReviewQueue, ReviewTask
from curation.queue import queues_for
from detection.models import Detection, DetectionStatus, ForcedPhotometryRun, ModelRun
from differencing.models import DifferenceRun
from observations.models import ObservationRun
from preprocessing.models import PreprocessRun

DISPUTES_COUNTED = 100  # more than these are not counted


@dataclass(frozen=True)
class Work:
    """What waits for one person, the queue that is shown first at the head."""

    queues: list[ReviewQueue]
    waiting: int

    @property
    def is_many(self) -> bool:
        """Whether more wait than are counted."""
        return self.waiting >= leases.COUNTED

    @property
    def is_blind(self) -> bool:
        """Whether one of the queues hides scores."""
        return any(queue.blind for queue in self.queues)


def work_of(person: User) -> Work:
    """Say what waits for a person who may judge."""
    queues = queues_for(person)
    waiting = leases.waiting_for(queues[0], person) if queues else 0
    return Work(queues, waiting)


def oldest_waiting() -> datetime | None:
    """Give since when the oldest task waits."""
    tasks = ReviewTask.objects.waiting().order_by("id")
    return tasks.values_list("created_at", flat=True).first()


def disputed() -> int:
    """Count what curators disagree on, up to a limit."""
    return len(adjudication.cases().values_list("pk")[:DISPUTES_COUNTED])


def most_promising(number: int = 8) -> QuerySet[Detection]:
    """Give the best scored of the detections that nobody has judged."""
    pending = Detection.objects.believed().filter(status=DetectionStatus.PENDING)
    shown = pending.select_related("observation", "candidate", "sky_object")
    return shown.defer("embedding", "prediction_metadata").order_by("-confidence_score")[:number]


@dataclass(frozen=True)
class Failure:
    """One run that failed, and why."""

    what: str
    at: datetime
    reason: str
    url: str


_STAGES: tuple[type[Run], ...] = (
    *(ObservationRun, PreprocessRun, DifferenceRun),
    *(ModelRun, ForcedPhotometryRun),
)
_SUBJECTS = {
    ObservationRun: "survey__name",
    ForcedPhotometryRun: "difference_run__observation__observation_id",
}


def failures(number: int = 6) -> list[Failure]:
    """Give the runs that failed last, over all stages, in one query."""
    first, *others = (_failed(place, number) for place in range(len(_STAGES)))
    rows = first.union(*others, all=True).order_by("-created_at")[:number]
    return [_failure(*row) for row in rows]


def _failed(place: int, number: int) -> QuerySet:
    kind = _STAGES[place]
    subject = F(_SUBJECTS.get(kind, "observation__observation_id"))
    failed = kind._default_manager.filter(status=RunStatus.FAILED).order_by("-created_at")
    told = failed.annotate(stage=Value(place), subject=subject)
    return told.values_list("stage", "pk", "created_at", "error_message", "subject")[:number]


def _failure(place: int, key: UUID, at: datetime, reason: str | None, subject: str) -> Failure:
    kind = _STAGES[place]
    what = f"{kind._meta.verbose_name} · {subject}"
    return Failure(what, at, reason or "no reason recorded", page_of(kind, key))


def page_of(kind: type[Run], key: UUID) -> str:
    """Give the address of a run's page in the admin; empty where it has none."""
    meta = kind._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[key])
    except NoReverseMatch:
        return ""
