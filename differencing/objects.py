"""Connected pixels above a threshold, found by SEP with room for the frame at hand."""

import numpy as np
import sep
from numpy.typing import NDArray

from differencing.noise import BoolArray, FloatArray

SMALLEST_STACK = 300_000  # px above threshold that sep holds by default
STACK_SHARE = 0.2  # of a frame; a crowded one has that many pixels above threshold
SUB_OBJECTS = 8192  # sep's own 1024 is met in the cores of clusters


def find_objects(
    image: FloatArray,
    threshold: float,
    *,
    noise: float = 1.0,
    bad: BoolArray | None = None,
    min_area: int,
    contrast: float,
) -> NDArray[np.void]:
    """Find and deblend what exceeds ``threshold`` times ``noise``.

    Parameters
    ----------
    image : (ny, nx) float32 array
        Finite everywhere.
    threshold : float
        In units of ``noise``.
    bad : (ny, nx) bool array, optional
        Pixels to leave out.
    min_area : int
        Pixels that an object must have.
    contrast : float
        Share of the flux that parts a peak from its neighbour.

    Returns
    -------
    structured array
        SEP's catalogue.

    References
    ----------
    Bertin & Arnouts 1996, A&AS 117, 393; Barbary 2016, JOSS 1, 58.
    """
    sep.set_extract_pixstack(max(SMALLEST_STACK, int(STACK_SHARE * image.size)))
    sep.set_sub_object_limit(SUB_OBJECTS)
    found: NDArray[np.void] = sep.extract(
        image,
        threshold,
        err=noise,
        mask=bad,
        minarea=min_area,
        filter_kernel=None,
        deblend_nthresh=16,
        deblend_cont=contrast,
        clean=False,
    )
    return found
