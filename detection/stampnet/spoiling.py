"""Which artifact a stamp gets, and what else is wrong with the sky around a candidate."""

import numpy as np
from numpy.typing import NDArray

from detection.stampnet.changes import Ground
from detection.stampnet.flaws import (
    MIDDLE,
    Flaw,
    clump,
    cosmic_ray,
    glow,
    hot_pixels,
    line,
    misplaced,
    overexposed,
    rim,
    ringing,
    strength,
)
from detection.stampnet.mismatch import burnt, displaced, leave_share, misscaled
from detection.stampnet.stamps import SIDE

FloatArray = NDArray[np.floating]

FLAWS: tuple[Flaw, ...] = (
    hot_pixels, cosmic_ray, line, glow, clump, misplaced, ringing, overexposed, rim, misscaled,
    burnt,
)  # fmt: skip
# What may lie beside a candidate that has nothing to do with it.
BESIDE: tuple[Flaw, ...] = (hot_pixels, cosmic_ray, misplaced, ringing, overexposed, burnt)
DISTURBED_SHARE = 0.3
BLINDED_SHARE = 0.15
CLEAR_PX = 3  # from the middle to missing data, at least
MOST_BESIDE = 3
FAINT_SHARE = 1.5  # sigma that a wrong scale may leave in the middle of a disturbed stamp


def spoil(rng: np.random.Generator, ground: Ground) -> tuple[NDArray[np.float32], float]:
    """Put one artifact into the middle of a stamp where nothing changes; give its sign too."""
    planes = ground.planes.astype(float)
    sign = FLAWS[int(rng.integers(len(FLAWS)))](rng, ground, planes)
    return planes.astype(np.float32), sign


def disturb(rng: np.random.Generator, ground: Ground) -> Ground:
    """Sometimes leave residuals or a hole beside the middle of a stamp, whatever is put there.

    Without it, a difference full of residuals would say that the candidate is one of them.
    """
    planes = ground.planes.astype(float)
    if rng.random() < BLINDED_SHARE:
        blind(rng, planes)
    if rng.random() < DISTURBED_SHARE:
        surround(rng, ground, planes)
    return Ground(planes.astype(np.float32), ground.fwhm)


def blind(rng: np.random.Generator, planes: FloatArray) -> None:
    """Take the data of a rectangle away, in place, on one side of the middle."""
    hole = np.zeros((SIDE, SIDE), bool)
    top = MIDDLE + CLEAR_PX + int(rng.integers(0, 8))
    left = int(rng.integers(0, SIDE - 4))
    tall, wide = rng.integers(3, 25, 2)
    hole[top : top + tall, left : left + wide] = True
    planes[:, np.rot90(hole, int(rng.integers(4)))] = np.nan


def surround(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> None:
    """Leave stars of a wrong scale and up to three residuals around the middle, in place."""
    if rng.random() < 0.4:
        leave_share(rng, ground, planes, rng.uniform(0, FAINT_SHARE), most=strength(rng, 0.01, 1))
    for _ in range(int(rng.integers(0, MOST_BESIDE + 1))):
        alone = np.zeros_like(planes)
        BESIDE[int(rng.integers(len(BESIDE)))](rng, ground, alone)
        alone[2] *= rng.choice([-1.0, 1.0])
        planes += displaced(rng, np.nan_to_num(alone))
