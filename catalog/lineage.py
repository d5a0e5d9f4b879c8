"""The last steps of how a detection came into the catalog, for the page about its object."""

from collections.abc import Iterator
from datetime import datetime

from catalog.models import CatalogEntry
from detection.models import SkyObject
from detection.provenance import Step


def _day(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d}" if moment else None


def entries_of(thing: SkyObject) -> Iterator[Step]:
    """Give every version of the catalog entry of an object, the first one first."""
    for entry in CatalogEntry.objects.filter(sky_object=thing).order_by("version"):
        facts = {
            "version": entry.version,
            "in force": entry.is_current,
            "class": entry.object_class,
            "posterior": entry.posterior,
            "state": entry.publication_state,
            "published": _day(entry.published_at),
            "retracted": _day(entry.retracted_at),
            "because": entry.retraction_reason or None,
        }
        yield Step("Catalog entry", entry, facts, entry.evidence)
