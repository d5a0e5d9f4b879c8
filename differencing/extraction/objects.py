"""Connected pixels above a threshold, found by SEP with room for the frame at hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import sep
from numpy.typing import NDArray

from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray
from preprocessing.masks import lit_windows

ROOM = 16  # px that sep asks for beyond those above the threshold: room not needed takes time
ROWS, COLUMNS = (
    tuple(name.replace("_", axis) for name in ("_", "_min", "_max", "_cpeak", "_peak"))
    for axis in "yx"
)
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
    with room_for(int(np.count_nonzero(image > threshold * noise))):
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


@contextmanager
def room_for(lit: int) -> Iterator[None]:
    """Let sep have room for so many pixels above the threshold; its limits are the process's."""
    before = sep.get_extract_pixstack()
    sep.set_extract_pixstack(lit + ROOM)
    sep.set_sub_object_limit(SUB_OBJECTS)
    try:
        yield
    finally:
        sep.set_extract_pixstack(before)


def find_rare_objects(
    image: Float32Image, threshold: float, *, min_area: int, contrast: float
) -> NDArray[np.void]:
    """Find and deblend what exceeds ``threshold``, where little of the frame does.

    The same objects as :func:`find_objects` gives, by looking only at windows round them; whether
    they touch the rim of the image is not known.

    Parameters
    ----------
    image : (ny, nx) float32 array
        NaN is below any threshold.
    threshold : float
        If negative, what lies below it is found, as if the image had the other sign.
    min_area, contrast
        As for :func:`find_objects`.
    """
    sign = np.float32(np.sign(threshold))
    lit = image > threshold if sign > 0 else image < threshold
    # an empty catalogue
    found = [find_objects(np.zeros((1, 1), np.float32), 1.0, min_area=1, contrast=contrast)]
    for window in lit_windows(lit):
        part = image[window.rows, window.columns]
        part = np.where(window.part, sign * part, np.float32(0))
        inside = find_objects(part, abs(threshold), min_area=min_area, contrast=contrast)
        for names, start in ((COLUMNS, window.left), (ROWS, window.top)):
            for name in names:
                inside[name] += start
        found.append(inside)
    # without its type numpy would work out what all of them have in common, pair by pair
    return np.concatenate(found, dtype=found[0].dtype)
