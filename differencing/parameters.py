"""What can be tuned in a difference; stored on the run that used it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DifferenceParameters:
    """Tunables of PSF measurement, subtraction and extraction; every one is a JSON number."""

    threshold: float = field(
        default=5.0,
        metadata={"gt": 0, "le": 100, "unit": "sigma", "meaning": "least |S_corr| of a candidate"},
    )
    tile: int = field(
        default=512,
        metadata={"ge": 32, "le": 8192, "unit": "px", "meaning": "largest side of a tile's core"},
    )
    psf_radius: int = field(
        default=16,
        metadata={
            "ge": 4,
            "le": 64,
            "unit": "px",
            "meaning": "half width of PSF stamps; widened to 3 FWHM where that is more",
        },
    )
    psf_degree: int = field(
        default=2,
        metadata={"ge": 0, "le": 2, "meaning": "highest degree of the PSF's change over the field"},
    )
    max_psf_stars: int = field(
        default=300,
        metadata={
            "ge": 3,
            "le": 5000,
            "unit": "stars",
            "meaning": "brightest stars in a PSF",
        },
    )
    min_psf_stars: int = field(
        default=3,
        metadata={"ge": 1, "le": 100, "unit": "stars", "meaning": "fewer usable stars are refused"},
    )
    star_threshold: float = field(
        default=12.0,
        metadata={"gt": 0, "le": 1000, "unit": "sigma", "meaning": "star detection, per pixel"},
    )
    faint_star_threshold: float = field(
        default=6.0,
        metadata={
            "gt": 0,
            "le": 1000,
            "unit": "sigma",
            "meaning": "a second star detection, per pixel, where the first finds too few",
        },
    )
    linear_fraction: float = field(
        default=0.6,
        metadata={"gt": 0, "le": 1, "meaning": "of saturation; brighter stars are not measured"},
    )
    match_radius: float = field(
        default=3.0,
        metadata={"gt": 0, "le": 20, "unit": "px", "meaning": "largest offset of the two frames"},
    )
    min_sigma_ast: float = field(
        default=0.01,
        metadata={"ge": 0, "le": 1, "unit": "px", "meaning": "least registration noise per axis"},
    )
    remainder_mesh: int = field(
        default=128,
        metadata={
            "ge": 32,
            "le": 2048,
            "unit": "px",
            "meaning": "mesh of the background that is left in the difference",
        },
    )

    def __post_init__(self) -> None:
        """Refuse values that no difference can be made with."""
        for name in ("threshold", "psf_radius", "star_threshold", "faint_star_threshold"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be positive")
        if self.tile < 32:
            raise ValueError(f"tile is {self.tile} px: it must be at least 32")
        if not 1 <= self.min_psf_stars <= self.max_psf_stars:
            raise ValueError(
                f"min_psf_stars is {self.min_psf_stars} and max_psf_stars {self.max_psf_stars}: "
                "1 <= min_psf_stars <= max_psf_stars must hold"
            )
