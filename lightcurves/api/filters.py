"""What lists of targets and light curves may be asked for."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django_filters import rest_framework as filters

from astrid.core.rest.columns import Columns, WholeFilter
from astrid.core.rest.filters import AreaFilter
from lightcurves.models import DataSet, MissionCatalog, Observation, Target


class NumbersFilter(filters.BaseInFilter, WholeFilter):  # type: ignore[misc]
    """Any of some whole numbers, with commas between them."""


class TargetFilter(Columns):
    """Targets by their catalogue, and by what there is of them."""

    name = NumbersFilter(field_name="name", lookup_expr="in", help_text="Numbers: 1234,1235.")
    mission = filters.CharFilter(method="of_mission", help_text="Its name.")
    kind = filters.CharFilter(
        method="with_kind", help_text="A kind of observation, such as tess, of which it has curves."
    )

    class Meta:
        model = Target
        fields = ["catalog", "name"]

    def with_kind(self, rows: QuerySet, name: str, kind: str) -> QuerySet:
        """Keep targets with a curve of that kind."""
        return with_kind(rows, kind)

    def of_mission(self, rows: QuerySet, name: str, mission: str) -> QuerySet:
        """Keep targets of that mission."""
        return rows.filter(catalog__in=_catalogs_of(mission))


class DataSetFilter(Columns):
    """Light curves by what they are of and how they were made."""

    target = NumbersFilter(
        field_name="target", lookup_expr="in", help_text="Ids: 7,8; not the catalogue's numbers."
    )
    observation = NumbersFilter(field_name="observation", lookup_expr="in", help_text="Ids: 7,8.")
    id = NumbersFilter(field_name="id", lookup_expr="in", help_text="Ids: 7,8.")
    catalog = WholeFilter(field_name="target__catalog")
    mission = filters.CharFilter(method="of_mission", help_text="Its name.")
    kind = filters.CharFilter(method="of_kind", help_text="The kind of observation, such as tess.")

    class Meta:
        model = DataSet
        fields = ["id", "target", "observation", "photometric_method", "processing_method"]

    def of_mission(self, rows: QuerySet, name: str, mission: str) -> QuerySet:
        """Keep light curves of targets of that mission."""
        return rows.filter(target__catalog__in=_catalogs_of(mission))

    def of_kind(self, rows: QuerySet, name: str, kind: str) -> QuerySet:
        """Keep light curves of observations of that kind."""
        return rows.filter(observation__type=kind) if _is_observed(kind) else rows.none()


class TargetAreaFilter(AreaFilter):
    """Keep light curves of the targets in a polygon."""

    meaning = AreaFilter.meaning.replace("Rows that lie", "Light curves of targets that lie")

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Search the targets."""
        targets = super().search(Target.objects.all(), text)
        return rows.filter(target__in=targets.values("pk"))


def with_kind(targets: QuerySet, kind: str) -> QuerySet:
    """Keep targets of which there is a curve in an observation of a kind."""
    if not _is_observed(kind):
        return targets.none()
    curves = DataSet.objects.filter(target=OuterRef("pk"), observation__type=kind)
    has: Any = Exists(curves)
    return targets.filter(has)


# A name that nothing has is looked up in its own small table: PostgreSQL does not know that no row
# will come of it, and would look at every light curve for one.
def _catalogs_of(mission: str) -> list[int]:
    return [*MissionCatalog.objects.filter(host_mission__name=mission).values_list("pk", flat=True)]


def _is_observed(kind: str) -> bool:
    return bool(Observation.objects.filter(type=kind).exists())
