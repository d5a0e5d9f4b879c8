"""Real frames as scenes: what stands out between two exposures of one night is an artifact.

Sources are put into one of the two first, so that real changes lie on real pixels too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.context import ReferenceSources, find_reference_sources, nearest
from detection.scenes import Scene, compose
from detection.stampnet.changes import LEAST_SHARE
from detection.stampnet.stamps import CLASSES
from differencing.parameters import DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.subtraction.measure import find_sources, likely_stars, measure_psf
from differencing.subtraction.prepare import Plane
from preprocessing.calibrated import CalibratedFrame, from_fits

FloatArray = NDArray[np.floating]
SUPERNOVA, VARIABLE, TRANSIENT = CLASSES

PER_MPIX = 60.0  # injected sources
SEPARATION = 24.0  # px from one another,
BORDER = 24  # and from the border
FAINTEST, BRIGHTEST = 4.5, 80.0  # S/N in the frame that gets them
ON_SOURCE = 0.6  # of them lie on or beside a source of the frame
SOURCE_SIGMA = 3.0
HOST_RADII, POINT_PX = 3.0, 1.5  # as detection.context draws the lines


@dataclass(frozen=True)
class Field:
    """Calibrated frames of one sky on one grid, between which nothing is known to change."""

    name: str
    frames: list[CalibratedFrame]


@dataclass(frozen=True)
class Injected:
    """What was put into a frame: (n, 4) places and significance as in a scene, and kinds."""

    sources: FloatArray
    kinds: NDArray[np.str_]


def read_field(folder: Path) -> Field:
    """Read the frames in a folder, as ``manage.py reduce`` writes them.

    Raises
    ------
    ValueError
        If there are fewer than two, one cannot be read, or their shapes differ.
    """
    paths = sorted(folder.glob("*.fits"))
    frames = [from_fits(path) for path in paths]
    shapes = {frame.shape for frame in frames}
    if len(frames) < 2 or len(shapes) != 1:
        raise ValueError(
            f"{folder} holds {len(frames)} frames of shapes {sorted(shapes)}: two or more of one "
            "grid are needed, as manage.py reduce writes them"
        )
    return Field(folder.name, frames)


def scenes_of(field: Field, count: int, seed: int) -> Iterator[Scene]:
    """Give up to ``count`` scenes, each of another pair of frames.

    Raises
    ------
    ValueError
        If a pair cannot be subtracted.
    """
    rng = np.random.default_rng([seed, 5])
    for number, frames in pairs_of(field, count, rng):
        yield scene_of(frames, number, rng)


def pairs_of(
    field: Field, count: int, rng: np.random.Generator
) -> Iterator[tuple[int, tuple[CalibratedFrame, CalibratedFrame]]]:
    """Draw up to ``count`` different pairs of frames, each with its number, either frame first."""
    pairs = list(combinations(range(len(field.frames)), 2))
    for number in rng.permutation(len(pairs))[:count]:
        first, second = rng.permutation(pairs[number])
        yield int(number), (field.frames[first], field.frames[second])


def scene_of(
    frames: tuple[CalibratedFrame, CalibratedFrame], number: int, rng: np.random.Generator
) -> Scene:
    """Put sources into both frames and subtract them."""
    found = [look_at(frame) for frame in frames]
    brighter, rising = inject(frames[0], *found[0], rng, sign=1)
    before, fading = inject(frames[1], *found[1], rng, sign=-1, taken=rising.sources)
    truth = (
        np.concatenate([rising.sources, fading.sources]),
        np.concatenate([rising.kinds, fading.kinds]),
    )
    return compose(number, (brighter, before), truth, found[0][0].fwhm)


def look_at(frame: CalibratedFrame) -> tuple[PsfModel, ReferenceSources]:
    """Measure the PSF and the sources of a frame."""
    parameters = DifferenceParameters()
    plane = Plane.of(frame, "real")
    sources = find_sources(plane, parameters)
    stars = likely_stars(sources, plane.shape, parameters)
    psf = measure_psf(plane, sources, stars, parameters, "real")
    return psf, find_reference_sources(
        frame.pixels, plane.sigma, frame.mask, threshold=SOURCE_SIGMA
    )


def inject(
    frame: CalibratedFrame,
    psf: PsfModel,
    known: ReferenceSources,
    rng: np.random.Generator,
    *,
    sign: int,
    taken: FloatArray | None = None,
) -> tuple[CalibratedFrame, Injected]:
    """Add point sources, with their photon noise, to a copy of a frame."""
    pixels = frame.pixels.copy()
    sources: list[tuple[float, float, float, float]] = []
    kinds: list[str] = []
    ny, nx = frame.shape
    before = np.empty((0, 2)) if taken is None else taken[:, :2]
    for _ in range(int(PER_MPIX * nx * ny / 1e6)):
        x, y = draw_place(known, frame.shape, rng)
        apart = np.hypot(
            *(np.array([*before, *(s[:2] for s in sources)]).reshape(-1, 2) - (x, y)).T
        )
        if (apart < SEPARATION).any():
            continue
        snr = float(np.exp(rng.uniform(np.log(FAINTEST), np.log(BRIGHTEST))))
        snr = max(snr, snr_of_share(frame, psf, (x, y)))
        masked = add_point(pixels, frame, psf, (x, y), snr, rng)
        sources.append((x, y, sign * snr, masked))
        kinds.append(kind_at(known, x, y))
    return replace(frame, pixels=pixels), Injected(
        np.array(sources).reshape(-1, 4), np.array(kinds, "U10")
    )


def draw_place(
    known: ReferenceSources, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[float, float]:
    """Draw a place inside a frame: on a source, beside one, or anywhere."""
    ny, nx = shape
    x, y = rng.uniform(BORDER, nx - BORDER), rng.uniform(BORDER, ny - BORDER)
    if len(known) and rng.random() < ON_SOURCE:
        one = int(rng.integers(len(known)))
        apart = 0.0 if known.is_point[one] else rng.exponential(known.half_light_radius[one])
        angle = rng.uniform(0, 2 * np.pi)
        x = float(known.x[one]) + apart * np.cos(angle)
        y = float(known.y[one]) + apart * np.sin(angle)
    return float(np.clip(x, BORDER, nx - BORDER)), float(np.clip(y, BORDER, ny - BORDER))


def kind_at(known: ReferenceSources, x: float, y: float) -> str:
    """Say what a change at a place would be, as :func:`detection.context.classify` does."""
    found = nearest(known, x, y)
    if found is None:
        return TRANSIENT
    if found.is_point:
        return VARIABLE if found.separation_px <= POINT_PX else TRANSIENT
    return SUPERNOVA if found.half_light_radii <= HOST_RADII else TRANSIENT


def add_point(
    pixels: NDArray[np.float32],
    frame: CalibratedFrame,
    psf: PsfModel,
    place: tuple[float, float],
    snr: float,
    rng: np.random.Generator,
) -> float:
    """Add one point source in place; give 1 if its core is masked, else 0."""
    part, shape, noise = stamp_at(frame, psf, place)
    light = snr * noise * shape
    photons = np.sqrt(np.maximum(light, 0) / frame.gain)
    pixels[part] += (light + rng.normal(0, 1, light.shape) * photons).astype(np.float32)
    return float((frame.mask[core_at(place)] != 0).any())


def snr_of_share(frame: CalibratedFrame, psf: PsfModel, place: tuple[float, float]) -> float:
    """Give the S/N of the smallest change that can be told from an error of the flux scale."""
    _, shape, noise = stamp_at(frame, psf, place)
    brightest = np.nan_to_num(frame.pixels[core_at(place)]).max()
    return float(LEAST_SHARE * brightest / (noise * shape.max()))


def core_at(place: tuple[float, float]) -> tuple[slice, slice]:
    """Select the 3 x 3 px around a place."""
    column, row = round(place[0]), round(place[1])
    return slice(row - 1, row + 2), slice(column - 1, column + 2)


def stamp_at(
    frame: CalibratedFrame, psf: PsfModel, place: tuple[float, float]
) -> tuple[tuple[slice, slice], FloatArray, float]:
    """Give the pixels around a place, a source of unit S/N on them, and the noise of a pixel."""
    x, y = place
    column, row, half = round(x), round(y), min(psf.half, BORDER - 2)
    part = slice(row - half, row + half + 1), slice(column - half, column + half + 1)
    inner = slice(psf.half - half, psf.half + half + 1)
    shape = shifted(psf.at(x, y), x - column, y - row)[inner, inner]
    return part, shape / np.sqrt((shape**2).sum()), float(np.nanmedian(frame.noise[part]))


def shifted(stamp: NDArray[np.float32], dx: float, dy: float) -> FloatArray:
    """Move a stamp by a part of a pixel, in Fourier space."""
    ny, nx = stamp.shape
    turn = np.exp(-2j * np.pi * (np.fft.fftfreq(ny)[:, None] * dy + np.fft.fftfreq(nx) * dx))
    return np.asarray(np.fft.ifft2(np.fft.fft2(stamp) * turn).real)
