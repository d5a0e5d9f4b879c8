"""The variance that errors of the match of two frames give to a score, by its derivatives."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from differencing.psf.polynomial import Polynomial
from differencing.subtraction.noise import Float32Image, FloatArray

FWHM_TO_SIGMA = 1 / 2.3548
STAR_FLUX_ERROR = 0.015  # relative: what each star of a PSF leaves open of the light in its wings


@dataclass(frozen=True)
class MatchNoise:
    """The variance that errors of the match give to the score of what does not change.

    To first order a relative error c of the flux ratio leaves c S of a source with the score S,
    an error d of its place d . grad S, and a relative error w of the width of a PSF of rms width
    s leaves w s^2 Laplace S, exactly so for a Gaussian PSF; the two elongations leave
    e1 s^2 (S_xx - S_yy) + 2 e2 s^2 S_xy. Of equal variance, the three shapes together give
    2 w^2 s^4 times the squared (Frobenius) norm of the second derivatives. A galaxy that is
    smooth on the scale of the PSF pays for the flux ratio only.

    Attributes
    ----------
    place : float
        1-sigma error per axis, px.
    shape : float
        Relative, of the width and of either elongation of one PSF over the other.
    width : float
        s, px.
    flux : float
        Relative.
    ratio : Polynomial, optional
        Variance of the flux ratio over the frame, relative, added to that of ``flux``.
    """

    place: float
    shape: float
    width: float
    flux: float
    ratio: Polynomial | None = None

    @classmethod
    def of(cls, scatter: FloatArray, fwhm: float, n_stars: int, ratio: Polynomial) -> "MatchNoise":
        """Take it from the scatter of stars in the six terms of a match.

        What a star differs in flux by is its own change, and no error; the light that a PSF of
        ``n_stars`` with the width ``fwhm`` (px) holds, and the ``ratio`` of fluxes, are one of
        every source. :data:`STAR_FLUX_ERROR` of none and of twice as much change the scatter of
        the significance on sources by +0.06 and -0.14 in 24 sparse fields, by +0.02 and -0.05 in
        24 dense ones.
        """
        shape, place = (float(np.sqrt(np.mean(terms**2))) for terms in (scatter[1:4], scatter[4:]))
        flux = STAR_FLUX_ERROR / np.sqrt(n_stars)
        return cls(place, shape, fwhm * FWHM_TO_SIGMA, flux, ratio)

    @property
    def beam(self) -> float:
        """Pixels of a star's score that tell the same of its flux, for a Gaussian PSF.

        Score and its correlated noise are both Gaussians of variance 2 s^2: the sum of their
        products over that of the squared score.
        """
        return 8 / 3 * np.pi * self.width**2

    def scaled(self, factor: float) -> "MatchNoise":
        """Give errors of place and shape with ``factor`` times the variance."""
        return replace(self, place=self.place * np.sqrt(factor), shape=self.shape * np.sqrt(factor))

    def inside(self, score: Float32Image, rows: slice, columns: slice) -> Float32Image:
        """Give the variance in a window of the frame whose reference has the ``score``.

        Beyond the frame the score is that of its edge.
        """
        flux: FloatArray | float = self.flux**2
        if self.ratio is not None:
            down, along = self.ratio.less(-(self.flux**2)).factors(rows, columns)
            flux = down @ along
        return self._of_middle(_with_rim(score, rows, columns), flux)

    def at(self, score: Float32Image, where: NDArray[np.intp]) -> Float32Image:
        """Give the variance at pixels of the flattened frame."""
        rows, columns = np.divmod(where, score.shape[1])
        down, along = (
            np.clip(axis + np.array([[-1], [0], [1]]), 0, size - 1)
            for axis, size in zip((rows, columns), score.shape, strict=True)
        )
        flux = self.flux**2 + (0.0 if self.ratio is None else self.ratio.at(columns, rows))
        return np.asarray(self._of_middle(score[down[:, None], along[None, :]], flux)[0, 0])

    def _of_middle(self, score: Float32Image, flux: FloatArray | float) -> Float32Image:
        """Give the variance without the rim of the first two axes, ``flux`` being the ratio's."""
        steep, bent = derivatives(score)
        steep *= np.float32(self.place**2)
        bent *= np.float32(2 * self.shape**2 * self.width**4)
        steep += bent
        square = np.square(score[1:-1, 1:-1], out=bent)
        square *= np.asarray(flux, np.float32)
        steep += square
        return steep


def _with_rim(image: Float32Image, rows: slice, columns: slice) -> Float32Image:
    """Cut a window and one pixel around it, the edge of the frame repeated beyond it."""
    sides = list(zip((rows, columns), image.shape, strict=True))
    near = tuple(slice(max(side.start - 1, 0), min(side.stop + 1, size)) for side, size in sides)
    beyond = [(int(side.start == 0), int(side.stop >= size)) for side, size in sides]
    return np.pad(image[near], beyond, mode="edge")


def derivatives(score: Float32Image) -> tuple[Float32Image, Float32Image]:
    """Give squared gradient and squared norm of the second derivatives, without the rim.

    Rows and columns are the first two axes.
    """
    centre = score[1:-1, 1:-1]
    left, right, above, below = score[1:-1, :-2], score[1:-1, 2:], score[:-2, 1:-1], score[2:, 1:-1]
    steep, bent = np.zeros_like(centre), np.zeros_like(centre)
    for before, after in ((left, right), (above, below)):
        slope = after - before
        slope *= slope
        steep += slope
        bend = after + before
        bend -= centre
        bend -= centre
        bend *= bend
        bent += bend
    steep *= np.float32(0.25)
    twist = score[2:, 2:] - score[2:, :-2]
    twist -= score[:-2, 2:]
    twist += score[:-2, :-2]
    twist *= twist
    twist *= np.float32(2 / 16)
    bent += twist
    return steep, bent
