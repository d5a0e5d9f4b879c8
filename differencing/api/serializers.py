"""Rows of the differencing domain as JSON."""

from astrid.core.api import RowSerializer
from differencing.models import (
    Candidate,
    DifferenceRun,
    ReferenceImage,
    ReferenceRun,
)


class ReferenceImageSerializer(RowSerializer):
    """Baselines of the sky."""

    class Meta:
        model = ReferenceImage
        exclude = ["hpx"]


class ReferenceRunSerializer(RowSerializer):
    """Looks at sky cells, and the references that came of them."""

    class Meta:
        model = ReferenceRun
        fields = "__all__"


class DifferenceRunSerializer(RowSerializer):
    """Subtractions."""

    class Meta:
        model = DifferenceRun
        fields = "__all__"
        decimals = {"noise_level": 6, "detection_threshold": 6}


class CandidateSerializer(RowSerializer):
    """Residuals above threshold."""

    class Meta:
        model = Candidate
        exclude = ["hpx"]
        decimals = {
            "flux": 6,
            "magnitude": 4,
            "magnitude_error": 4,
            "upper_limit": 4,
            "significance": 3,
            "snr": 3,
            "fwhm": 3,
            "ellipticity": 3,
            "position_angle": 2,
        }
