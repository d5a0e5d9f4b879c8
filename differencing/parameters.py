"""What can be tuned in a difference; stored on the run that used it."""

from dataclasses import dataclass
from enum import StrEnum

from astrid.core.parameters import check_limits, tunable


class Algorithm(StrEnum):
    """How the reference is subtracted."""

    ZOGY = "zogy"
    CLASSIC = "classic"
    HOTPANTS = "hotpants"


@dataclass(frozen=True)
class DifferenceParameters:
    """Tunables of PSF measurement, subtraction and extraction; a JSON number or name each."""

    algorithm: Algorithm = tunable(  # noqa: RUF009 -- an enum does not change
        Algorithm.ZOGY,
        "proper subtraction, a kernel fitted to the stars, or the program hotpants where installed",
    )
    threshold: float = tunable(5.0, "least |S_corr| of a candidate", unit="sigma", gt=0, le=100)
    tile: int = tunable(512, "largest side of a tile's core", unit="px", ge=32, le=8192)
    psf_radius: int = tunable(
        16, "half width of PSF stamps; widened to 3 FWHM where that is more", unit="px", ge=4, le=64
    )
    psf_degree: int = tunable(2, "highest degree of the PSF's change over the field", ge=0, le=2)
    max_psf_stars: int = tunable(300, "brightest stars in a PSF", unit="stars", ge=3, le=5000)
    min_psf_stars: int = tunable(3, "fewer usable stars are refused", unit="stars", ge=1, le=100)
    star_threshold: float = tunable(12.0, "star detection, per pixel", unit="sigma", gt=0, le=1000)
    faint_star_threshold: float = tunable(
        6.0,
        "a second star detection, per pixel, where the first finds too few",
        unit="sigma",
        gt=0,
        le=1000,
    )
    linear_fraction: float = tunable(
        0.6, "of saturation; brighter stars are not measured", gt=0, le=1
    )
    match_radius: float = tunable(3.0, "largest offset of the two frames", unit="px", gt=0, le=20)
    min_sigma_ast: float = tunable(
        0.0025, "least scatter of places per axis", unit="px", ge=0, le=1
    )
    remainder_mesh: int = tunable(
        48, "mesh of the background that is left in the difference", unit="px", ge=32, le=2048
    )

    min_overlap: float = tunable(
        0.1, "smallest share of the frame that a reference must cover", gt=0, le=1
    )
    night_hours: float = tunable(
        12.0,
        "exposures this near in time are of one night, where the longitude is unknown",
        unit="h",
        gt=0,
        le=48,
    )

    def __post_init__(self) -> None:
        """Refuse values that no difference can be made with."""
        known = [each.value for each in Algorithm]
        if self.algorithm not in known:
            raise ValueError(f"algorithm is {self.algorithm!r}: there are {', '.join(known)}")
        object.__setattr__(self, "algorithm", Algorithm(self.algorithm))  # a run stores its name
        check_limits(self)
        if self.min_psf_stars > self.max_psf_stars:
            raise ValueError(
                f"min_psf_stars is {self.min_psf_stars}: it must not be above max_psf_stars, "
                f"{self.max_psf_stars}"
            )
