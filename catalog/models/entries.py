"""The published record: entries, their versions and who may see them."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from astrid.core.models import Record
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
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
