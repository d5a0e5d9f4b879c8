"""Which version of an object's entry everybody sees: published, superseded, retracted.

A designation is the object's and never changes; versions count up below it. At most one version of
an object is published. A version that was once published is kept as it was for good.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from astrid.core.errors import AstridError, InvalidTransition
from astrid.core.states import transition
from catalog.models import CatalogEntry, PublicationState
from detection.models import SkyObject

MAY = "catalog.change_catalogentry"


class NoReason(AstridError):
    """A retraction without a word why."""


@transaction.atomic
def make_public(entry: CatalogEntry) -> None:
    """Publish the current version of an entry; the one that was published is superseded.

    Raises
    ------
    InvalidTransition
        If it is not the current version, or is no draft.
    """
    SkyObject.objects.select_for_update().get(pk=entry.sky_object_id)
    versions = CatalogEntry.objects.filter(sky_object=entry.sky_object_id)
    current = versions.get(is_current=True)
    if current.pk != entry.pk:
        raise InvalidTransition(
            f"{entry} is not the newest: version {current.version} is to be published instead"
        )
    for before in versions.filter(publication_state=PublicationState.PUBLISHED).exclude(
        pk=entry.pk
    ):
        transition(before, PublicationState.SUPERSEDED)
    transition(entry, PublicationState.PUBLISHED, published_at=timezone.now())


def retract(entry: CatalogEntry, reason: str) -> None:
    """Take a published version back for good; nothing stands in its place.

    Raises
    ------
    NoReason
        If the reason is empty.
    InvalidTransition
        If it is not published.
    """
    if not reason.strip():
        raise NoReason("Say why it is retracted: the reason is kept with the entry.")
    now = CatalogEntry.objects.values_list("publication_state", flat=True).get(pk=entry.pk)
    if now != PublicationState.PUBLISHED:
        raise InvalidTransition(f"{entry} is {now}: only what is published is retracted")
    _retract(entry, reason.strip())


def retract_all(thing: SkyObject, reason: str) -> None:
    """Retract what is current or published of an object that nobody confirms any more."""
    shown = Q(is_current=True) | Q(publication_state=PublicationState.PUBLISHED)
    open_states = (PublicationState.DRAFT, PublicationState.PUBLISHED)
    found = CatalogEntry.objects.filter(shown, sky_object=thing, publication_state__in=open_states)
    for entry in found:
        _retract(entry, reason)


def _retract(entry: CatalogEntry, reason: str) -> None:
    transition(
        entry,
        PublicationState.RETRACTED,
        retracted_at=timezone.now(),
        retraction_reason=reason,
    )
