"""What the filter of a tile makes of point sources where the PSF is not that of its middle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.noise import Float32Image, FloatArray
from differencing.subtraction.tiles import Tile, looks

Places = slice | NDArray[np.intp]

LEAST_CHANGE = 1e-3  # of a flux; smaller changes within a tile are left alone


@dataclass(frozen=True)
class Sensitivity:
    """The flux that the score of a tile shows of a source of flux 1, place by place.

    The score is that of the PSF in the middle of the tile (Zackay, Ofek & Gal-Yam 2016, ApJ 830,
    27, eq. 12). Of a point source with the PSF P(u; x, y) the kernel k makes
    F(x, y) = sum_u k(-u) P(u; x, y), relative to the same in the middle. With a PSF whose pixels
    are polynomials of the place, that is a ratio of two polynomials, each the product of
    (rows, n) and (n, columns) matrices.
    """

    shown: tuple[Float32Image, Float32Image]
    light: tuple[Float32Image, Float32Image]

    @classmethod
    def of(cls, model: PsfModel, kernel: FloatArray, tile: Tile) -> "Sensitivity":
        """Work it out for the core of a tile.

        Parameters
        ----------
        model : PsfModel
            Of the science frame.
        kernel : (k, k) array
            That turns the science frame into the score, centred, on any scale, at least as large
            as a stamp of the PSF.
        tile : Tile
        """
        reach = kernel.shape[0] // 2 - model.half
        inner = slice(reach, kernel.shape[0] - reach)
        seen = np.tensordot(model.coefficients, kernel[inner, inner][::-1, ::-1], axes=2)
        total = model.coefficients.sum(axis=(1, 2))
        fields = [Polynomial(terms, model.degree, model.shape) for terms in (seen, total)]
        middle = fields[0].at(*tile.centre) / fields[1].at(*tile.centre)
        shown, (down, along) = (field.factors(*tile.core) for field in fields)
        return cls(shown, (down * np.float32(middle), along))

    @property
    def changes(self) -> bool:
        """Tell whether it is beyond :data:`LEAST_CHANGE` of 1 anywhere."""
        rows, columns = looks(len(self.shown[0])), looks(self.shown[1].shape[1])
        change = self.inverse(rows, columns) - 1
        return bool(np.abs(change).max() > LEAST_CHANGE)

    def inverse(
        self, rows: slice | NDArray[np.intp], columns: slice | NDArray[np.intp]
    ) -> Float32Image:
        """Give what makes the flux in a window of the core that of a source."""
        (shown, beside), (light, along) = self.shown, self.light
        scale = light[rows] @ along[:, columns]
        scale /= shown[rows] @ beside[:, columns]
        return np.asarray(scale)
