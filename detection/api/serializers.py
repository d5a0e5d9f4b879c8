"""Rows of the detection domain as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from astrid.core.api import RowSerializer
from detection.models import (
    ContextCatalog,
    ContextSource,
    Detection,
    DriftAlarm,
    ForcedMeasurement,
    ForcedPhotometryRun,
    Model,
    ModelRun,
    SkyObject,
    TrainingDataset,
    TrainingRun,
)
from detection.variation import variations


class ModelSerializer(RowSerializer):
    """Trained networks."""

    class Meta:
        model = Model
        fields = "__all__"
        decimals = {"precision": 4, "recall": 4, "f1_score": 4, "accuracy": 4}


class ModelRunSerializer(RowSerializer):
    """Inferences."""

    class Meta:
        model = ModelRun
        fields = "__all__"


class DriftAlarmSerializer(RowSerializer):
    """Drifts that operators were told of."""

    class Meta:
        model = DriftAlarm
        fields = "__all__"


class SkyObjectSerializer(RowSerializer):
    """Things in the sky."""

    class Meta:
        model = SkyObject
        exclude = ["hpx"]


class VariationSerializer(serializers.Serializer):
    """How the flux of an object varies in one band; null where there are too few points."""

    band = serializers.CharField()
    unit = serializers.CharField(help_text="uJy, or adu where frames have no zero point.")
    n = serializers.IntegerField()
    span_days = serializers.FloatField()
    mean = serializers.FloatField(allow_null=True)
    amplitude = serializers.FloatField(allow_null=True)
    reduced_chi2 = serializers.FloatField(allow_null=True)
    excess_variance = serializers.FloatField(allow_null=True)
    von_neumann = serializers.FloatField(allow_null=True)
    skew = serializers.FloatField(allow_null=True)
    slope = serializers.FloatField(allow_null=True)
    last_slope = serializers.FloatField(allow_null=True)


class SkyObjectDetailSerializer(SkyObjectSerializer):
    """A thing in the sky, and how it varies."""

    variation = serializers.SerializerMethodField()

    @extend_schema_field(VariationSerializer(many=True))
    def get_variation(self, thing: SkyObject) -> Any:
        """Measure its forced fluxes, band by band."""
        return VariationSerializer(variations([thing.pk]).get(thing.pk, []), many=True).data


class ContextCatalogSerializer(RowSerializer):
    """Files of catalogues of others."""

    class Meta:
        model = ContextCatalog
        fields = "__all__"


class ContextSourceSerializer(RowSerializer):
    """Stars, variables and asteroids that others know."""

    class Meta:
        model = ContextSource
        exclude = ["hpx"]


class DetectionSerializer(RowSerializer):
    """What the network believes in."""

    class Meta:
        model = Detection
        exclude = ["hpx", "embedding"]
        decimals = {
            "confidence_score": 4,
            "uncertainty": 4,
            "novelty": 3,
            "validation_confidence": 4,
            "flux": 6,
            "magnitude": 4,
            "magnitude_error": 4,
            "upper_limit": 4,
        }


class ForcedPhotometryRunSerializer(RowSerializer):
    """Looks at differences for the fluxes of known objects."""

    class Meta:
        model = ForcedPhotometryRun
        fields = "__all__"


class ForcedMeasurementSerializer(RowSerializer):
    """Fluxes at the places of known objects, found there or not."""

    class Meta:
        model = ForcedMeasurement
        fields = "__all__"


class TrainingDatasetSerializer(RowSerializer):
    """Labelled snapshots."""

    class Meta:
        model = TrainingDataset
        fields = "__all__"


class TrainingRunSerializer(RowSerializer):
    """Trainings."""

    class Meta:
        model = TrainingRun
        fields = "__all__"
