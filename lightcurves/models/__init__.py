"""The store of light curves: missions, targets and what was measured of them."""

from lightcurves.models.datasets import (
    DataSet,
    DataSetHierarchy,
    PhotometricSource,
    ProcessingMethod,
)
from lightcurves.models.hst import HSTObservation
from lightcurves.models.instruments import Instrument
from lightcurves.models.missions import Mission, MissionCatalog, Target
from lightcurves.models.observations import FITSFrame, Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.tess import TESSObservation, TESSQuality, TESSQualityFlags
from lightcurves.models.times import TargetSpecificTime

__all__ = [
    "DataSet",
    "DataSetHierarchy",
    "FITSFrame",
    "HSTObservation",
    "Instrument",
    "Mission",
    "MissionCatalog",
    "Observation",
    "PhotometricSource",
    "ProcessingMethod",
    "QualityFlagArray",
    "TESSObservation",
    "TESSQuality",
    "TESSQualityFlags",
    "Target",
    "TargetSpecificTime",
]
