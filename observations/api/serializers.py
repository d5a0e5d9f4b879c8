"""Rows of the observations domain as JSON."""

from astrid.core.api import RowSerializer
from observations.models import (
    CalibrationExposure,
    Observation,
    ObservationRun,
    Survey,
)


class SurveySerializer(RowSerializer):
    """Where observations come from."""

    class Meta:
        model = Survey
        fields = "__all__"


class ObservationSerializer(RowSerializer):
    """Exposures."""

    class Meta:
        model = Observation
        exclude = ["hpx"]
        decimals = {
            "exposure_time": 3,
            "pixel_scale": 4,
            "airmass": 2,
            "seeing": 3,
            "limiting_magnitude": 3,
        }


class CalibrationExposureSerializer(RowSerializer):
    """Raw bias, dark and flat frames."""

    class Meta:
        model = CalibrationExposure
        fields = "__all__"


class ObservationRunSerializer(RowSerializer):
    """Ingestion passes."""

    class Meta:
        model = ObservationRun
        fields = "__all__"
