"""What preprocessing can be told. Stored on the run, so that a result can be made again."""

from dataclasses import dataclass

from astrid.core.parameters import check_limits, tunable
from preprocessing.quality.limits import QualityLimits
from preprocessing.raw.library import CalibrationParameters


@dataclass(frozen=True, kw_only=True)
class PreprocessParameters(CalibrationParameters, QualityLimits):
    """Tunables of masters, masking, sky, stars, registration, quality.

    ``asdict`` of it is JSON.
    """

    mesh_px: int = tunable(
        128,
        "side of a cell of the sky mesh: larger than the largest object to keep, smaller than "
        "the structure of the sky",
        unit="px",
        ge=16,
    )
    star_threshold: float = tunable(
        5.0, "peak of a star above the sky, in noise of one pixel", unit="sigma", ge=3
    )
    max_stars: int = tunable(1000, "the brightest this many are measured", unit="stars", ge=10)
    min_stars: int = tunable(
        5, "fewer matched stars than this cannot check a registration", unit="stars", ge=3
    )
    search_radius_px: float = tunable(
        20.0,
        "largest error of a WCS position that star matching looks for, in science pixels",
        unit="px",
        ge=1,
    )
    catalog_search_px: float = tunable(
        60.0,
        "largest error of a WCS position that matching with a star catalogue looks for",
        unit="px",
        ge=1,
    )
    max_residual_px: float = tunable(
        0.5,
        "largest residual of registration, and of the check by a star catalogue, rms per axis, in "
        "science pixels",
        unit="px",
        ge=0.01,
    )
    min_overlap: float = tunable(
        0.02, "smallest share of the reference grid that the frame must cover", ge=0, le=1
    )
    min_zero_point_stars: int = tunable(
        5, "fewer stars of a catalogue cannot calibrate a frame", unit="stars", ge=3
    )
    identity_px: float = tunable(
        0.01, "a mapping nearer to the identity is not worth an interpolation", unit="px", ge=0
    )

    def __post_init__(self) -> None:
        """Refuse values that no frame could satisfy."""
        check_limits(self)


@dataclass(frozen=True, kw_only=True)
class StackParameters:
    """Tunables of combining frames; ``asdict`` of it is JSON."""

    clip: float = tunable(
        4.0, "a pixel this far from what the other frames show is left out", unit="sigma", ge=2
    )
    clip_beside: float = tunable(
        2.0, "the same beside such a pixel: the rims of trails and cosmic rays", unit="sigma", ge=1
    )
    shape_floor: float = tunable(
        0.15,
        "share of a star's light by which PSFs of equal width may differ: tracking, registration",
        ge=0,
        le=1,
    )
    min_stars: int = tunable(
        5, "fewer stars in common with the first frame give no flux scale", unit="stars", ge=1
    )

    def __post_init__(self) -> None:
        """Refuse values that no stack can be made with."""
        check_limits(self)
        if self.clip_beside > self.clip:
            raise ValueError(
                f"clip_beside is {self.clip_beside}: it must not be above clip, {self.clip}"
            )
