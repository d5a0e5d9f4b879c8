"""What lists of targets and light curves may be asked for."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django_filters import rest_framework as filters

from astrid.core.rest.columns import Columns, WholeFilter
from astrid.core.rest.filters import AreaFilter
from lightcurves.models import DataSet, Target


class NumbersFilter(filters.BaseInFilter, WholeFilter):  # type: ignore[misc]
    """Any of some whole numbers, with commas between them."""


class TargetFilter(Columns):
    """Targets by their catalogue, and by what there is of them."""

    name = NumbersFilter(field_name="name", lookup_expr="in", help_text="Numbers: 1234,1235.")
    mission = filters.CharFilter(field_name="catalog__host_mission__name", help_text="Its name.")
    kind = filters.CharFilter(
        method="with_kind", help_text="A kind of observation, such as tess, of which it has curves."
    )

    class Meta:
        model = Target
        fields = ["catalog", "name"]

    def with_kind(self, rows: QuerySet, name: str, kind: str) -> QuerySet:
        """Keep targets with a curve of that kind."""
        return with_kind(rows, kind)


class DataSetFilter(Columns):
    """Light curves by what they are of and how they were made."""

    target = NumbersFilter(
        field_name="target", lookup_expr="in", help_text="Ids: 7,8; not the catalogue's numbers."
    )
    observation = NumbersFilter(field_name="observation", lookup_expr="in", help_text="Ids: 7,8.")
    id = NumbersFilter(field_name="id", lookup_expr="in", help_text="Ids: 7,8.")
    catalog = WholeFilter(field_name="target__catalog")
    mission = filters.CharFilter(
        field_name="target__catalog__host_mission__name", help_text="Its name."
    )
    kind = filters.CharFilter(
        field_name="observation__type", help_text="The kind of observation, such as tess."
    )

    class Meta:
        model = DataSet
        fields = ["id", "target", "observation", "photometric_method", "processing_method"]


class TargetAreaFilter(AreaFilter):
    """Keep light curves of the targets in a polygon."""

    meaning = AreaFilter.meaning.replace("Rows that lie", "Light curves of targets that lie")

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Search the targets."""
        targets = super().search(Target.objects.all(), text)
        return rows.filter(target__in=targets.values("pk"))


def with_kind(targets: QuerySet, kind: str) -> QuerySet:
    """Keep targets of which there is a curve in an observation of a kind."""
    curves = DataSet.objects.filter(target=OuterRef("pk"), observation__type=kind)
    has: Any = Exists(curves)
    return targets.filter(has)
