"""What waits for a verdict, for whom, and in which order."""

from collections.abc import Sequence
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from astrid.core.errors import BadParameters
from astrid.core.ids import new_id
from astrid.core.models import Record
from curation.filters import QueueFilter
from curation.models.choices import known
from detection.models import Detection, DetectionType
from observations.models import Survey


class Order(models.TextChoices):
    """Which tasks of a queue come first."""

    SCORE = "score", "highest score"
    PRIORITY = "priority", "highest priority, then highest score"
    LEARNING = "learning", "what the network learns most from"
    OLDEST = "oldest", "longest waiting"
    SIMILARITY = "similarity", "highest score, then what looks like it"


def _share(meaning: str) -> models.FloatField:
    inside = [MinValueValidator(0.0), MaxValueValidator(0.5)]
    return models.FloatField(default=0.0, validators=inside, help_text=meaning)


class ReviewQueue(Record):
    """A saved queue: which tasks, in which order, under which policy."""

    slug = models.SlugField(max_length=50, unique=True, help_text="Its address below /console/.")
    name = models.CharField(max_length=100)
    filter = models.JSONField(default=dict, blank=True, help_text="Empty: all that waits.")
    order = models.CharField(max_length=20, choices=Order, default=Order.PRIORITY)
    votes_required = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="People who must agree on each of its detections; the setting review may ask "
        "for more.",
    )
    blind = models.BooleanField(
        default=False, help_text="Score and votes stay hidden until one's own verdict."
    )
    gold_share = _share("Share of items whose answer is known, mixed in unseen; 0 to 0.5.")
    fake_share = _share("Share of injected sources, mixed in unseen; 0 to 0.5.")
    show_feedback = models.BooleanField(
        default=False, help_text="Say after the verdict that an item was a test."
    )
    curators = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="review_queues",
        help_text="Who works on it; nobody named: every curator.",
    )
    is_active = models.BooleanField(default=True)
    position = models.SmallIntegerField(default=0, help_text="The lowest is the one shown first.")

    class Meta:
        ordering = ["position", "slug"]
        constraints = [
            known("order", Order, "queue_order"),
            models.CheckConstraint(condition=Q(votes_required__range=(1, 20)), name="queue_votes"),
            models.CheckConstraint(
                condition=Q(gold_share__range=(0, 0.5), fake_share__range=(0, 0.5)),
                name="queue_shares",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def wanted(self) -> QueueFilter:
        """The filter, typed."""
        return QueueFilter.of(self.filter)

    @property
    def condition(self) -> Q:
        """The condition on tasks that the filter makes."""
        return self.wanted.as_q()

    def clean(self) -> None:
        """Refuse a filter that means nothing."""
        try:
            self.wanted  # noqa: B018 -- parsing is the check
        except BadParameters as error:
            raise ValidationError({"filter": str(error)}) from error


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    """Questions asked of the queue more than once."""

    def waiting(self) -> Self:
        """Tasks that still need a verdict."""
        return self.filter(done_at__isnull=True)

    def new_to(self, person: int) -> Self:
        """Tasks that this person neither judged nor skipped, and that are not somebody else's."""
        return self.exclude(seen_by__contains=[person]).filter(
            Q(assigned_to=None) | Q(assigned_to=person)
        )

    def by_chance(self) -> Self:
        """Tasks of the random sample, in the order that chance gave them."""
        return self.filter(sampling_weight__isnull=False).order_by("turn", "id")

    def in_order(self, order: str) -> Self:
        """Tasks as a queue of this order gives them."""
        return self.order_by(*ORDERS[Order(order)])


# Each is served by an index of the waiting tasks. Version 7 ids rise with time.
ORDERS: dict[Order, Sequence[str]] = {
    Order.SCORE: ("-score", "id"),
    Order.PRIORITY: ("-priority", "-score", "id"),
    Order.LEARNING: ("-learning", "id"),
    Order.OLDEST: ("id",),
    Order.SIMILARITY: ("-score", "id"),
}


def _index_of(order: Order, name: str) -> models.Index:
    waiting = Q(done_at__isnull=True)
    return models.Index(fields=list(ORDERS[order]), condition=waiting, name=name)


class ReviewTask(Record):
    """One detection waiting for a verdict; a small table, so the queue stays quick.

    What queues filter by is copied here when the task is opened.
    """

    detection = models.OneToOneField(Detection, models.CASCADE, related_name="review_task")
    priority = models.IntegerField(default=0)
    score = models.FloatField(help_text="The detection's confidence, for the order.")
    learning = models.FloatField(default=0.0, help_text="How much a verdict would teach.")
    sampling_weight = models.FloatField(
        null=True,
        blank=True,
        help_text="Of the random sample: 1 / the chance that it was chosen; for honest figures.",
    )
    turn = models.FloatField(
        default=0.0, help_text="Place in the order of the random sample, drawn by chance."
    )
    offered_at = models.DateTimeField(
        null=True, blank=True, help_text="When its turn in the random sample came."
    )
    survey = models.ForeignKey(Survey, models.CASCADE, null=True, related_name="+")
    band = models.CharField(max_length=50, blank=True)
    snr = models.FloatField(null=True, blank=True, help_text="Flux over its error.")
    kind = models.CharField(
        max_length=50, choices=DetectionType, default=DetectionType.UNKNOWN, help_text="Its class."
    )
    flags = models.PositiveSmallIntegerField(default=0, help_text="Bits: curation.flags.")
    is_new_object = models.BooleanField(default=False, help_text="Nothing was seen there before.")
    near_galaxy = models.BooleanField(default=False, help_text="An extended source is beside it.")
    votes = models.PositiveSmallIntegerField(default=0, help_text="Verdicts in force.")
    votes_required = models.PositiveSmallIntegerField(
        default=1, help_text="What the queues that hold it ask for."
    )
    seen_by = ArrayField(
        models.IntegerField(), default=list, blank=True, help_text="Who judged or skipped it."
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_tasks",
        help_text="Nobody: whoever comes first.",
    )
    busy_until = models.DateTimeField(
        null=True, blank=True, help_text="All its places are leased until then."
    )
    done_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "-score", "id"]
        constraints = [
            known("kind", DetectionType, "task_kind"),
            models.CheckConstraint(condition=Q(learning__range=(0, 1)), name="task_learning"),
            models.CheckConstraint(
                condition=Q(sampling_weight__isnull=True) | Q(sampling_weight__gte=1),
                name="task_sampling_weight",
            ),
        ]
        indexes = [
            _index_of(Order.PRIORITY, "review_next"),
            _index_of(Order.SCORE, "review_by_score"),
            models.Index(fields=["band", "-id"], name="review_of_band"),
            models.Index(fields=["kind", "-id"], name="review_of_kind"),
            _index_of(Order.LEARNING, "review_by_learning"),
            _index_of(Order.OLDEST, "review_by_age"),
            models.Index(
                fields=["turn", "id"],
                condition=Q(done_at__isnull=True, sampling_weight__isnull=False),
                name="review_by_chance",
            ),
            models.Index(fields=["snr"], condition=Q(done_at__isnull=True), name="review_by_snr"),
        ]

    def __str__(self) -> str:
        return f"review of {self.detection}"


class Lease(Record):
    """A task in one person's hands until a moment; the heartbeat moves that moment on."""

    task = models.ForeignKey(ReviewTask, models.CASCADE, related_name="leases")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="leases")
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["task", "holder"], name="lease_once")]
        indexes = [models.Index(fields=["holder", "ends_at"])]

    def __str__(self) -> str:
        return f"{self.task} by {self.holder} until {self.ends_at:%H:%M}"


class SkippedTask(Record):
    """A detection that a person passed over, and why."""

    detection = models.ForeignKey(Detection, models.CASCADE, related_name="skips")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="skips")
    reason = models.TextField(blank=True)
    client_uuid = models.UUIDField(unique=True, default=new_id)
    is_withdrawn = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.person} passed over {self.detection}"
