"""Kepler and its second mission, K2."""

from enum import IntFlag

from lightcurves.models.observations import Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.typed import Integer, Text


class KeplerObservation(Observation, kind="kepler"):
    """A quarter of Kepler, or a campaign of K2, in long or short cadence."""

    quarter = Integer()
    campaign = Integer()
    mode = Text(required=True, help_text="short cadence or long cadence.")
    product = Text(help_text="Whose light curves these are the cadences of.")

    class Meta:
        verbose_name = "Kepler observation"
        verbose_name_plural = "Kepler observations"
        proxy = True

    def __str__(self) -> str:
        when = f"quarter {self.quarter}" if self.campaign is None else f"campaign {self.campaign}"
        return f"Kepler {when}, {self.mode}"


class KeplerQuality(IntFlag):
    """Bits of SAP_QUALITY in Kepler and K2 products.

    Reference: Kepler Archive Manual, KDMC-10008-006, table 2-3; the last two are of K2.
    """

    attitude_tweak = 1 << 0
    safe_mode = 1 << 1
    coarse_point = 1 << 2
    earth_point = 1 << 3
    zero_crossing = 1 << 4
    desaturation = 1 << 5
    argabrightening = 1 << 6
    cosmic_ray = 1 << 7
    manual_exclude = 1 << 8
    sensitivity_dropout = 1 << 10
    impulsive_outlier = 1 << 11
    argabrightening_on_detector = 1 << 12
    collateral_cosmic_ray = 1 << 13
    detector_anomaly = 1 << 14
    no_fine_point = 1 << 15
    no_data = 1 << 16
    rolling_band_in_aperture = 1 << 17
    rolling_band_in_mask = 1 << 18
    possible_thruster_firing = 1 << 19
    thruster_firing = 1 << 20


class KeplerQualityFlags(QualityFlagArray, kind="kepler_quality"):
    """SAP_QUALITY of a Kepler or K2 product."""

    BITS = KeplerQuality
    # The missions take cosmic rays out and keep the cadence.
    HARMLESS = KeplerQuality.cosmic_ray | KeplerQuality.collateral_cosmic_ray

    class Meta:
        verbose_name = "Kepler quality flags"
        verbose_name_plural = "Kepler quality flags"
        proxy = True
