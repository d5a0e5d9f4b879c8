"""One point of a light curve: a detection, a forced flux, or how deep a frame was."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from detection.models import Detection, ForcedMeasurement
from differencing.models import DifferenceRun


@dataclass(frozen=True)
class Epoch:
    """One point: a magnitude with its error, or a limit."""

    mjd: float
    value: float
    error: float | None
    is_limit: bool
    band: str
    exposure: str = ""
    detection: UUID | None = None  # None where nothing stood out
    system: str = ""  # photometric; empty where it is not known

    def as_json(self) -> dict[str, Any]:
        """Give the point as the page draws it."""
        return {
            "mjd": round(self.mjd, 6),
            "value": round(self.value, 4),
            "error": None if self.error is None else round(self.error, 4),
            "limit": self.is_limit,
            "band": self.band,
        }


def measured(detection: Detection, fluxes: dict[UUID, ForcedMeasurement]) -> Epoch | None:
    """Give the point of a detection: the flux at the object's place, where it has a magnitude."""
    run = detection.model_run.difference_run
    forced_flux = fluxes.get(run.pk) if run else None
    if forced_flux is None or forced_flux.magnitude is None:
        return point(detection, detection.pk)
    return point(forced_flux, detection.pk)


def point(row: Detection | ForcedMeasurement, detection: UUID | None = None) -> Epoch | None:
    """Give the point of a row: its magnitude, else its limit; None where it has neither."""
    frame, value, error = row.observation, row.magnitude, row.magnitude_error
    if value is None:
        value, error = row.upper_limit, None
    if value is None:
        return None
    return Epoch(
        frame.mjd_utc,
        value,
        error,
        is_limit=row.magnitude is None,
        band=frame.filter_band,
        exposure=frame.observation_id,
        detection=detection,
        system=row.photometric_system,
    )


def limit(run: DifferenceRun) -> Epoch:
    """Give how deep the frame of a subtraction was."""
    frame = run.observation
    return Epoch(
        frame.mjd_utc,
        float(frame.limiting_magnitude or 0),
        None,
        is_limit=True,
        band=frame.filter_band,
        exposure=frame.observation_id,
    )
