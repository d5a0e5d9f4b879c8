"""A raw night of a small telescope: what a difference of its two halves finds of injected stars.

The halves are stacks that ``manage.py reduce --halves`` made. What is found away from an injected
star is taken to be false, although asteroids and variables may be among it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from scipy.spatial import cKDTree

from astrid.core.console import progress
from benchmarks import pages
from benchmarks.estimates import wilson
from benchmarks.rawnight_table import LEAST_FOUND, MOST_FALSE, render
from differencing.extraction.extract import Candidates, extract
from differencing.parameters import DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.subtraction.subtract import Difference, make_ready, subtract
from observations.reading_arguments import whole
from preprocessing.calibrated import CalibratedFrame, from_fits

Figures = dict[str, Any]
FloatArray = npt.NDArray[np.float64]

HELP = (
    "Inject stars into the stack of half a raw night and subtract that of the other half; DIR is "
    "what `reduce --halves` wrote. Takes a few seconds for each seed."
)
LEVELS = (5.0, 8.0, 12.0, 20.0, 50.0)
PER_LEVEL, SEEDS = 20, (1, 2, 3)
# Of the narrower PSF, between an injected star and what is found.
NEAR_FWHM = 0.7
# No star is injected nearer than this to the border, or to another one, in FWHM.
APART_FWHM = 4.0
# Flags with which a candidate does not survive.
FLAGS = ("is_saturated", "is_edge", "is_dipole", "near_bright_star")
HALVES = ("first", "second")


@dataclass(frozen=True, eq=False)
class Injected:
    """Stars that were put into a frame: S/N that was aimed at, place (px), flux (ADU)."""

    level: FloatArray
    x: FloatArray
    y: FloatArray
    flux: FloatArray


def limiting_flux(
    frame: CalibratedFrame, model: PsfModel, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Give the 1-sigma flux error of a star at given places of one frame, on blank sky, ADU.

    References
    ----------
    King 1983, PASP 95, 163: ``noise / sqrt(sum P^2)``.
    """
    stamps = model.many(x, y)
    noise = frame.noise[np.rint(y).astype(int), np.rint(x).astype(int)]
    return np.asarray(noise / np.sqrt((stamps**2).sum(axis=(1, 2))))


def choose_places(
    rng: np.random.Generator, masks: npt.NDArray[np.uint16], count: int, apart: float
) -> tuple[FloatArray, FloatArray]:
    """Give sub-pixel places on pixels that are good in both frames, far from each other."""
    height, width = masks.shape
    chosen: list[tuple[float, float]] = []
    while len(chosen) < count:
        x, y = rng.uniform(apart, width - apart), rng.uniform(apart, height - apart)
        if masks[round(y), round(x)] or any(np.hypot(x - a, y - b) < apart for a, b in chosen):
            continue
        chosen.append((x, y))
    places = np.array(chosen)
    return places[:, 0], places[:, 1]


def inject(
    rng: np.random.Generator, frame: CalibratedFrame, model: PsfModel, stars: Injected
) -> CalibratedFrame:
    """Add stars with their photon noise to a frame."""
    pixels = frame.pixels.copy()
    stamps = model.many(stars.x, stars.y)
    for x, y, flux, stamp in zip(stars.x, stars.y, stars.flux, stamps, strict=True):
        column, row = round(x), round(y)
        half = model.half
        light = flux * moved(stamp, x - column, y - row)
        photons = rng.poisson(np.maximum(light, 0) * frame.gain) / frame.gain
        pixels[row - half : row + half + 1, column - half : column + half + 1] += photons
    return replace(frame, pixels=pixels)


def moved(stamp: FloatArray, dx: float, dy: float) -> FloatArray:
    """Move a stamp by a part of a pixel, by its Fourier phases: no light is lost or blurred."""
    along, down = (np.fft.fftfreq(side) for side in stamp.shape[::-1])
    phase = np.exp(-2j * np.pi * (dx * along + dy * down[:, None]))
    return np.asarray(np.fft.ifft2(np.fft.fft2(stamp) * phase).real)


def survivors(candidates: Candidates) -> Candidates:
    """Leave out what its flags explain without a change."""
    flagged = np.logical_or.reduce([candidates[name] for name in FLAGS])
    return np.asarray(candidates[~flagged])


def one_seed(
    seed: int,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    model: PsfModel,
    threshold: float,
) -> tuple[Injected, npt.NDArray[np.bool_], Candidates, Difference]:
    """Inject, subtract, extract; say which stars were found, and what else was."""
    rng = np.random.default_rng(seed)
    apart = APART_FWHM * model.fwhm + model.half
    x, y = choose_places(rng, science.mask | reference.mask, PER_LEVEL * len(LEVELS), apart / 2)
    level = np.repeat(np.array(LEVELS), PER_LEVEL)
    stars = Injected(level, x, y, level * limiting_flux(science, model, x, y))
    altered = inject(rng, science, model, stars)
    difference = subtract(altered, reference, DifferenceParameters(threshold=threshold))
    found = survivors(extract(difference, altered, reference, threshold=threshold))
    places = np.column_stack([found["x"], found["y"]])
    reach = NEAR_FWHM * model.fwhm
    near = cKDTree(np.column_stack([x, y])).query(places)[0] if len(found) else np.zeros(0)
    risen = places[~found["is_negative"]]
    hit = cKDTree(risen).query(np.column_stack([x, y]))[0] <= reach
    return stars, np.asarray(hit), np.asarray(found[near > reach]), difference


def measure(
    science: CalibratedFrame,
    reference: CalibratedFrame,
    *,
    seeds: Sequence[int] = SEEDS,
    threshold: float = 5.0,
) -> Figures:
    """Give the share found per S/N level, and what is found besides.

    The S/N of an injected star is that of a matched filter on the science frame alone, on blank
    sky; ``snr_in_difference`` is the mean of what the noise of both frames leaves of it.
    """
    model = make_ready(science, reference, DifferenceParameters()).pair.models[0]
    hits: dict[float, list[bool]] = {level: [] for level in LEVELS}
    left: dict[float, list[float]] = {level: [] for level in LEVELS}
    false: list[int] = []
    figures: dict[str, float] = {}
    with progress() as bars:
        bar = bars.add_task("raw night", total=len(seeds))
        for seed in seeds:
            stars, hit, other, difference = one_seed(seed, science, reference, model, threshold)
            false.append(len(other))
            figures = difference.figures
            error = difference.flux_error[
                np.rint(stars.y).astype(int), np.rint(stars.x).astype(int)
            ]
            for level, is_hit, snr in zip(stars.level, hit, stars.flux / error, strict=True):
                hits[level].append(bool(is_hit))
                left[level].append(float(snr))
            bars.advance(bar)
    return {
        "levels": [
            {"snr": level, "snr_in_difference": float(np.mean(left[level]))} | share(hits[level])
            for level in LEVELS
        ],
        "false_per_frame": float(np.mean(false)),
        "false_by_seed": false,
        "fwhm_science_px": figures["fwhm_science"],
        "fwhm_reference_px": figures["fwhm_reference"],
        "required": {"found": LEAST_FOUND, "false_per_frame": MOST_FALSE},
        "passed": passes(hits, false),
    }


def share(hits: Sequence[bool]) -> Figures:
    """Give the share found with its 95 % interval."""
    low, high = wilson(sum(hits), len(hits))
    return {"found": sum(hits) / len(hits), "interval": [low, high], "injected": len(hits)}


def passes(hits: dict[float, list[bool]], false: Sequence[int]) -> bool:
    """Say whether what was asked for is reached."""
    found = {level: sum(each) / len(each) for level, each in hits.items()}
    bright = min(found[level] for level in LEVELS if level >= 12)
    enough = found[8.0] >= LEAST_FOUND[8.0] and bright >= LEAST_FOUND[12.0]
    return enough and float(np.mean(false)) <= MOST_FALSE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder, and what is drawn and written."""
    parser.add_argument("directory", type=Path, help="what `reduce --halves` wrote")
    parser.add_argument("--filter", default="V", help="whose stacks are compared (V)")
    parser.add_argument("--seeds", type=whole(least=0), nargs="+", default=list(SEEDS))
    parser.add_argument(
        "--table",
        type=pages.page_for("rawnight"),
        metavar="PAGE.md",
        help="put the table on a page",
    )


def run(options: dict[str, Any]) -> Figures:
    """Measure the second half against the first, and write the page if one is named.

    Raises
    ------
    ValueError
        If there are no stacks of two halves, or the page has no place for the table.
    """
    files = [stack_of(options["directory"], options["filter"], half) for half in HALVES]
    first, second = (from_fits(file) for file in files)
    figures: Figures = {
        "filter": options["filter"],
        "frames": [fits.getval(file, "NCOMBINE") for file in files],
        "seeds": list(options["seeds"]),
        "date": datetime.now(UTC).date().isoformat(),
    }
    figures |= measure(second, first, seeds=options["seeds"])
    if options["table"] is not None:
        pages.write(options["table"], "rawnight", render(figures))
    return figures


def stack_of(folder: Path, band: str, half: str) -> Path:
    """Give the stack of half a night."""
    file = folder / f"stack_{band}_{half}_half.fits"
    if not file.is_file():
        raise ValueError(
            f"{folder} holds no {file.name}: name what `manage.py reduce RAW --halves --out DIR` "
            "wrote, and a --filter with two frames or more in either half of the night"
        )
    return file
