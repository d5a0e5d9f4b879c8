"""Items whose answer is known, and what people answered: how well curators judge.

They are no verdicts: an answer here moves no detection, and a fake is no detection at all, so
neither can reach alerts, the catalog, light curves or statistics.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from astrid.core.ids import new_id
from astrid.core.models import Record
from curation.models.choices import known
from detection.models import Detection, ModelRun


class Truth(models.TextChoices):
    """What is the case."""

    REAL = "real"
    BOGUS = "bogus"


class Origin(models.TextChoices):
    """How the answer is known."""

    CONSENSUS = "consensus", "many people agreed"
    STAFF = "staff", "staff said so"
    FAKE = "fake", "injected"


class GoldItem(Record):
    """One item whose answer is known: a detection, or a source injected into a real frame."""

    detection = models.OneToOneField(
        Detection, models.CASCADE, null=True, blank=True, related_name="gold"
    )
    model_run = models.ForeignKey(
        ModelRun,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="fakes",
        help_text="Into whose frames a fake was injected.",
    )
    truth = models.CharField(max_length=10, choices=Truth)
    label = models.CharField(max_length=50, blank=True)
    origin = models.CharField(max_length=20, choices=Origin, default=Origin.STAFF)
    facts = models.JSONField(
        default=dict, blank=True, help_text="What a fake shows beside its pixels."
    )
    magnitude = models.FloatField(null=True, blank=True, help_text="True magnitude of a fake.")
    snr = models.FloatField(null=True, blank=True, help_text="True S/N of a fake.")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            known("truth", Truth, "gold_truth"),
            known("origin", Origin, "gold_origin"),
            models.CheckConstraint(
                condition=Q(origin=Origin.FAKE, detection=None, model_run__isnull=False)
                | (~Q(origin=Origin.FAKE) & Q(detection__isnull=False, model_run=None)),
                name="gold_fake_or_detection",
            ),
        ]
        indexes = [models.Index(fields=["origin"], condition=Q(is_active=True), name="gold_active")]

    def __str__(self) -> str:
        return f"{self.truth} {self.origin} {self.pk}"


class InjectionTest(Record):
    """How many of the sources injected into one frame the pipeline found."""

    model_run = models.ForeignKey(ModelRun, models.CASCADE, related_name="injection_tests")
    injected = models.PositiveIntegerField()
    recovered = models.PositiveIntegerField()
    seed = models.BigIntegerField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recovered__lte=models.F("injected")), name="injection_recovered"
            ),
            # The same seed makes the same sources: they count once.
            models.UniqueConstraint(fields=["model_run", "seed"], name="injection_once"),
        ]

    def __str__(self) -> str:
        return f"{self.recovered} of {self.injected} in {self.model_run}"


class GoldTrial(Record):
    """One gold item put before one person, unseen among the others."""

    gold = models.ForeignKey(GoldItem, models.CASCADE, related_name="trials")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="gold_trials")
    queue = models.CharField(max_length=50)
    shown_as = models.UUIDField(help_text="The id that the page was given for its detection.")
    is_answered = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["gold", "person"], name="gold_once")]
        indexes = [models.Index(fields=["person", "shown_as"])]

    def __str__(self) -> str:
        return f"{self.gold} before {self.person}"


class GoldVerdict(models.TextChoices):
    """What a person answered."""

    REAL = "real"
    BOGUS = "bogus"
    UNSURE = "unsure"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"


class GoldAnswer(models.Model):
    """What a person said of a gold item; the last one counts, none is changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    trial = models.ForeignKey(GoldTrial, models.CASCADE, related_name="answers")
    client_uuid = models.UUIDField(unique=True)
    verdict = models.CharField(max_length=10, choices=GoldVerdict)
    label = models.CharField(max_length=50, blank=True)
    notes = models.TextField(blank=True)
    ms_spent = models.PositiveIntegerField(null=True, blank=True, help_text="Milliseconds.")
    blind = models.BooleanField(default=False)
    shown_fields = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [known("verdict", GoldVerdict, "gold_verdict")]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.trial}"
