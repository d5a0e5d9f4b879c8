"""Artifacts put into the pixels of a stamp: what cameras, weather and subtraction leave behind."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.stampnet.changes import Ground, add_star, amplitude, draw_beam
from detection.stampnet.light import COLUMNS, ROWS, Shape, radius
from detection.stampnet.stamps import SIDE

FloatArray = NDArray[np.floating]
# Each gives 1 where the cause lies in the science frame, -1 where it lies in the reference.
Flaw = Callable[[np.random.Generator, Ground, FloatArray], float]

MIDDLE = SIDE // 2
SPLINES: tuple[Literal[0, 1, 3], ...] = (0, 1, 3)  # orders with which frames are registered


def strength(rng: np.random.Generator, low: float = 4.5, high: float = 60.0) -> float:
    """Draw a significance, even in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def guilty(rng: np.random.Generator) -> float:
    """Draw the frame that a flaw came from: most references are means of many exposures."""
    return 1.0 if rng.random() < SCIENCE_SHARE else -1.0


SCIENCE_SHARE = 0.7


def blame(rng: np.random.Generator, planes: FloatArray, light: FloatArray) -> float:
    """Put light into the difference and, with its sign turned or not, into its frame."""
    sign = guilty(rng)
    planes[2] += light
    planes[0 if sign > 0 else 1] += rng.uniform(0.6, 1.2) * light
    return sign


def leave(rng: np.random.Generator, planes: FloatArray, residual: FloatArray, snr: float) -> float:
    """Put a residual into the difference and its cause into the frame that it came from."""
    return blame(rng, planes, residual * amplitude(snr, residual))


def hot_pixels(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """One pixel, or a few that touch, far sharper than the seeing; registration spreads them."""
    spot = np.zeros((SIDE, SIDE))
    spot[MIDDLE, MIDDLE] = 1
    for _ in range(int(rng.integers(0, 3))):
        spot[MIDDLE + int(rng.integers(-1, 2)), MIDDLE + int(rng.integers(-1, 2))] = rng.uniform(
            0.2, 1
        )
    spot = ndimage.shift(spot, rng.uniform(-0.5, 0.5, 2), order=SPLINES[int(rng.integers(3))])
    if rng.random() < 0.3:
        spot = spot - ndimage.shift(spot, rng.choice([-1.0, 1.0], 2), order=0) * rng.uniform(0.3, 1)
    return leave(rng, planes, spot, strength(rng))


def cosmic_ray(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a track through the middle, a pixel wide, uneven, straight or bent."""
    length = int(rng.integers(2, 20))
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.04)
    track = np.zeros((SIDE, SIDE))
    y, x = MIDDLE + rng.uniform(-0.5, 0.5), MIDDLE + rng.uniform(-0.5, 0.5)
    for _ in range(length):
        if not (0 <= round(y) < SIDE and 0 <= round(x) < SIDE):
            break
        track[round(y), round(x)] += rng.uniform(0.4, 1.0)
        y, x, angle = y + np.sin(angle), x + np.cos(angle), angle + bend
    if rng.random() < 0.5:
        track = ndimage.gaussian_filter(track, rng.uniform(0.2, 0.6))
    return leave(rng, planes, track, strength(rng))


def line(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a column or row, often faint; or, at any angle and wider, a satellite's trail."""
    is_trail = rng.random() < 0.4
    angle = rng.uniform(0, np.pi) if is_trail else rng.choice([0, np.pi / 2])
    offset = rng.uniform(-0.7, 0.7)
    apart = np.abs(COLUMNS * np.cos(angle) + ROWS * np.sin(angle) - offset)
    is_band = rng.random() < 0.4  # wide and so faint that no pixel of it stands out
    wide = ground.fwhm * rng.uniform(0.4, 1.5) if is_trail else rng.uniform(0.3, 1.0)
    wide = rng.uniform(1.0, 4.0) if is_band else wide
    profile = np.exp(-0.5 * (apart / wide) ** 2)
    if rng.random() < 0.4:  # it ends somewhere
        profile *= (COLUMNS * np.sin(angle) - ROWS * np.cos(angle)) < rng.uniform(-3, 25)
    # a source's matched filter sees a few pixels of it only
    near = np.exp(-0.5 * ((COLUMNS**2 + ROWS**2) / (ground.fwhm / 2) ** 2))
    bounds = (2.5, 12.0) if is_band else (3.5, 30.0)
    peak = strength(rng, *bounds) / np.sqrt((near * profile).sum())
    grain = rng.uniform(0, 0.6)
    lit = profile * peak * np.maximum(0, 1 + grain * rng.normal(0, 1, profile.shape))
    return blame(rng, planes, lit)


def glow(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a ghost, halo or cloud: light much wider than a star, clumpy or a ring."""
    x, y = rng.uniform(-3, 3, 2)
    shape = Shape(x, y, rng.uniform(0.4, 1), rng.uniform(0, np.pi))
    wide = ground.fwhm * rng.uniform(1.5, 6)
    r = radius(shape) / wide
    blob = np.exp(-0.5 * r**2) if rng.random() < 0.6 else np.exp(-0.5 * ((r - 1) / 0.25) ** 2)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, blob.shape), rng.uniform(0.7, 2.0))
    blob = np.maximum(blob * (1 + rng.uniform(0, 2) * texture / texture.std()), 0)
    return leave(rng, planes, blob, strength(rng, 8, 80))


def clump(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Noise that happens to peak, or hardly does: a few correlated pixels of the difference."""
    noise = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), rng.uniform(0.4, 1.2))
    near = np.exp(-0.5 * (COLUMNS**2 + ROWS**2) / (0.6 * ground.fwhm) ** 2)
    noise *= near
    noise *= np.sign(noise.sum()) / np.sqrt((noise**2).sum())
    found = noise * strength(rng, 1.0, 8)
    planes[2] += found
    sign = guilty(rng)
    planes[0 if sign > 0 else 1] += found * rng.uniform(0, 1)
    return sign


def misplaced(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a star that moved by part of a pixel, or was smeared differently."""
    beam = draw_beam(rng, ground.fwhm)
    peak = strength(rng, 15, 2000)
    add_star(rng, planes, beam, peak)
    step = rng.normal(0, 0.35, 2)
    moved = ndimage.shift(beam.difference, step, order=3, mode="nearest")
    wider = ndimage.gaussian_filter(beam.difference, rng.uniform(0.2, 0.8))
    residual = rng.uniform(0, 1) * (moved - beam.difference)
    residual += rng.choice([-1, 1]) * rng.uniform(0, 1) * (wider - beam.difference)
    residual *= amplitude(strength(rng, 6, 80), residual)
    centre_on_peak(planes, residual)
    return guilty(rng)


def ringing(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a bright star whose PSF was not known well: rings and chequers of both signs."""
    beam = draw_beam(rng, ground.fwhm)
    add_star(rng, planes, beam, strength(rng, 40, 3000))
    x, y = rng.uniform(-0.5, 0.5, 2)
    r = radius(Shape(x, y, rng.uniform(0.7, 1), rng.uniform(0, np.pi)))
    period = rng.uniform(1.6, 4.0)
    waves = np.cos(2 * np.pi * r / period + rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.5:
        waves = waves * (1 - 2 * ((ROWS + COLUMNS) % 2)) if rng.random() < 0.3 else waves
        waves = waves + rng.normal(0, 0.8, waves.shape)
    residual = waves * np.exp(-r / (ground.fwhm * rng.uniform(0.4, 1.2)))
    residual *= amplitude(strength(rng, 6, 80), residual)
    centre_on_peak(planes, residual)
    return guilty(rng)


def overexposed(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Draw a saturated star: a flat core, a rim that did not subtract, a bleed."""
    beam = draw_beam(rng, 1.3 * ground.fwhm)
    peak = strength(rng, 300, 5000)
    depth = add_star(rng, planes, beam, peak)
    full = peak * rng.uniform(0.05, 0.5)
    flat = np.minimum(planes[0], full), np.minimum(planes[1], full * depth * rng.uniform(0.5, 2))
    planes[0], planes[1] = flat
    rough = rng.normal(0, 1, planes[2].shape) * (beam.science > rng.uniform(0.005, 0.1))
    rough = ndimage.gaussian_filter(rough, rng.uniform(0.3, 1.0))
    planes[2] += rough / max(rough.std(), 1e-3) * rng.uniform(0.5, 6)
    centre_on_peak(planes, rough * 0)
    if rng.random() < 0.3:
        planes[0, :, MIDDLE - 1 : MIDDLE + 2] += strength(rng, 5, 100)
    return guilty(rng)


def rim(rng: np.random.Generator, ground: Ground, planes: FloatArray) -> float:
    """Pixels without data, square or beyond an edge, beside which the difference is wrong."""
    hole = np.zeros((SIDE, SIDE), bool)
    reach = int(rng.integers(1, 4))
    if rng.random() < 0.5:
        side = int(rng.integers(3, 22))
        top, left = MIDDLE + reach, MIDDLE + int(rng.integers(-side, 1))
        hole[top : top + side, left : left + side] = True
    else:
        hole[MIDDLE + reach :, :] = True
    beside = ndimage.gaussian_filter(hole.astype(float), rng.uniform(0.8, 2.5)) * ~hole
    grain = ndimage.gaussian_filter(rng.normal(0, 1, hole.shape), rng.uniform(0.3, 1.2))
    residual = beside * (rng.uniform(0, 1.5) + grain / grain.std())
    residual *= amplitude(strength(rng, 6, 60), residual)
    planes += residual * np.array([rng.uniform(0, 1), 0, 1])[:, None, None]
    planes[:, hole] = np.nan
    turns = int(rng.integers(4))
    planes[...] = np.rot90(planes, turns, axes=(1, 2))
    return guilty(rng)


def centre_on_peak(planes: FloatArray, residual: FloatArray) -> None:
    """Add a residual to the difference, then move all so that its peak is in the middle, in place.

    Candidates are where the difference is highest, not where the star is.
    """
    planes[2] += residual
    part = slice(MIDDLE - 5, MIDDLE + 6)
    seen = ndimage.gaussian_filter(np.nan_to_num(planes[2][part, part]), 0.7)
    row, column = np.unravel_index(np.argmax(seen), seen.shape)
    # mirrored, lest missing data at the border say which stamps were moved
    planes[...] = ndimage.shift(planes, (0, 5 - row, 5 - column), order=0, mode="mirror")
