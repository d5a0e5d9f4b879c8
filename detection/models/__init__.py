"""Networks, their runs, what they found, the objects in the sky behind it, and their lives."""

from detection.models.context import ContextCatalog, ContextKind, ContextSource
from detection.models.findings import Detection, DetectionStatus, DetectionType, SkyObject
from detection.models.forced import ForcedMeasurement, ForcedPhotometryRun
from detection.models.life import (
    ChangeKind,
    ChangeStatus,
    Comparison,
    DriftAlarm,
    DriftLevel,
    DriftWeek,
    ModelChange,
)
from detection.models.networks import (
    Model,
    ModelRun,
    ModelType,
    ShadowScore,
    TrainingDataset,
    TrainingRun,
)

__all__ = [
    "ChangeKind",
    "ChangeStatus",
    "Comparison",
    "ContextCatalog",
    "ContextKind",
    "ContextSource",
    "Detection",
    "DetectionStatus",
    "DetectionType",
    "DriftAlarm",
    "DriftLevel",
    "DriftWeek",
    "ForcedMeasurement",
    "ForcedPhotometryRun",
    "Model",
    "ModelChange",
    "ModelRun",
    "ModelType",
    "ShadowScore",
    "SkyObject",
    "TrainingDataset",
    "TrainingRun",
]
