"""What tells the stored light curves of an object from one another."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from lightcurves.reading.curves import MissionFacts
from preprocessing.photometry.magnitudes import AB_LESS_VEGA, System

# Targets are the objects of this archive, counted from 1; times are barycentric MJD (TDB).
MISSION = MissionFacts("AstrID", "AstrID", "astrid_bmjd", "2400000.5", "tdb")
DIFFERENCE, TOTAL = "PSF flux, difference", "PSF flux, science frame"
METHOD = "AstrID forced photometry"  # and its version
MICROJANSKY, COUNTS = "uJy", "adu"
NO_BAND = "unknown"


@dataclass(frozen=True)
class Key:
    """One curve of an object: what one camera measured in one band, in one unit."""

    thing: UUID
    survey: str
    camera: str
    band: str
    unit: str

    @property
    def facts(self) -> Mapping[str, str | int]:
        """Give what the first observation of the curve states."""
        facts = {"survey": self.survey, "band": self.band or NO_BAND, "unit": self.unit}
        return facts | ({"camera": self.camera} if self.camera else {}) | {"revision": 0}

    @property
    def instrument(self) -> tuple[str, ...]:
        """Give the way to the instrument."""
        return (self.survey, self.camera) if self.camera else (self.survey,)

    @classmethod
    def of(cls, thing: UUID, facts: Mapping[str, str]) -> "Key":
        """Give the key of a stored curve."""
        band = "" if facts["band"] == NO_BAND else facts["band"]
        return cls(thing, facts["survey"], facts.get("camera", ""), band, facts["unit"])


def unit_of(system: str, band: str) -> str:
    """Give the unit of fluxes whose magnitudes are in a photometric system."""
    is_known = system == System.AB or (system == System.VEGA and band in AB_LESS_VEGA)
    return MICROJANSKY if is_known else COUNTS


def method_of(version: str) -> str:
    """Name a version of the way fluxes are measured."""
    return f"{METHOD} {version}"
