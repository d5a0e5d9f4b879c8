"""How networks follow one another: compared, asked for, approved, taken back, watched."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from astrid.core.models import Record
from astrid.core.states import Transitions
from detection.models.networks import Model
from observations.models import Survey


class Comparison(Record):
    """Two networks on one set of labelled stamps, drawn in pairs: the proof of a promotion."""

    challenger = models.ForeignKey(Model, models.PROTECT, related_name="comparisons")
    champion = models.ForeignKey(Model, models.PROTECT, related_name="comparisons_as_champion")
    set_name = models.CharField(max_length=200, help_text="The file of labelled stamps.")
    set_sha256 = models.CharField(max_length=64)
    is_real_set = models.BooleanField(help_text="The stamps come from the sky, not a simulation.")
    real = models.PositiveIntegerField()
    bogus = models.PositiveIntegerField()
    figures = models.JSONField(help_text="Per figure: both networks and their difference.")
    survey_scores = models.JSONField(
        default=dict,
        blank=True,
        help_text="The challenger beside the survey's own scores, where the stamps come with them.",
    )
    margins = models.JSONField(help_text="What non-inferior meant when this was measured.")
    shortcomings = models.JSONField(
        default=list, blank=True, help_text="Why it is no proof of non-inferiority; empty: it is."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(challenger=F("champion")), name="comparison_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.challenger} against {self.champion} on {self.set_name}"

    @property
    def is_proof(self) -> bool:
        """Whether it shows, on real stamps, that the challenger is no worse."""
        return self.is_real_set and not self.shortcomings


class ChangeKind(models.TextChoices):
    """Which way a network comes into force."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class ChangeStatus(models.TextChoices):
    """Where a change of networks stands."""

    REQUESTED = "requested"
    DONE = "done"
    REFUSED = "refused"


_C = ChangeStatus


class ModelChange(Record):
    """One change of the network in force: who asked, on what proof, who approved."""

    TRANSITIONS: ClassVar[Transitions] = {
        _C.REQUESTED: frozenset({_C.DONE, _C.REFUSED}),
        _C.DONE: frozenset(),
        _C.REFUSED: frozenset(),
    }

    kind = models.CharField(max_length=20, choices=ChangeKind)
    model = models.ForeignKey(Model, models.PROTECT, related_name="changes")
    previous = models.ForeignKey(
        Model, models.PROTECT, null=True, blank=True, related_name="changes_away"
    )
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, null=True, blank=True, related_name="changes"
    )
    reason = models.TextField(blank=True, help_text="Why, in the words of who asked.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="model_changes"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True, help_text="Why it was refused.")
    status = models.CharField(max_length=20, choices=ChangeStatus, default=ChangeStatus.REQUESTED)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="change_kind"),
            models.CheckConstraint(
                condition=Q(status__in=ChangeStatus.values), name="change_status"
            ),
            # Nobody approves what they asked for; only a rollback needs no second person.
            models.CheckConstraint(
                condition=~Q(kind="promotion", status="done")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="change_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(kind="promotion", previous__isnull=False)
                | Q(comparison__isnull=False),
                name="change_with_proof",
            ),
            models.UniqueConstraint(
                fields=["model"], condition=Q(status="requested"), name="change_asked_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.model}"


class DriftLevel(models.TextChoices):
    """How far the scores of a week have moved."""

    STEADY = "steady"
    WARNING = "warning"
    ALARM = "alarm"


class DriftWeek(Record):
    """The scores that a network gave in one week of a survey, beside those of its first weeks."""

    model = models.ForeignKey(Model, models.CASCADE, related_name="weeks")
    survey = models.ForeignKey(Survey, models.CASCADE, related_name="model_weeks")
    monday = models.DateField(help_text="First day of the week, by the time of the exposures, UTC.")
    histogram = models.JSONField(help_text="Candidates per bin, 20 bins from 0 to 1.")
    candidates = models.PositiveIntegerField()
    is_reference = models.BooleanField(help_text="One of the weeks that others are compared with.")
    psi = models.FloatField(null=True, blank=True, help_text="Population-stability index.")
    by_chance = models.FloatField(
        null=True, blank=True, help_text="What the index exceeds by chance one week in a hundred."
    )
    level = models.CharField(max_length=20, choices=DriftLevel, default=DriftLevel.STEADY)

    class Meta:
        ordering = ["-monday", "id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "survey", "monday"], name="driftweek_once"),
            models.CheckConstraint(
                condition=Q(level__in=DriftLevel.values), name="driftweek_level"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.survey}, week of {self.monday}"


class DriftAlarm(Record):
    """A drift that operators were told of: from its first week until it is over or seen to."""

    model = models.ForeignKey(Model, models.CASCADE, related_name="drift_alarms")
    survey = models.ForeignKey(Survey, models.CASCADE, related_name="drift_alarms")
    first = models.ForeignKey(
        DriftWeek, models.CASCADE, related_name="+", help_text="The week that told of it."
    )
    last = models.ForeignKey(
        DriftWeek, models.CASCADE, related_name="+", help_text="The newest week that alarmed."
    )
    over_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(
        null=True, blank=True, help_text="A later week that alarms is told of again."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "survey"],
                condition=Q(over_at__isnull=True, acknowledged_at__isnull=True),
                name="driftalarm_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"drift of {self.model} on {self.survey} since {self.first.monday}"

    @property
    def is_open(self) -> bool:
        """Whether it goes on and nobody has seen to it."""
        return self.over_at is None and self.acknowledged_at is None
