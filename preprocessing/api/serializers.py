"""Rows of the preprocessing domain as JSON."""

from astrid.core.api import RowSerializer
from preprocessing.models import (
    CalibrationFrame,
    CalibrationRun,
    PreprocessRun,
)


class PreprocessRunSerializer(RowSerializer):
    """Calibrations and registrations."""

    class Meta:
        model = PreprocessRun
        fields = "__all__"
        decimals = {
            "registration_quality": 3,
            "seeing_px": 3,
            "limiting_magnitude": 3,
            "zero_point": 4,
            "zero_point_error": 4,
        }


class CalibrationRunSerializer(RowSerializer):
    """Buildings of masters."""

    class Meta:
        model = CalibrationRun
        fields = "__all__"


class CalibrationFrameSerializer(RowSerializer):
    """Master frames."""

    class Meta:
        model = CalibrationFrame
        fields = "__all__"
