"""What the API says of the light-curve store; arrays only where one row is asked for."""

from typing import Any

import numpy as np
from rest_framework import serializers

from astrid.core.api import RowSerializer
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


class RealsField(serializers.ListField):
    """An array of real numbers; null where a number is not finite, as JSON has no NaN."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.FloatField(allow_null=True), **options)

    def to_representation(self, data: Any) -> list[Any]:
        """Give the numbers as a list."""
        numbers: list[Any] = data.tolist()
        for place in np.flatnonzero(~np.isfinite(data)):
            numbers[place] = None
        return numbers


class IntegersField(serializers.ListField):
    """An array of whole numbers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(), **options)

    def to_representation(self, data: Any) -> list[Any]:
        """Give the numbers as a list."""
        numbers: list[Any] = data.tolist()
        return numbers


class LightcurveMissionSerializer(RowSerializer):
    """A mission and how it counts time."""

    class Meta:
        model = Mission
        fields = [
            "id",
            "name",
            "description",
            "time_unit",
            "time_epoch",
            "time_epoch_scale",
            "time_epoch_format",
            "time_format_name",
            "created_at",
            "updated_at",
        ]


class LightcurveMissionCatalogSerializer(RowSerializer):
    """A catalogue of a mission."""

    class Meta:
        model = MissionCatalog
        fields = ["id", "host_mission", "name", "description", "created_at", "updated_at"]


class LightcurveTargetSerializer(RowSerializer):
    """A target of a catalogue."""

    class Meta:
        model = Target
        fields = ["id", "catalog", "name", "ra", "dec", "created_at", "updated_at"]


class LightcurveInstrumentSerializer(RowSerializer):
    """An instrument or a part of one."""

    class Meta:
        model = Instrument
        fields = ["id", "name", "properties", "parent", "created_at", "updated_at"]


class LightcurveObservationSerializer(RowSerializer):
    """An observation of any kind; ``extra`` holds the values of its kind."""

    class Meta:
        model = Observation
        fields = [
            "id",
            "type",
            "instrument",
            "n",
            "cadence_first",
            "cadence_last",
            "extra",
            "created_at",
            "updated_at",
        ]


class LightcurveObservationDetailSerializer(LightcurveObservationSerializer):
    """An observation with its cadences."""

    cadence_reference = IntegersField(read_only=True)

    class Meta(LightcurveObservationSerializer.Meta):
        fields = [*LightcurveObservationSerializer.Meta.fields, "cadence_reference"]


class LightcurveFITSFrameSerializer(RowSerializer):
    """A FITS file of one cadence."""

    class Meta:
        model = FITSFrame
        fields = [
            "id",
            "type",
            "cadence",
            "observation",
            "simple",
            "bitpix",
            "naxis",
            "naxis_values",
            "extended",
            "bscale",
            "bzero",
            "file_path",
            "extra",
            "created_at",
            "updated_at",
        ]


class LightcurvePhotometricSourceSerializer(RowSerializer):
    """A way to take a brightness from pixels."""

    class Meta:
        model = PhotometricSource
        fields = ["id", "name", "description", "created_at", "updated_at"]


class LightcurveProcessingMethodSerializer(RowSerializer):
    """A way to process a brightness."""

    class Meta:
        model = ProcessingMethod
        fields = [
            "id",
            "name",
            "description",
            "version",
            "parameters",
            "created_at",
            "updated_at",
        ]


class LightcurveFeaturesSerializer(RowSerializer):
    """Figures of a light curve, and how they were reckoned."""

    class Meta:
        model = CurveFeatures
        fields = [
            "id",
            "dataset",
            "kind",
            "version",
            "parameters",
            "features",
            "period",
            "created_at",
            "updated_at",
        ]


class LightcurveDataSetSerializer(RowSerializer):
    """A light curve in figures."""

    class Meta:
        model = DataSet
        fields = [
            "id",
            "target",
            "observation",
            "photometric_method",
            "processing_method",
            "unit",
            "n",
            "minimum",
            "maximum",
            "median",
            "t_first",
            "t_last",
            "created_at",
            "updated_at",
        ]


class LightcurveDataSetDetailSerializer(LightcurveDataSetSerializer):
    """A light curve with its numbers and the datasets next to it in its lineage."""

    values = RealsField(read_only=True)
    errors = RealsField(read_only=True)  # type: ignore[assignment]  # a column of that name
    source_datasets: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    derived_datasets: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta(LightcurveDataSetSerializer.Meta):
        fields = [
            *LightcurveDataSetSerializer.Meta.fields,
            "values",
            "errors",
            "source_datasets",
            "derived_datasets",
        ]


class LightcurveDataSetHierarchySerializer(RowSerializer):
    """One step of derivation."""

    class Meta:
        model = DataSetHierarchy
        fields = ["id", "source_dataset", "child_dataset", "created_at", "updated_at"]


class LightcurveTimeSerializer(RowSerializer):
    """The span of the barycentric times of a target in an observation."""

    class Meta:
        model = TargetSpecificTime
        fields = [
            "id",
            "target",
            "observation",
            "n",
            "t_first",
            "t_last",
            "created_at",
            "updated_at",
        ]


class LightcurveTimeDetailSerializer(LightcurveTimeSerializer):
    """The barycentric times themselves."""

    barycentric_julian_dates = RealsField(read_only=True)

    class Meta(LightcurveTimeSerializer.Meta):
        fields = [*LightcurveTimeSerializer.Meta.fields, "barycentric_julian_dates"]


class LightcurveQualityFlagArraySerializer(RowSerializer):
    """How many cadences are flagged."""

    class Meta:
        model = QualityFlagArray
        fields = [
            "id",
            "type",
            "observation",
            "target",
            "n",
            "flagged",
            "created_on",
            "extra",
            "created_at",
            "updated_at",
        ]


class LightcurveQualityFlagArrayDetailSerializer(LightcurveQualityFlagArraySerializer):
    """The flags of each cadence, and what their bits are called."""

    quality_flags = IntegersField(read_only=True)
    bits = serializers.SerializerMethodField()

    class Meta(LightcurveQualityFlagArraySerializer.Meta):
        fields = [*LightcurveQualityFlagArraySerializer.Meta.fields, "quality_flags", "bits"]

    def get_bits(self, row: QualityFlagArray) -> dict[str, int]:
        """Give the value of each bit that has a name."""
        return (
            {}
            if row.BITS is None
            else {name: bit.value for name, bit in row.BITS.__members__.items()}
        )
