"""Read endpoints of the light-curve store."""

from typing import Any, ClassVar

from rest_framework import serializers

from astrid.core.api import CHOSEN, ReadViewSet, SkyReadViewSet
from astrid.core.rest.filters import ConeFilter
from lightcurves.api import serializers as shown
from lightcurves.api.downloads import Downloads
from lightcurves.api.filters import DataSetFilter, TargetAreaFilter, TargetFilter
from lightcurves.models import (
    CurveFeatures,
    DataSet,
    DataSetHierarchy,
    FITSFrame,
    Instrument,
    Mission,
    MissionCatalog,
    Observation,
    PhotometricSource,
    ProcessingMethod,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
)


class ArrayViewSet(ReadViewSet):
    """Lists without arrays, one row with them."""

    detail_serializer_class: ClassVar[type[serializers.BaseSerializer]]

    def get_queryset(self) -> Any:
        """Fetch arrays along with the one row that shows them."""
        rows: Any = super().get_queryset()
        return rows.with_arrays() if self.action == "retrieve" else rows

    def get_serializer_class(self) -> Any:
        """Show arrays for one row only."""
        return self.detail_serializer_class if self.action == "retrieve" else self.serializer_class


class MissionViewSet(ReadViewSet):
    """Missions."""

    queryset = Mission.objects.order_by("name")
    serializer_class = shown.LightcurveMissionSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "time_format_name"]


class MissionCatalogViewSet(ReadViewSet):
    """Catalogues of missions."""

    queryset = MissionCatalog.objects.order_by("name")
    serializer_class = shown.LightcurveMissionCatalogSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "host_mission"]


class TargetViewSet(SkyReadViewSet):
    """Targets."""

    queryset = Target.objects.order_by("id")
    serializer_class = shown.LightcurveTargetSerializer
    filterset_class = TargetFilter


class InstrumentViewSet(ReadViewSet):
    """Instruments and their parts."""

    queryset = Instrument.objects.order_by("name", "id")
    serializer_class = shown.LightcurveInstrumentSerializer
    search_fields = ["name"]
    filterset_fields = ["name", "parent"]


class LightcurveObservationViewSet(ArrayViewSet):
    """Observations of every kind."""

    queryset = Observation.objects.order_by("id")
    serializer_class = shown.LightcurveObservationSerializer
    detail_serializer_class = shown.LightcurveObservationDetailSerializer
    filterset_fields = ["type", "instrument"]


class FITSFrameViewSet(ReadViewSet):
    """FITS files of single cadences."""

    queryset = FITSFrame.objects.order_by("id")
    serializer_class = shown.LightcurveFITSFrameSerializer
    filterset_fields = ["type", "cadence", "observation"]


class PhotometricSourceViewSet(ReadViewSet):
    """Ways to take a brightness from pixels."""

    queryset = PhotometricSource.objects.order_by("name")
    serializer_class = shown.LightcurvePhotometricSourceSerializer
    search_fields = ["name"]
    filterset_fields = ["name"]


class ProcessingMethodViewSet(ReadViewSet):
    """Ways to process a brightness."""

    queryset = ProcessingMethod.objects.order_by("name")
    serializer_class = shown.LightcurveProcessingMethodSerializer
    search_fields = ["name"]
    filterset_fields = ["name"]


class DataSetViewSet(Downloads, ArrayViewSet):
    """Light curves; a cone keeps those of the targets in it."""

    queryset = DataSet.objects.order_by("id")
    serializer_class = shown.LightcurveDataSetSerializer
    detail_serializer_class = shown.LightcurveDataSetDetailSerializer
    filterset_class = DataSetFilter
    filter_backends = [*CHOSEN, ConeFilter, TargetAreaFilter]


class DataSetHierarchyViewSet(ReadViewSet):
    """Steps of derivation."""

    queryset = DataSetHierarchy.objects.order_by("id")
    serializer_class = shown.LightcurveDataSetHierarchySerializer
    filterset_fields = ["source_dataset", "child_dataset"]


class TargetSpecificTimeViewSet(ArrayViewSet):
    """Barycentric times."""

    queryset = TargetSpecificTime.objects.order_by("id")
    serializer_class = shown.LightcurveTimeSerializer
    detail_serializer_class = shown.LightcurveTimeDetailSerializer
    filterset_fields = ["target", "observation"]


class QualityFlagArrayViewSet(ArrayViewSet):
    """Quality flags."""

    queryset = QualityFlagArray.objects.order_by("id")
    serializer_class = shown.LightcurveQualityFlagArraySerializer
    detail_serializer_class = shown.LightcurveQualityFlagArrayDetailSerializer
    filterset_fields = ["type", "observation", "target"]


class CurveFeaturesViewSet(ReadViewSet):
    """Statistics, periods and transits of light curves."""

    queryset = CurveFeatures.objects.order_by("-id")
    serializer_class = shown.LightcurveFeaturesSerializer
    filterset_fields = {
        "dataset": ["exact"],
        "dataset__target": ["exact"],
        "kind": ["exact"],
        "version": ["exact"],
        "period": ["gte", "lte"],
    }
