"""What can be tuned in detection; stored on the run that used it."""

from dataclasses import dataclass, field
from typing import Any


def _tunable(default: Any, unit: str, meaning: str) -> Any:
    """Declare a field together with its unit and meaning, for forms and documentation."""
    return field(default=default, metadata={"unit": unit, "meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """Tunables of scoring, association and cutouts; ``asdict`` of it is JSON."""

    score_threshold: float | None = _tunable(
        None, "", "smallest confidence of a detection, 0 to 1; empty: the one in the model's card"
    )
    high_confidence: float = _tunable(0.9, "", "confidence from which a detection counts as sure")
    association_radius_arcsec: float = _tunable(
        1.5, "arcsec", "detections closer than this belong to one sky object"
    )
    cutout_px: int = _tunable(63, "px", "side of the stored cutouts, odd")
    tile_px: int = _tunable(512, "px", "side of the part of a tile that is kept, a multiple of 8")
    source_sigma: float = _tunable(
        1.5, "sigma", "per-pixel threshold of the sources in the reference that give the type"
    )
    point_radius_px: float = _tunable(
        1.5, "px", "nearer than this to a point source of the reference, a change is a variable"
    )
    host_radii: float = _tunable(
        3.0, "", "within so many half-light ellipses of an extended source it is a supernova"
    )

    def __post_init__(self) -> None:
        """Refuse values that nothing can be scored or cut with."""
        for name in ("score_threshold", "high_confidence"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}: a confidence lies between 0 and 1")
        for name in ("association_radius_arcsec", "source_sigma", "point_radius_px", "host_radii"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be positive")
        if self.cutout_px < 3 or self.cutout_px % 2 == 0:
            raise ValueError(f"cutout_px is {self.cutout_px}: it must be odd and at least 3")
        if self.tile_px < 64 or self.tile_px % 8:
            raise ValueError(f"tile_px is {self.tile_px}: it must be a multiple of 8 from 64 on")
