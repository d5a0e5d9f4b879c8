"""Rows of the detection domain as JSON."""

from astrid.core.api import RowSerializer
from detection.models import (
    Detection,
    ForcedMeasurement,
    ForcedPhotometryRun,
    Model,
    ModelRun,
    SkyObject,
    TrainingDataset,
    TrainingRun,
)


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


class SkyObjectSerializer(RowSerializer):
    """Things in the sky."""

    class Meta:
        model = SkyObject
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
