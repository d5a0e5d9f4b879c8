"""TESS."""

from enum import IntFlag

from lightcurves.models.observations import Observation
from lightcurves.models.quality import QualityFlagArray
from lightcurves.models.typed import Flag, Integer, Real, Text, Vector


class TESSObservation(Observation, kind="tess"):
    """A sector, or one orbit of it."""

    sector = Integer(required=True)
    orbit_number = Integer()
    spacecraft_quaternion = Vector(4, help_text="Mean attitude, scalar part last.")
    cosmic_ray_mitigation = Flag(help_text="Whether the spacecraft rejected cosmic rays.")
    product = Text(help_text="Whose light curves these are the cadences of: SPOC, QLP, TGLC.")
    exposure_s = Real(help_text="Seconds from one cadence to the next.")
    numbered_by_row = Flag(help_text="The files had no cadence numbers: their rows were counted.")

    class Meta:
        verbose_name = "TESS observation"
        verbose_name_plural = "TESS observations"
        proxy = True

    def __str__(self) -> str:
        return f"TESS sector {self.sector}"


class TESSQuality(IntFlag):
    """Bits of QUALITY in TESS products.

    Reference: TESS Science Data Products Description Document, EXP-TESS-ARC-ICD-0014 Rev F,
    table 32.
    """

    attitude_tweak = 1 << 0
    safe_mode = 1 << 1
    coarse_point = 1 << 2
    earth_point = 1 << 3
    argabrightening = 1 << 4
    desaturation = 1 << 5
    cosmic_ray = 1 << 6
    manual_exclude = 1 << 7
    discontinuity = 1 << 8
    impulsive_outlier = 1 << 9
    collateral_cosmic_ray = 1 << 10
    stray_light = 1 << 11
    stray_light_2 = 1 << 12
    planet_search_exclude = 1 << 13
    bad_calibration = 1 << 14
    insufficient_targets = 1 << 15


class TESSQualityFlags(QualityFlagArray, kind="tess_quality"):
    """QUALITY of a TESS product."""

    BITS = TESSQuality
    # The missions take cosmic rays out and keep the cadence.
    HARMLESS = TESSQuality.cosmic_ray | TESSQuality.collateral_cosmic_ray

    class Meta:
        verbose_name = "TESS quality flags"
        verbose_name_plural = "TESS quality flags"
        proxy = True


class TGLCQuality(IntFlag):
    """Bits of TGLC_flags. Reference: Han & Brandt 2023, AJ 165, 71, section 3."""

    background_outlier = 1 << 0


class TGLCQualityFlags(QualityFlagArray, kind="tglc_quality"):
    """TGLC_flags of a TGLC product."""

    BITS = TGLCQuality

    class Meta:
        verbose_name = "TGLC quality flags"
        verbose_name_plural = "TGLC quality flags"
        proxy = True
