"""Who asks, and what they may see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from catalog.models import CatalogEntry
from catalog.vo import tables, tap_schema
from catalog.vo.adql.schema import Published, Table
from catalog.vo.obscore import Archive, Product, obscore, products
from catalog.vo.parameters import Access, VoParameters
from curation.roles import DRAFTS
from detection.models import ContextSource, Detection, SkyObject
from differencing.models import Candidate
from observations.models import Observation


@dataclass(frozen=True)
class Caller:
    """Who asks, by which address of this site, under which settings."""

    user: AbstractBaseUser | AnonymousUser | None
    root: str
    settings: VoParameters

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in."""
        return self.user is not None and self.user.is_authenticated

    def may(self, permission: str) -> bool:
        """Tell whether a permission is given: to the user, or to everybody by the setting."""
        if self.settings.anonymous_access == Access.EVERYTHING:
            return True
        return self.is_known and self.user.has_perm(permission)  # type: ignore[union-attr]

    @property
    def sees_published(self) -> bool:
        """Whether what is published is shown."""
        return self.is_known or self.settings.anonymous_access != Access.NOTHING

    @property
    def archive(self) -> Archive:
        """What stands in identifiers and addresses."""
        return Archive(self.settings.authority, self.root)

    def products(self) -> list[Product]:
        """Give the kinds of images that this caller may see."""
        return [each for each in products() if self.may(each.permission)]


@dataclass(frozen=True)
class Rule:
    """Which permission shows all rows of a table, and which rows are shown without it."""

    name: str
    permission: str
    make: Callable[[QuerySet[Any]], Table]
    everything: Callable[[], QuerySet[Any]]
    published: Callable[[], QuerySet[Any]] | None = None

    def rows(self, caller: Caller) -> QuerySet[Any] | None:
        """Give the rows that a caller may see; None where that is no row at all."""
        if caller.may(self.permission):
            return self.everything()
        if self.published is not None and caller.sees_published:
            return self.published()
        return None


RULES = (
    Rule(
        "astrid.entries",
        DRAFTS,
        tables.entries,
        lambda: CatalogEntry.objects.filter(is_current=True),
        tables.published_entries,
    ),
    Rule(
        "astrid.objects",
        "detection.view_skyobject",
        tables.objects,
        SkyObject.objects.all,
        tables.published_objects,
    ),
    Rule(
        "astrid.detections",
        "detection.view_detection",
        tables.detections,
        Detection.objects.believed,
    ),
    Rule(
        "astrid.candidates",
        "differencing.view_candidate",
        tables.candidates,
        Candidate.objects.all,
    ),
    Rule(
        "astrid.context",
        "detection.view_contextsource",
        tables.context,
        ContextSource.objects.all,
    ),
    Rule(
        "astrid.observations",
        "observations.view_observation",
        tables.observations,
        Observation.objects.all,
    ),
)
BY_NAME = {each.name: each for each in RULES}
OBSCORE = "ivoa.obscore"


def published_for(caller: Caller, uploads: Sequence[Table] = ()) -> Published:
    """Give the tables that a caller may ask, with those that came along."""
    makers: dict[str, Callable[[], Table]] = {}
    withheld = set()
    for rule in RULES:
        rows = rule.rows(caller)
        if rows is None:
            withheld.add(rule.name)
        else:
            makers[rule.name] = cache(partial(rule.make, rows))
    images = caller.products()
    if images:
        makers[OBSCORE] = cache(partial(obscore, caller.archive, images))
    else:
        withheld.add(OBSCORE)
    asked = dict(makers)
    describing = cache(lambda: tap_schema.described([make() for make in asked.values()]))
    for place, name in enumerate(tap_schema.NAMES):
        makers[name.lower()] = partial(_nth, describing, place)
    for upload in uploads:
        makers[upload.name.lower()] = partial(_same, upload)
    return Published(makers, frozenset(withheld))


def _nth(made: Callable[[], list[Table]], place: int) -> Table:
    return made()[place]


def _same(table: Table) -> Table:
    return table
