"""What can be tuned in detection; stored on the run that used it."""

from dataclasses import dataclass

from astrid.core.parameters import check_limits, tunable


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """Tunables of scoring, association and cutouts; ``asdict`` of it is JSON."""

    score_threshold: float | None = tunable(
        None,
        "smallest confidence of a detection, 0 to 1; empty: the one in the model's card",
        ge=0,
        le=1,
    )
    high_confidence: float = tunable(
        0.9, "confidence from which a detection counts as sure", ge=0, le=1
    )
    association_radius_arcsec: float = tunable(
        1.5, "detections closer than this belong to one sky object", unit="arcsec", gt=0
    )
    cutout_px: int = tunable(63, "side of the stored cutouts, odd", unit="px", ge=3)
    tile_px: int = tunable(
        512, "side of the part of a tile that is kept, a multiple of 8", unit="px", ge=64
    )
    source_sigma: float = tunable(
        1.5,
        "per-pixel threshold of the sources in the reference that give the type",
        unit="sigma",
        gt=0,
    )
    point_radius_px: float = tunable(
        1.5,
        "nearer than this to a point source of the reference, a change is a variable",
        unit="px",
        gt=0,
    )
    host_radii: float = tunable(
        3.0, "within so many half-light ellipses of an extended source it is a supernova", gt=0
    )

    history_visits: int = tunable(
        30,
        "earlier frames of a place from which its number of detections is told to the networks",
        unit="rows",
        ge=1,
    )
    audit_rejected: int = tunable(
        1,
        "rejected candidates of each frame that chance picks for people, to count misses",
        unit="rows",
        ge=0,
        le=100,
    )

    forced_epochs: int = tunable(
        200,
        "other differences of a field, the newest, on which new objects are measured",
        unit="rows",
        ge=0,
    )
    forced_total: bool = tunable(
        True, "whether forced photometry also measures the total flux, on the science frame"
    )
    stored_growth: float = tunable(
        0.1,
        "share of new points from which the light curve of an object is stored anew; 0: any",
        ge=0,
        le=1,
    )

    def __post_init__(self) -> None:
        """Refuse values that nothing can be scored or cut with."""
        check_limits(self)
        if self.cutout_px % 2 == 0:
            raise ValueError(f"cutout_px is {self.cutout_px}: it must be odd")
        if self.tile_px % 8:
            raise ValueError(f"tile_px is {self.tile_px}: it must be a multiple of 8")


@dataclass(frozen=True, kw_only=True)
class PromotionMargins:
    """What a new network must show on real stamps before it may come into force."""

    auc_loss: float = tunable(
        0.02, "the lower bound of the paired difference of AUC stays above minus this", gt=0, le=0.5
    )
    fpr_rise: float = tunable(
        0.05, "false positives at 95 % completeness may rise by this share", ge=0, le=1
    )
    largest_ece: float = tunable(0.05, "calibration error that is still accepted", gt=0, le=1)
    least_of_a_kind: int = tunable(
        20, "real stamps, and bogus ones, that a proof needs", unit="stamps", ge=2
    )

    def __post_init__(self) -> None:
        """Refuse margins that would prove anything."""
        check_limits(self)


@dataclass(frozen=True, kw_only=True)
class WatchParameters:
    """How the scores of networks in force are watched."""

    reference_weeks: int = tunable(
        4, "first weeks of a network on a survey, that later ones are compared with", ge=1, le=52
    )
    least_candidates: int = tunable(
        200, "candidates that a week must have to be looked at", unit="rows", ge=1
    )
    warning: float = tunable(0.1, "population-stability index that is shown as a warning", gt=0)
    alarm: float = tunable(0.25, "population-stability index that tells the operators", gt=0)

    def __post_init__(self) -> None:
        """Refuse an alarm that comes before its warning."""
        check_limits(self)
        if self.alarm < self.warning:
            raise ValueError(f"alarm is {self.alarm}: it must not be below warning, {self.warning}")
