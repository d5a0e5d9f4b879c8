"""What preprocessing can be told. Stored on the run, so that a result can be made again."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PreprocessParameters:
    """Tunables of masking, sky, star finding and registration; ``asdict`` of it is JSON.

    Attributes
    ----------
    mesh_px : int
        Side of a cell of the sky mesh, px. Larger than the largest object to keep, smaller than
        the structure of the sky.
    star_threshold : float
        Peak of a star above the sky, in sigma of one pixel.
    max_stars : int
        The brightest this many stars are measured.
    min_stars : int
        Fewer matched stars than this cannot check a registration.
    search_radius_px : float
        Largest error of a WCS position that star matching looks for, science px.
    max_residual_px : float
        Largest residual of the registration, rms per axis, science px.
    min_overlap : float
        Smallest share of the reference grid that the frame must cover, 0 to 1.
    identity_px : float
        A mapping nearer to the identity than this is not worth an interpolation, px.
    """

    mesh_px: int = 128
    star_threshold: float = 5.0
    max_stars: int = 1000
    min_stars: int = 5
    search_radius_px: float = 20.0
    max_residual_px: float = 0.5
    min_overlap: float = 0.02
    identity_px: float = 0.01

    def __post_init__(self) -> None:
        """Refuse values that no frame could satisfy."""
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise ValueError(f"{name} is {value}: it must be at least {least}")
        if not 0 <= self.min_overlap <= 1:
            raise ValueError(f"min_overlap is {self.min_overlap}: it is a share, 0 to 1")


LEAST = {
    "mesh_px": 16,
    "star_threshold": 3.0,
    "max_stars": 10,
    "min_stars": 3,
    "search_radius_px": 1.0,
    "max_residual_px": 0.01,
    "identity_px": 0.0,
}
