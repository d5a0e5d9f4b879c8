"""A PSF model as header units of a FITS file."""

import numpy as np
from astropy.io import fits

from differencing.psf.model import PsfModel, unknown_width

NAME, COVARIANCE = "SCIPSF", "SCIPSFCOV"


def to_hdus(model: PsfModel) -> list[fits.ImageHDU]:
    """Give the coefficients of a PSF as an image, what they are polynomials of in its header.

    A second image holds the covariance of what its width is wrong by.
    """
    unit = fits.ImageHDU(model.coefficients, name=NAME)
    ny, nx = model.shape
    unit.header["EXTNAME"] = (NAME, "PSF of the science frame, by place")
    unit.header["DEGREE"] = (model.degree, "of the polynomial in x and y of every pixel")
    unit.header["FRAMEY"] = (ny, "[px] rows of the frame")
    unit.header["FRAMEX"] = (nx, "[px] columns of the frame")
    unit.header["NSTARS"] = (model.n_stars, "stars that it was measured on")
    return [unit, fits.ImageHDU(model.width_covariance, name=COVARIANCE)]


def from_hdus(units: fits.HDUList) -> PsfModel | None:
    """Read what :func:`to_hdus` wrote; None in a file from before it was stored."""
    if NAME not in units:
        return None
    header = units[NAME].header
    return PsfModel(
        np.ascontiguousarray(units[NAME].data, np.float64),
        header["DEGREE"],
        (header["FRAMEY"], header["FRAMEX"]),
        header["NSTARS"],
        np.ascontiguousarray(units[COVARIANCE].data, np.float64)
        if COVARIANCE in units
        else unknown_width(),
    )
