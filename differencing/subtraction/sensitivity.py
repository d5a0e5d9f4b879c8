"""What the filter of a tile makes of point sources where the PSF is not that of its middle."""

import numpy as np

from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial
from differencing.subtraction.noise import Float32Image, FloatArray
from differencing.subtraction.tiles import Tile

LEAST_CHANGE = 1e-3  # of a flux; smaller changes within a tile are left alone


def sensitivity(model: PsfModel, kernel: FloatArray, tile: Tile) -> Float32Image | None:
    """Give the flux that the score of ``tile`` shows of a source of flux 1, pixel by pixel.

    The score is that of the PSF in the middle of the tile (Zackay, Ofek & Gal-Yam 2016, ApJ 830,
    27, eq. 12). Of a point source with the PSF P(u; x, y) the kernel k makes
    F(x, y) = sum_u k(-u) P(u; x, y), relative to the same in the middle. With a PSF whose pixels
    are polynomials of the place, that is a ratio of two polynomials.

    Parameters
    ----------
    model : PsfModel
        Of the science frame.
    kernel : (k, k) array
        That turns the science frame into the score, centred, on any scale, at least as large as
        a stamp of the PSF.
    tile : Tile

    Returns
    -------
    (ny, nx) float32 array or None
        Of the core of the tile; None where all of it is within :data:`LEAST_CHANGE` of 1.
    """
    reach = kernel.shape[0] // 2 - model.half
    inner = slice(reach, kernel.shape[0] - reach)
    seen = np.tensordot(model.coefficients, kernel[inner, inner][::-1, ::-1], axes=2)
    total = model.coefficients.sum(axis=(1, 2))
    fields = [Polynomial(terms, model.degree, model.shape) for terms in (seen, total)]
    rows, columns = (np.arange(side.start, side.stop) for side in tile.core)
    shown, light = (field.on_grid(rows, columns) for field in fields)
    middle = fields[0].at(*tile.centre) / fields[1].at(*tile.centre)
    shown /= light * np.float32(middle)
    changes = max(shown.max() - 1, 1 - shown.min()) > LEAST_CHANGE
    return np.asarray(shown, np.float32) if changes else None
