"""Real changes put into the pixels of a stamp: stars that vary, supernovae, new stars."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.stampnet.light import Shape, moffat, sersic
from detection.stampnet.stamps import CLASSES, SIDE

FloatArray = NDArray[np.floating]

SUPERNOVA, VARIABLE, TRANSIENT = CLASSES
NUCLEUS, UNCLEAR = "nucleus", "unknown"
FWHM_TO_SIGMA = 1 / 2.3548
MIDDLE = SIDE // 2
# How much deeper than the science frame a reference is, in the logarithm of the depth.
DEEPEST = 2.3
# A star that varies by less than this is not told from an error of the flux scale, by anybody.
LEAST_SHARE = 0.03
# What one stack of years shows and a later exposure does not: variables as often as not, what is
# new almost never.
FADING = {SUPERNOVA: 0.1, TRANSIENT: 0.1, NUCLEUS: 0.4, VARIABLE: 0.5, UNCLEAR: 0.3}
# How often each is put where nothing is.
OFTEN = {SUPERNOVA: 0.35, TRANSIENT: 0.25, NUCLEUS: 0.15, VARIABLE: 0.25}
EMPTY_SIGMA = 3.5  # of the matched filter within the seeing


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
    depth = float(np.exp(rng.uniform(0, DEEPEST)))
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
    depth, grain = np.exp(rng.uniform(0, DEEPEST)), rng.uniform(0.0, 0.2)
    planes[0] += shine(rng, galaxy, grain)
    planes[1] += shine(rng, depth * galaxy, grain / 2)
    planes[2] += shine(rng, galaxy, grain) - galaxy


def add_change(
    rng: np.random.Generator, planes: FloatArray, beam: Beam, peak: float, fading: float
) -> float:
    """Add, in place, light that only one epoch has; give 1 if that is the science frame."""
    grain = rng.uniform(0.0, 0.3)
    sign = -1.0 if rng.random() < fading else 1.0
    planes[2] += shine(rng, peak * beam.difference, grain)
    if sign > 0:
        planes[0] += shine(rng, peak * rng.uniform(0.9, 1.6) * beam.science, grain)
    else:
        planes[1] += shine(rng, peak * rng.uniform(1.0, 4.0) * beam.reference, grain)
    return sign


def is_empty(ground: Ground) -> bool:
    """Say whether neither epoch shows a source in the middle."""
    part = slice(MIDDLE - 3, MIDDLE + 4)
    near = np.nan_to_num(ground.planes[:2, part, part])
    blurred = ndimage.gaussian_filter(near, (0, 1, 1))
    # the kernel of 1 px lowers white noise to 0.28 of itself
    return bool((blurred[:, 1:-1, 1:-1] < EMPTY_SIGMA * 0.28 * 1.5).all())


def change(rng: np.random.Generator, ground: Ground) -> tuple[NDArray[np.float32], float, str]:
    """Make something change in the middle of a stamp.

    Where nothing is, a host or a star may be put first. Where something is, the class stays
    unknown, for nobody has said what it is.

    Returns
    -------
    ((3, 63, 63) float32 array, float, str)
        Planes, sign and kind.
    """
    planes = ground.planes.astype(float)
    beam = draw_beam(rng, ground.fwhm)
    kind = str(rng.choice(list(OFTEN), p=list(OFTEN.values()))) if is_empty(ground) else UNCLEAR
    snr = float(np.exp(rng.uniform(np.log(4.8), np.log(80.0))))
    peak = amplitude(snr, beam.difference)
    if kind == VARIABLE:
        star = float(np.exp(rng.uniform(np.log(3.0), np.log(300.0))))
        star = min(star, peak / LEAST_SHARE)
        add_star(rng, planes, beam, star)
        smear(rng, planes, beam, snr)
    elif kind in {SUPERNOVA, NUCLEUS}:
        host_of(rng, ground, planes, is_centred=kind == NUCLEUS)
    elif kind == UNCLEAR:
        part = slice(MIDDLE - 2, MIDDLE + 3)
        peak = max(peak, LEAST_SHARE * float(np.nanmax(planes[:2, part, part])))
        smear(rng, planes, beam, snr)
    sign = add_change(rng, planes, beam, peak, FADING[kind])
    # a nucleus that varies is an active galaxy
    return planes.astype(np.float32), sign, VARIABLE if kind == NUCLEUS else kind


def host_of(
    rng: np.random.Generator, ground: Ground, planes: FloatArray, *, is_centred: bool
) -> None:
    """Add, in place, a galaxy around the middle or with the middle in its outskirts."""
    apart = 0.2 if is_centred else rng.exponential(0.8) * ground.fwhm + 0.3
    angle, turn = rng.uniform(0, 2 * np.pi, 2)
    at = Shape(apart * np.cos(angle), apart * np.sin(angle), rng.uniform(0.3, 1.0), turn)
    add_galaxy(rng, ground, planes, at)


def smear(rng: np.random.Generator, planes: FloatArray, beam: Beam, snr: float) -> None:
    """Add, in place, what a star under a change often leaves: it was not quite where it was."""
    if rng.random() < SMEARED_SHARE:
        moved = ndimage.shift(beam.difference, rng.normal(0, 0.35, 2), order=3, mode="nearest")
        residual = moved - beam.difference
        planes[2] += residual * amplitude(rng.uniform(0, 0.4) * snr, residual)


SMEARED_SHARE = 0.4
