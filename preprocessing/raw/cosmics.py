"""Find cosmic rays in one raw frame, by L.A.Cosmic."""

import astroscrappy
import numpy as np
from numpy.typing import NDArray

from preprocessing.masks import Bools

# Van Dokkum's own limits: Laplacian over noise, and Laplacian over fine structure.
SIGMA = 4.5
NEIGHBOUR_SHARE = 0.3
CONTRAST = 5.0
ROUNDS = 4


def find_cosmic_rays(
    pixels: NDArray[np.floating],
    unusable: Bools,
    *,
    gain: float,
    read_noise: float,
    saturation: float,
) -> Bools:
    """Mark pixels hit by cosmic rays.

    What distinguishes them is an edge sharper than the optics can draw, so the frame must be on
    its native pixels; stars of less than about 2 px FWHM are protected by ``CONTRAST`` only.

    Parameters
    ----------
    pixels : (ny, nx) array
        ADU of a frame without bias, sky still in it: the sky carries the photon noise.
    unusable : (ny, nx) bool array
        Pixels that are known to be bad; they are neither judged nor used. NaN belong here.
    gain : float
        e-/ADU.
    read_noise : float
        e-.
    saturation : float
        ADU on the scale of ``pixels``; ``inf`` for none. Saturated stars are left alone.

    Returns
    -------
    (ny, nx) bool array

    Raises
    ------
    ValueError
        If gain is not positive, or the shapes differ.

    References
    ----------
    van Dokkum 2001, PASP 113, 1420; McCully et al. 2018, doi:10.5281/zenodo.1482019.
    """
    if not gain > 0:
        raise ValueError(f"gain is {gain} e-/ADU: cosmic rays are judged in electrons")
    if unusable.shape != pixels.shape:
        raise ValueError(f"the mask is {unusable.shape}, the frame {pixels.shape}: use its own")
    left_out = unusable | ~np.isfinite(pixels)
    if left_out.all():
        return np.zeros(pixels.shape, bool)
    # It takes no NaN, not even where its mask says so.
    filled = np.where(left_out, np.median(pixels[~left_out]), pixels).astype(np.float32)
    found, _ = astroscrappy.detect_cosmics(
        filled,
        inmask=left_out,
        sigclip=SIGMA,
        sigfrac=NEIGHBOUR_SHARE,
        objlim=CONTRAST,
        gain=gain,
        readnoise=read_noise,
        satlevel=saturation * gain,
        niter=ROUNDS,
        sepmed=True,
        cleantype="medmask",
    )
    return np.asarray(found & ~left_out)
