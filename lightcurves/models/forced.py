"""What surveys of images measured at the places of known objects."""

from enum import IntFlag

from django.template.defaultfilters import pluralize

from lightcurves.models.observations import Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.typed import Integer, Text


class ForcedObservation(Observation, kind="forced"):
    """Exposures of a camera in one band; objects that the same exposures cover share it.

    A cadence is the millisecond of the MJD (UTC) in the middle of an exposure.
    """

    survey = Text(required=True)
    camera = Text(help_text="Missing where the frames do not name it.")
    band = Text(required=True)
    unit = Text(required=True, help_text="Of the fluxes: uJy, or adu without a zero point.")
    revision = Integer(help_text="Counts those of the same exposures, measured anew; from 0.")

    class Meta:
        verbose_name = "forced observation"
        verbose_name_plural = "forced observations"
        proxy = True

    def __str__(self) -> str:
        return f"{self.survey} {self.band}, {self.n} exposure{pluralize(self.n)}, {self.unit}"


class ForcedQuality(IntFlag):
    """What lay under the core of the PSF: the mask bits of frames, and whether it was measured."""

    no_data = 1 << 0
    saturated = 1 << 1
    bad_pixel = 1 << 2
    cosmic_ray = 1 << 3
    edge = 1 << 4
    grown = 1 << 5
    trail = 1 << 6
    not_measured = 1 << 16


class DifferenceQualityFlags(QualityFlagArray, kind="forced_difference_quality"):
    """Bits of the differences: of the science frame and of its reference."""

    BITS = ForcedQuality

    class Meta:
        verbose_name = "difference quality flags"
        verbose_name_plural = "difference quality flags"
        proxy = True


class TotalQualityFlags(QualityFlagArray, kind="forced_total_quality"):
    """Bits of the science frames alone."""

    BITS = ForcedQuality

    class Meta:
        verbose_name = "total quality flags"
        verbose_name_plural = "total quality flags"
        proxy = True
