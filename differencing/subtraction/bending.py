"""How the ratio of two PSFs changes over a frame, as second derivatives that make up for it."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial, design_matrix
from differencing.subtraction.optics import TileOptics, kernel_side, noise_power
from differencing.subtraction.spectra import power_of, stamp_transform

PLACES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])  # of a side, at which the PSFs are compared
BEND_DEGREE = 2


def bends_of(
    models: tuple[PsfModel, PsfModel], optics: TileOptics
) -> tuple[Polynomial, Polynomial, Polynomial]:
    """Give what of the second derivatives of a reference to take away for one ratio of the PSFs.

    A PSF that widens or stretches a little gains a share of its second derivatives, exactly so
    where it is a Gaussian. With P_n + dP_n and P_r + dP_r at a place, those of the reference,
    times b_k, leave nothing of a constant source in the difference if
    P_r dP_n - P_n dP_r + sum b_k D_k P_n P_r = 0; the b_k are fitted to that in the proper
    difference, whose noise is white (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eq. 13).

    Parameters
    ----------
    models : pair of PsfModel
        Science and reference.
    optics : TileOptics
        In the middle of the frame.

    Returns
    -------
    three Polynomial
        Of xx, yy and xy, square px, zero near the middle of the frame.
    """
    shape, side = models[0].shape, kernel_side(optics)
    x, y = np.array(list(itertools.product(PLACES * shape[1], PLACES * shape[0]))).T
    p_n, p_r = (stamp_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference))
    root = np.sqrt(noise_power(power_of(p_n), power_of(p_r), optics))
    left = [
        (p_r * stamp_transform(there_n, side) - p_n * stamp_transform(there_r, side)) / root
        for there_n, there_r in zip(*(model.many(x, y) for model in models), strict=True)
    ]
    basis = _derivatives(side) * (p_n * p_r / root)
    # both are spectra of real images: real and imaginary part are values of their own
    share = np.linalg.lstsq(_values(basis).T, _values(np.stack(left)).T)[0]
    design = design_matrix(x, y, shape, BEND_DEGREE)
    across, down, both = (
        Polynomial(np.linalg.lstsq(design, -values)[0], BEND_DEGREE, shape) for values in share
    )
    return across, down, both


def _derivatives(side: int) -> NDArray[np.float64]:
    """Give the spectra of the second differences xx, yy and xy on a square of even side."""
    down = 2 * np.pi * fft.fftfreq(side)[:, None]
    along = 2 * np.pi * fft.rfftfreq(side)[None, :]
    twist = -np.sin(down) * np.sin(along)
    return np.stack([0 * down + 2 * np.cos(along) - 2, 2 * np.cos(down) - 2 + 0 * along, twist])


def _values(spectra: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    flat = spectra.reshape(len(spectra), -1)
    return np.concatenate([flat.real, flat.imag], axis=1)
