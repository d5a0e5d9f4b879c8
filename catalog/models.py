"""The final record, exports and summaries; and what operators see: jobs, settings, audit."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from astrid.core.errors import BadParameters
from astrid.core.ids import new_id
from astrid.core.models import Progressing, Record, Run, share_done
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
from catalog import keys
from catalog.access.models import ApiKey as ApiKey
from catalog.access.models import ExternalIdentity as ExternalIdentity
from catalog.access.models import ServiceAccount as ServiceAccount
from catalog.analytics.models import Tally as Tally
from catalog.exports.models import ExportFormat as ExportFormat
from catalog.exports.models import SavedQuery as SavedQuery
from catalog.live.models import Event as Event
from catalog.vo.models import TapJob as TapJob
from curation.roles import sees_drafts
from detection.models import DetectionType, SkyObject


class PublicationState(models.TextChoices):
    """Who may see a catalog entry."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded", "superseded: a later version is published"
    RETRACTED = "retracted"


_P = PublicationState


class CatalogEntryQuerySet(SkyQuerySet):
    """Questions asked of entries more than once."""

    def shown_to(self, user: Any) -> Self:
        """Keep what a person may see: guests see what is published."""
        if sees_drafts(user):
            return self
        return self.filter(publication_state=PublicationState.PUBLISHED)


class CatalogEntry(Record, SkyPosition):
    """The final record of a confirmed object; a change makes a new version.

    The newest version is current; the published one is what everybody sees, until a later one
    is published in its place or it is retracted.
    """

    STATE_COLUMN: ClassVar[str] = "publication_state"
    TRANSITIONS: ClassVar[Transitions] = {
        _P.DRAFT: frozenset({_P.PUBLISHED, _P.RETRACTED}),
        _P.PUBLISHED: frozenset({_P.SUPERSEDED, _P.RETRACTED}),
        _P.SUPERSEDED: frozenset(),
        _P.RETRACTED: frozenset(),
    }

    sky_object = models.ForeignKey(SkyObject, models.PROTECT, related_name="catalog_entries")
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    designation = models.CharField(max_length=50)
    object_class = models.CharField(max_length=50, choices=DetectionType)
    posterior = models.FloatField(help_text="Probability of being real, from people and network.")
    position_error_arcsec = models.FloatField(null=True, blank=True)
    magnitudes = models.JSONField(
        default=dict, blank=True, help_text="Per band: peak flux in ADU with error, and epoch."
    )
    evidence = models.JSONField(
        default=dict, blank=True, help_text="Detections, verdicts and model that it rests on."
    )
    publication_state = models.CharField(
        max_length=20, choices=PublicationState, default=PublicationState.DRAFT
    )
    published_at = models.DateTimeField(null=True, blank=True)
    retracted_at = models.DateTimeField(null=True, blank=True)
    retraction_reason = models.TextField(blank=True, help_text="Why it is retracted, in words.")

    objects = CatalogEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "catalog entries"
        constraints = [
            *SkyPosition.Meta.constraints,
            models.UniqueConstraint(fields=["sky_object", "version"], name="entry_version_once"),
            models.UniqueConstraint(
                fields=["sky_object"], condition=Q(is_current=True), name="entry_one_current"
            ),
            models.UniqueConstraint(
                fields=["sky_object"],
                condition=Q(publication_state=PublicationState.PUBLISHED),
                name="entry_one_published",
            ),
            models.CheckConstraint(condition=Q(posterior__range=(0, 1)), name="entry_posterior"),
            models.CheckConstraint(
                condition=Q(publication_state__in=PublicationState.values),
                name="entry_publication_state",
            ),
            models.CheckConstraint(
                condition=Q(object_class__in=DetectionType.values), name="entry_class"
            ),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(
                fields=["designation"], opclasses=["varchar_pattern_ops"], name="entry_name_start"
            ),
            models.Index(fields=["object_class", "-id"]),
            models.Index(fields=["-id"], condition=Q(is_current=False), name="entry_earlier"),
            models.Index(fields=["publication_state", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.designation} v{self.version}"


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


class SystemConfig(Record):
    """A setting of the science, typed and validated by its key."""

    key = models.CharField(max_length=100, unique=True)
    value = models.JSONField(blank=True)  # an empty list of rules is a value
    description = models.TextField(null=True, blank=True)  # noqa: DJ001
    is_active = models.BooleanField(default=True)
    effective_since = models.DateTimeField(
        auto_now_add=True, help_text="When the present value came into force."
    )

    class Meta:
        verbose_name = "setting"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Refuse a value that the key does not allow, field by field; fill in the defaults."""
        try:
            problems = keys.problems_of(self.key, self.value)
        except BadParameters as error:  # the key itself is unknown
            raise ValidationError(str(error)) from error
        if problems:
            raise ValidationError({"value": problems})
        self.value = keys.plain(keys.parse(self.key, self.value))


class SettingChange(Record):
    """One change of a setting: who, when, from what to what, and why; never changed itself."""

    setting = models.ForeignKey(SystemConfig, models.CASCADE, related_name="history")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the program or a command.",
    )
    reason = models.TextField(help_text="Why, in the words of who made it.")
    value_before = models.JSONField(null=True, blank=True)
    value_after = models.JSONField(blank=True)
    was_active = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="setting_change_has_a_reason")
        ]
        indexes = [models.Index(fields=["setting", "-id"])]

    def __str__(self) -> str:
        return f"{self.setting} on {self.created_at:%Y-%m-%d %H:%M}"


class AuditLog(models.Model):
    """Who changed what, from where; written by the database, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    entity_type = models.CharField(max_length=50)
    entity_id = models.UUIDField()
    action = models.CharField(max_length=50)
    user_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    old_values = models.JSONField(null=True, blank=True)
    new_values = models.JSONField(null=True, blank=True)
    change_summary = models.TextField(null=True, blank=True)  # noqa: DJ001
    ip_address = models.CharField(max_length=45, null=True, blank=True)  # noqa: DJ001
    user_agent = models.TextField(null=True, blank=True)  # noqa: DJ001

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["entity_type", "-id"], name="audit_of_table"),
            models.Index(fields=["entity_id", "-id"], name="audit_of_row"),
            models.Index(fields=["user_id", "-id"]),
            models.Index(fields=["action", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"


class Analytics(Record):
    """One figure of a day: tallies of what was done, added up (:mod:`catalog.analytics`)."""

    day = models.DateField()
    survey = models.ForeignKey(
        "observations.Survey", models.CASCADE, null=True, blank=True, related_name="+"
    )
    filter_band = models.CharField(max_length=50, blank=True)
    model = models.ForeignKey(
        "detection.Model", models.CASCADE, null=True, blank=True, related_name="+"
    )
    curator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    metric = models.CharField(max_length=100)
    bin = models.SmallIntegerField(
        default=-1, help_text="Of a time: which bin of its sketch; -1: not a time."
    )
    value = models.FloatField(help_text="Sum of seconds, where the metric has them.")
    count = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        verbose_name_plural = "analytics"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "metric", "survey", "filter_band", "model", "curator", "bin"],
                nulls_distinct=False,
                name="analytics_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["metric"], opclasses=["varchar_pattern_ops"], name="analytics_metric_start"
            ),
            models.Index(fields=["day", "id"], name="analytics_by_day"),
            models.Index(fields=["filter_band", "-id"], name="analytics_of_band"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} on {self.day}"


class ExportJob(Progressing, Run):
    """One file of rows that somebody asked for."""

    file_format = models.CharField(max_length=20, choices=ExportFormat)
    query = models.JSONField(default=dict, blank=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="exports"
    )
    saved_query = models.ForeignKey(
        SavedQuery, models.SET_NULL, null=True, blank=True, related_name="files"
    )
    is_scheduled = models.BooleanField(
        default=False, help_text="Made at the hour of its saved query; a failure is told of."
    )
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    file_path = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="export_format"
            ),
        ]
        indexes = [
            *Run.Meta.indexes,
            models.Index(fields=["file_format", "-id"], name="export_of_format"),
        ]

    def __str__(self) -> str:
        return f"{self.file_format} export"


class CrossmatchTarget(models.TextChoices):
    """What a table is matched with."""

    OBJECTS = "objects"
    ENTRIES = "entries"
    DETECTIONS = "detections"
    CONTEXT = "context"


class CrossmatchJob(Run):
    """A table that somebody sent, to be matched with rows of ours by position."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="crossmatches"
    )
    target = models.CharField(max_length=20, choices=CrossmatchTarget)
    radius_arcsec = models.FloatField()
    is_best = models.BooleanField(
        default=True, help_text="The nearest row for each position, or all within the radius."
    )
    file_format = models.CharField(max_length=20, choices=ExportFormat)
    upload_path = models.CharField(max_length=500)
    upload_name = models.CharField(max_length=200, help_text="What the sent file was called.")
    ra_column = models.CharField(max_length=100)
    dec_column = models.CharField(max_length=100)
    positions = models.PositiveIntegerField(help_text="Rows of the table.")
    positions_done = models.PositiveIntegerField(default=0, help_text="How far it has come.")
    progress = share_done("positions_done", "positions")
    positions_missing = models.PositiveIntegerField(
        default=0, help_text="Rows of the table without a place on the sky."
    )
    rows = models.PositiveBigIntegerField(null=True, blank=True, help_text="Matches found.")
    file_path = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    @property
    def work_done(self) -> int:
        """Give how far it has come, as other work says it."""
        return self.positions_done

    @property
    def work_total(self) -> int:
        """Give of how many."""
        return self.positions

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="crossmatch_format"
            ),
            models.CheckConstraint(
                condition=Q(target__in=CrossmatchTarget.values), name="crossmatch_target"
            ),
            models.CheckConstraint(condition=Q(radius_arcsec__gt=0), name="crossmatch_radius"),
        ]
        indexes = [*Run.Meta.indexes, models.Index(fields=["requester", "-id"])]

    def __str__(self) -> str:
        return f"{self.upload_name} with {self.target}"
