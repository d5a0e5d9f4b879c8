"""The store of light curves: missions, targets and what was measured of them."""

from lightcurves.models.binned import BinnedObservation
from lightcurves.models.datasets import (
    DataSet,
    DataSetHierarchy,
    PhotometricSource,
    ProcessingMethod,
)
from lightcurves.models.features import CurveFeatures
from lightcurves.models.forced import (
    DifferenceQualityFlags,
    ForcedObservation,
    ForcedQuality,
    TotalQualityFlags,
)
from lightcurves.models.hst import HSTObservation
from lightcurves.models.instruments import Instrument
from lightcurves.models.kepler import KeplerObservation, KeplerQuality, KeplerQualityFlags
from lightcurves.models.missions import Mission, MissionCatalog, Target
from lightcurves.models.observations import FITSFrame, Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.tess import (
    TESSObservation,
    TESSQuality,
    TESSQualityFlags,
    TGLCQuality,
    TGLCQualityFlags,
)
from lightcurves.models.times import TargetSpecificTime
from lightcurves.models.ztf import (
    ALeRCEQuality,
    ALeRCEQualityFlags,
    ZTFObservation,
    ZTFQuality,
    ZTFQualityFlags,
)

__all__ = [
    "ALeRCEQuality",
    "ALeRCEQualityFlags",
    "BinnedObservation",
    "CurveFeatures",
    "DataSet",
    "DataSetHierarchy",
    "DifferenceQualityFlags",
    "FITSFrame",
    "ForcedObservation",
    "ForcedQuality",
    "HSTObservation",
    "Instrument",
    "KeplerObservation",
    "KeplerQuality",
    "KeplerQualityFlags",
    "Mission",
    "MissionCatalog",
    "Observation",
    "PhotometricSource",
    "ProcessingMethod",
    "QualityFlagArray",
    "TESSObservation",
    "TESSQuality",
    "TESSQualityFlags",
    "TGLCQuality",
    "TGLCQualityFlags",
    "Target",
    "TargetSpecificTime",
    "TotalQualityFlags",
    "ZTFObservation",
    "ZTFQuality",
    "ZTFQualityFlags",
]
