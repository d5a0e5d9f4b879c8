"""Stamps around candidates, cut from a frame that was normalised as a whole."""

import numpy as np
from numpy.typing import NDArray

from detection.inference import outside
from detection.normalise import SOFTENING
from detection.stampnet.stamps import PLANES, SIDE

FloatArray = NDArray[np.floating]


def windows(stack: NDArray[np.float32], x: FloatArray, y: FloatArray) -> NDArray[np.float32]:
    """Cut stamps out of the channels of a frame; the frame itself is not copied.

    Parameters
    ----------
    stack : (ny, nx, 4) float32 array
        From :func:`detection.normalise.channels`; unusable pixels are 0 in all channels.
    x, y : (n,) arrays
        Centres, px from 0; the nearest pixel is the middle of its stamp.

    Returns
    -------
    (n, 3, 63, 63) float32 array
        Science, reference and difference in units of the frame's noise above its sky; NaN where
        there are no data and beyond the frame.

    Raises
    ------
    ValueError
        If a centre lies outside the frame.
    """
    faults = outside(stack.shape[:2], x, y)
    if (faults != "").any():
        first = int(np.argmax(faults != ""))
        raise ValueError(f"candidate {first} is {faults[first]}")
    height, width = stack.shape[:2]
    rows, columns = (np.rint(each).astype(np.intp)[:, None] + OFFSETS for each in (y, x))
    lies_in = ((rows >= 0) & (rows < height))[:, :, None]
    lies_in = lies_in & ((columns >= 0) & (columns < width))[:, None, :]
    place = rows.clip(0, height - 1)[:, :, None] * width + columns.clip(0, width - 1)[:, None, :]
    # take: several times faster than indexing by two arrays
    found = np.take(stack.reshape(height * width, -1), place, axis=0)
    values = np.float32(SOFTENING) * np.sinh(2 * found[..., : len(PLANES)])
    values[~lies_in | (found == 0).all(axis=-1)] = np.nan
    return np.ascontiguousarray(np.moveaxis(values, 3, 1))


OFFSETS = np.arange(SIDE) - SIDE // 2
