"""How a frame lies on the pixel grid of another, and how well that is known."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy.wcs import WCS

from preprocessing.astrometry.matching import Smooth
from preprocessing.astrometry.transform import Transform


@dataclass(frozen=True, eq=False)
class Registration:
    """How a science frame lies on the reference grid.

    Attributes
    ----------
    transform : Transform
        Grid pixel to science pixel.
    is_by_wcs : bool
        The first guess came from the WCS of both frames; else from the patterns of their stars.
    residual_rms_px : float
        Cross-validated residual of the stars per axis, in science pixels.
    residual_rms_arcsec : float or None
        The same on the sky; None when the frame has no celestial WCS.
    first_rms_px : float
        The same, px, for the first guess, before refinement star by star.
    n_stars : int
        Stars that the residual rests on.
    smooth : Smooth
        Polynomial added to the first guess; of order -1 when it was not improved upon.
    quality : float
        0 to 1: ``(1 - rms / max_residual) * n / (n + min_stars)``.
    overlap : float
        Share of the grid that the frame covers, 0 to 1.
    flux_ratio : float
        Of the stars of both: their ADU on the grid over their ADU in the frame.
    is_identity : bool
        The frame lies on the grid already: nothing is to be interpolated.
    grid_wcs : astropy.wcs.WCS
        WCS of the grid, which the registered frame takes on.
    """

    transform: Transform
    is_by_wcs: bool
    residual_rms_px: float
    residual_rms_arcsec: float | None
    first_rms_px: float
    n_stars: int
    smooth: Smooth = field(repr=False)
    quality: float
    overlap: float
    flux_ratio: float
    is_identity: bool
    grid_wcs: WCS = field(repr=False)

    @property
    def order(self) -> int:
        """Order of the polynomial refinement, -1 for none."""
        return self.smooth.order

    def facts(self) -> dict[str, Any]:
        """Give what is worth keeping, as plain JSON values.

        ``affine`` (grid x, y, 1 to science x, y) is the transform but for its distortion;
        ``coefficients`` are those of the polynomial that was added to the first guess, px, over the
        grid scaled to -1..1, in the order of :func:`preprocessing.astrometry.matching.terms`.
        """
        affine = self.transform.affine()
        turn = complex(affine[0, 0], affine[1, 0])
        return {
            "first_guess": "wcs" if self.is_by_wcs else "star patterns",
            "rms_px": self.residual_rms_px,
            "rms_arcsec": self.residual_rms_arcsec,
            "first_rms_px": self.first_rms_px,
            "n_stars": self.n_stars,
            "overlap": self.overlap,
            "flux_ratio": self.flux_ratio,
            "is_identity": self.is_identity,
            "affine": affine.tolist(),
            "scale": float(np.sqrt(abs(np.linalg.det(affine[:, :2])))),
            "rotation_deg": float(np.degrees(np.angle(turn))),
            "is_mirrored": bool(np.linalg.det(affine[:, :2]) < 0),
            "order": self.order,
            "coefficients": self.smooth.coefficients.tolist(),
        }
