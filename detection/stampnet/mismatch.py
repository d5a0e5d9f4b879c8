"""Artifacts of a whole stamp: frames that were scaled wrongly, stars burnt into one of them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.stampnet.changes import (
    FWHM_TO_SIGMA,
    Ground,
    add_star,
    amplitude,
    draw_beam,
    is_empty,
)
from detection.stampnet.flaws import MIDDLE, centre_on_peak, guilty, strength
from detection.stampnet.light import COLUMNS, ROWS
from detection.stampnet.stamps import SIDE

FloatArray = NDArray[np.floating]

MOST_NEIGHBOURS = 8
NEAREST_STAR = 6  # px
MOST_SCALE = 1.5  # of a frame that may be left in the difference
BRIGHTEST_LEFT = 4e3  # sigma


def misscaled(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Leave a share of all stars of one frame in the difference: its flux scale was wrong."""
    if is_empty(ground):
        add_star(rng, planes, draw_beam(rng, ground.fwhm), strength(rng, 8, 300))
        add_field(rng, ground, planes)
    leave_share(rng, ground, planes, strength(rng, 5, 60))
    centre_on_peak(planes, np.zeros((SIDE, SIDE)))
    return guilty(rng)


def leave_share(
    rng: np.random.Generator,
    ground: Ground,
    planes: FloatArray,
    snr: float,
    *,
    most: float = MOST_SCALE,
) -> None:
    """Add a share of one frame to the difference, in place, so that the middle reaches ``snr``.

    No more than ``most`` of the frame is left, in units of the noise of each.
    """
    cause = np.clip(np.nan_to_num(planes[int(rng.integers(2))]), 0, BRIGHTEST_LEFT)
    near = np.exp(-0.5 * (ROWS**2 + COLUMNS**2) / (ground.fwhm * FWHM_TO_SIGMA) ** 2)
    found = float((near * cause).sum() / np.sqrt((near**2).sum()))
    planes[2] += min(snr / max(found, 1e-3), most) * cause


def add_field(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> None:
    """Add a few stars that do not vary around the middle, in place."""
    for _ in range(int(rng.integers(0, MOST_NEIGHBOURS))):
        lone = np.zeros_like(planes)
        add_star(rng, lone, draw_beam(rng, ground.fwhm), strength(rng, 5, 300))
        planes += displaced(rng, lone)


def displaced(rng: np.random.Generator, planes: FloatArray) -> FloatArray:
    """Move what lies in the middle elsewhere in the stamp; nothing comes in from beyond."""
    while True:
        step = rng.integers(-MIDDLE + 2, MIDDLE - 1, 2)
        if np.hypot(*step) > NEAREST_STAR:
            return np.asarray(ndimage.shift(planes, (0, *step), order=0, cval=0.0))


def burnt(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a star whose core one frame, mostly the reference, holds as a dip or as nonsense.

    Reading out a full pixel wraps around, and dips in stacks mark where all exposures were full.
    """
    beam = draw_beam(rng, ground.fwhm)
    peak = strength(rng, 60, 3000)
    depth = add_star(rng, planes, beam, peak)
    in_reference = rng.random() < 0.75
    dip = np.zeros((SIDE, SIDE))
    for _ in range(int(rng.integers(1, 7))):
        dip[MIDDLE + int(rng.integers(-2, 3)), MIDDLE + int(rng.integers(-1, 2))] = rng.uniform(
            0.5, 1.3
        )
    held = depth * peak * beam.reference if in_reference else peak * beam.science
    planes[1 if in_reference else 0] -= dip * held
    residual = spiky(rng, dip) + rng.uniform(0, 1.5) * beam.difference
    residual *= amplitude(strength(rng, 6, 80), residual)
    centre_on_peak(planes, residual)
    return -1.0 if in_reference else 1.0


def spiky(rng: np.random.Generator, dip: FloatArray) -> FloatArray:
    """Give what convolving makes of single wrong pixels: they ring from row to row."""
    ringing = ndimage.shift(dip, rng.uniform(-0.5, 0.5, 2), order=3, mode="nearest")
    if rng.random() < 0.5:
        ringing = ringing - 0.6 * np.roll(ringing, 1, axis=0) - 0.6 * np.roll(ringing, -1, axis=0)
    return np.asarray(rng.choice([-1.0, 1.0]) * ringing)
