"""Real changes put into the pixels of a stamp: stars that vary, supernovae, new stars."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.stampnet.light import Shape, moffat, sersic
from detection.stampnet.stamps import CLASSES

FloatArray = NDArray[np.floating]

SUPERNOVA, VARIABLE, TRANSIENT = CLASSES
FWHM_TO_SIGMA = 1 / 2.3548


@dataclass(frozen=True)
class Ground:
    """A place of the sky where nothing changes.

    Attributes
    ----------
    planes : (3, 63, 63) float32 array
        Science, reference and difference above the sky, in sigma; NaN without data.
    fwhm : float
        Seeing, px.
    """

    planes: NDArray[np.float32]
    fwhm: float


@dataclass(frozen=True)
class Beam:
    """How a star looks in the science frame, the reference and the difference; peak near 1."""

    science: FloatArray
    reference: FloatArray
    difference: FloatArray


def draw_beam(rng: np.random.Generator, fwhm: float, shift: float = 0.6) -> Beam:
    """Draw the shape of a star near the middle of a stamp; the frames differ in seeing."""
    angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.8, 1.0)
    x, y = rng.uniform(-shift, shift, 2)
    place = Shape(x, y, ratio, angle)
    beta = rng.uniform(2.2, 5.0)
    seen = fwhm * np.exp(rng.normal(0, 0.08))
    before = seen * np.exp(rng.normal(0, 0.15))
    left = max(seen, before) * rng.uniform(0.85, 1.1)
    # proper differences overshoot a little around a source
    overshoot = rng.uniform(0, 0.12)
    difference = (1 + overshoot) * moffat(left, beta, place)
    difference -= overshoot * moffat(1.7 * left, beta, place)
    return Beam(moffat(seen, beta, place), moffat(before, beta, place), difference)


def shine(rng: np.random.Generator, signal: FloatArray, graininess: float) -> FloatArray:
    """Give light, in sigma, with the photon noise it brings."""
    spread = np.sqrt(graininess * np.maximum(signal, 0))
    return np.asarray(signal + rng.normal(0, 1, signal.shape) * spread)


def amplitude(snr: float, profile: FloatArray) -> float:
    """Give the peak, in sigma per pixel, at which a profile is found with ``snr``."""
    return float(snr / np.sqrt((profile**2).sum()))


def add_star(rng: np.random.Generator, planes: FloatArray, beam: Beam, peak: float) -> float:
    """Add, in place, a star that does not vary; the reference is deeper. Give that depth."""
    depth = float(np.exp(rng.uniform(0, 1.4)))
    grain = rng.uniform(0.0, 0.3)
    planes[0] += shine(rng, peak * beam.science, grain)
    planes[1] += shine(rng, peak * depth * beam.reference, grain / 2)
    planes[2] += shine(rng, peak * beam.difference, grain) - peak * beam.difference
    return depth


def add_galaxy(rng: np.random.Generator, ground: Ground, planes: FloatArray, at: Shape) -> None:
    """Add, in place, a galaxy that both epochs show."""
    half_light = float(np.exp(rng.uniform(np.log(0.5), np.log(4.0)))) * ground.fwhm
    galaxy = sersic(half_light, rng.choice([1.0, 1.5, 2.5, 4.0]), at)
    galaxy = ndimage.gaussian_filter(galaxy, ground.fwhm * FWHM_TO_SIGMA)
    peak = float(np.exp(rng.uniform(np.log(2.0), np.log(80.0))))
    galaxy *= peak / galaxy.max()
    depth, grain = np.exp(rng.uniform(0, 1.4)), rng.uniform(0.0, 0.2)
    planes[0] += shine(rng, galaxy, grain)
    planes[1] += shine(rng, depth * galaxy, grain / 2)
    planes[2] += shine(rng, galaxy, grain) - galaxy


def add_change(rng: np.random.Generator, ground: Ground, planes: FloatArray, beam: Beam) -> float:
    """Add, in place, light that only one epoch has; give 1 if that is the science frame."""
    snr = float(np.exp(rng.uniform(np.log(4.8), np.log(80.0))))
    peak = amplitude(snr, beam.difference)
    grain = rng.uniform(0.0, 0.3)
    sign = 1.0 if rng.random() < 0.7 else -1.0
    planes[2] += shine(rng, peak * beam.difference, grain)
    if sign > 0:
        planes[0] += shine(rng, peak * rng.uniform(0.9, 1.6) * beam.science, grain)
    else:
        planes[1] += shine(rng, peak * rng.uniform(1.0, 4.0) * beam.reference, grain)
    return sign


def change(
    rng: np.random.Generator, ground: Ground, *, is_empty: bool
) -> tuple[NDArray[np.float32], float, str]:
    """Make something change in the middle of a stamp.

    Parameters
    ----------
    ground : Ground
    is_empty : bool
        Whether nothing is there; then a host or a star may be put there first. Else the class
        stays unknown, for nobody has said what is there.

    Returns
    -------
    ((3, 63, 63) float32 array, float, str)
        Planes, sign and kind.
    """
    planes = ground.planes.astype(float)
    beam = draw_beam(rng, ground.fwhm)
    kind = str(rng.choice([*CLASSES, "nucleus"])) if is_empty else "unknown"
    if kind == VARIABLE:
        add_star(rng, planes, beam, float(np.exp(rng.uniform(np.log(3.0), np.log(300.0)))))
    elif kind in {SUPERNOVA, "nucleus"}:
        apart = 0.2 if kind == "nucleus" else rng.exponential(0.8) * ground.fwhm + 0.3
        angle, turn = rng.uniform(0, 2 * np.pi, 2)
        at = Shape(apart * np.cos(angle), apart * np.sin(angle), rng.uniform(0.3, 1.0), turn)
        add_galaxy(rng, ground, planes, at)
    sign = add_change(rng, ground, planes, beam)
    # a nucleus that varies is an active galaxy
    return planes.astype(np.float32), sign, VARIABLE if kind == "nucleus" else kind
