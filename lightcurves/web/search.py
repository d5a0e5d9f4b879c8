"""Which targets a reader asks for: by name or place, mission, catalogue and kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min
from django.db.models.lookups import IsNull

from astrid.core import cones
from lightcurves.api.filters import with_kind
from lightcurves.errors import BadLightCurve
from lightcurves.models import DataSet, Observation, Target
from lightcurves.reading.ztf import target_number
from lightcurves.web.names import names_of

HELP = f"A number, with its catalogue or alone (TIC 25155310, ZTF18abcdefg), or {cones.HELP}."

# What stands for a target: processed rather than raw, the longest, the first of them.
_STANDS = (IsNull(F("processing_method"), True).asc(), F("n").desc(), F("pk").asc())


class BadSearch(ValueError):
    """Words that name no target and no place."""


@dataclass(frozen=True)
class Search:
    """What was asked for; empty where nothing was."""

    words: str = ""
    mission: str = ""
    catalog: str = ""
    kind: str = ""

    @classmethod
    def of(cls, asked: Any) -> "Search":
        """Read it from a query."""
        given = {name: asked.get(name, "").replace("\x00", "").strip() for name in
                 ("mission", "catalog", "kind")}  # fmt: skip
        return cls(asked.get("q", "").replace("\x00", "").strip(), **given)

    def rows(self) -> Any:
        """Give the targets, those in a cone by their distance from its centre.

        Raises
        ------
        BadSearch
            If the words name neither a target nor a cone, or the kind is not known.
        """
        found = self._filtered(Target.objects.select_related("catalog__host_mission"))
        try:
            cone = cones.cone_of(self.words)
            if cone is not None:
                near = found.cone_search(cone.ra, cone.dec, cone.radius_deg)
                return near.order_by("separation_deg", "id")
        except ValueError as error:
            raise BadSearch(f"{self.words!r}: {error}") from error
        return self._named(found).order_by("id") if self.words else found.order_by("id")

    def _filtered(self, rows: Any) -> Any:
        if self.mission:
            rows = rows.filter(catalog__host_mission__name=self.mission)
        if self.catalog:
            rows = rows.filter(catalog__name=self.catalog)
        if self.kind and self.kind not in Observation.kinds:
            raise BadSearch(f"there is no kind of observation called {self.kind!r}")
        return with_kind(rows, self.kind) if self.kind else rows

    def _named(self, rows: Any) -> Any:
        catalog, _, number = self.words.rpartition(" ")
        if catalog:
            rows = rows.filter(catalog__name__iexact=catalog.strip())
        try:
            return rows.filter(name=target_number(number))
        except BadLightCurve as error:
            raise BadSearch(f"{self.words!r} names neither a target nor a cone: {error}") from error


@dataclass(frozen=True)
class Listed:
    """A target with what there is of it; ``shown`` is the light curve that stands for it."""

    target: Target
    name: str
    curves: int = 0
    points: int = 0
    first: float | None = None
    last: float | None = None
    kinds: tuple[str, ...] = ()
    shown: int | None = None


def listed(targets: Iterable[Target]) -> list[Listed]:
    """Say what there is of targets, in two queries."""
    rows = list(targets)
    names = names_of(rows)
    found = {
        row.pop("target"): row
        for row in DataSet.objects.filter(target__in=rows)
        .order_by()
        .values("target")
        .annotate(
            curves=Count("pk"),
            points=Max("n"),
            first=Min("t_first"),
            last=Max("t_last"),
            kinds=ArrayAgg("observation__type", distinct=True),
            shown=ArrayAgg("pk", order_by=_STANDS),
        )
    }
    return [_listed(row, names[row.pk], found.get(row.pk)) for row in rows]


def _listed(target: Target, name: str, found: dict[str, Any] | None) -> Listed:
    if found is None:
        return Listed(target, name)
    kinds, shown = tuple(found.pop("kinds")), found.pop("shown")
    return Listed(target, name, **found, kinds=kinds, shown=shown[0])
