"""The Zwicky Transient Facility."""

from enum import IntFlag

from django.template.defaultfilters import pluralize

from lightcurves.models.observations import Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.typed import Real, Text


class ZTFObservation(Observation, kind="ztf"):
    """The exposures of one object in one band; a cadence is the second of the MJD (UTC)."""

    filter_name = Text(required=True)
    zero_point = Real(help_text="AB magnitude of one unit of flux, where the file states it.")
    mag_system = Text()

    class Meta:
        verbose_name = "ZTF observation"
        verbose_name_plural = "ZTF observations"
        proxy = True

    def __str__(self) -> str:
        return f"ZTF {self.filter_name}, {self.n} exposure{pluralize(self.n)}"


class ZTFQuality(IntFlag):
    """The bit of ``catflags`` that ZTF tells users to leave out: bad or clouded data.

    Reference: ZTF Science Data System Explanatory Supplement, section 13.6.
    """

    unusable = 1 << 15


class ALeRCEQuality(IntFlag):
    """What ALeRCE says beside a magnitude of a difference, which has no sign itself."""

    negative_difference = 1 << 0


class ZTFQualityFlags(QualityFlagArray, kind="ztf_quality"):
    """``catflags`` of ZTF's archive."""

    BITS = ZTFQuality

    class Meta:
        verbose_name = "ZTF quality flags"
        verbose_name_plural = "ZTF quality flags"
        proxy = True


class ALeRCEQualityFlags(QualityFlagArray, kind="alerce_quality"):
    """Signs of ALeRCE's magnitudes of differences."""

    BITS = ALeRCEQuality
    HARMLESS = ALeRCEQuality.negative_difference

    class Meta:
        verbose_name = "ALeRCE quality flags"
        verbose_name_plural = "ALeRCE quality flags"
        proxy = True
