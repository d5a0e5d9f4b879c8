"""Hot pixels of a night that has no long darks: hits that come again on the same camera pixel."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.calibrated import CalibratedFrame
from preprocessing.hits import squares
from preprocessing.masks import CONNECTED, Bools, MaskBit

# Among fewer frames two cosmic rays on one pixel would already be half of them.
LEAST_FRAMES = 4
LEAST_SHARE = 0.5
# The mean of the eight pixels round a star's middle one has more than this share of its light, if
# the star is wider than 1.5 px FWHM; round a hot pixel there is none.
MOST_BESIDE = 0.2
# Hot pixels may touch, but a larger group is the whole core of a star.
LARGEST_GROUP = 4
# Light that the median frame must show, or its neighbours' noise could hide a star.
LEAST_SIGMA = 5.0
# Standard error of a median, over that of a mean.
MEDIAN_ERROR = np.sqrt(np.pi / 2)


def recurring_hits(frames: Sequence[CalibratedFrame]) -> Bools:
    """Mark the camera pixels that are hot: hit in at least half of the frames, and not by a star.

    Cosmic rays do not come back. Neither do the false hits in sharp stars where the telescope
    moves between frames; where it does not, a star gives itself away by its neighbours, which are
    lit in the median of the frames as those of a hot pixel are not.

    Parameters
    ----------
    frames : sequence of CalibratedFrame
        Of one camera, window and binning, on their own pixels; hits are marked COSMIC_RAY.

    Returns
    -------
    (ny, nx) bool array
        None marked when there are fewer than four frames.
    """
    if len(frames) < LEAST_FRAMES:
        return np.zeros(frames[0].shape, bool)
    count = np.zeros(frames[0].shape, np.uint16)
    for frame in frames:
        count += (frame.mask & np.uint16(MaskBit.COSMIC_RAY)) != 0
    again = count >= LEAST_SHARE * len(frames)
    points = np.argwhere(again & small_groups(again))
    points = points[is_alone(frames, again, points)]
    hot = np.zeros(again.shape, bool)
    hot[points[:, 0], points[:, 1]] = True
    return hot


def small_groups(marked: Bools) -> Bools:
    """Give the marked pixels that touch no more than a few others."""
    labels, _ = ndimage.label(marked, CONNECTED)
    return np.asarray(np.bincount(labels.ravel())[labels] <= LARGEST_GROUP)


def is_alone(
    frames: Sequence[CalibratedFrame], again: Bools, points: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Tell which points are bright in the median of the frames, and their neighbours are not."""
    around = np.median([squares(frame.pixels, points, 1) for frame in frames], axis=0)
    noise = np.median([squares(frame.noise, points, 0)[:, 0, 0] for frame in frames], axis=0)
    sigma = noise * MEDIAN_ERROR / np.sqrt(len(frames))
    # Hot pixels may touch each other: those beside that come again say nothing of a star.
    free = np.isfinite(around) & ~squares(again, points, 1)
    light = around[:, 1, 1]
    beside = np.where(free, around, 0).sum(axis=(1, 2)) / np.maximum(free.sum(axis=(1, 2)), 1)
    bright = light > LEAST_SIGMA * sigma
    return np.asarray(bright & free.any(axis=(1, 2)) & (beside < MOST_BESIDE * light))
