"""A PSF model as a header unit of a FITS file."""

import numpy as np
from astropy.io import fits

from differencing.psf.model import PsfModel

NAME = "SCIPSF"


def to_hdu(model: PsfModel) -> fits.ImageHDU:
    """Give the coefficients of a PSF as an image, what they are polynomials of in its header."""
    unit = fits.ImageHDU(model.coefficients, name=NAME)
    ny, nx = model.shape
    unit.header["EXTNAME"] = (NAME, "PSF of the science frame, by place")
    unit.header["DEGREE"] = (model.degree, "of the polynomial in x and y of every pixel")
    unit.header["FRAMEY"] = (ny, "[px] rows of the frame")
    unit.header["FRAMEX"] = (nx, "[px] columns of the frame")
    unit.header["NSTARS"] = (model.n_stars, "stars that it was measured on")
    return unit


def from_hdus(units: fits.HDUList) -> PsfModel | None:
    """Read what :func:`to_hdu` wrote; None in a file from before it was stored."""
    if NAME not in units:
        return None
    header = units[NAME].header
    return PsfModel(
        np.ascontiguousarray(units[NAME].data, np.float64),
        header["DEGREE"],
        (header["FRAMEY"], header["FRAMEX"]),
        header["NSTARS"],
    )
