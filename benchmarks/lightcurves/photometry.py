"""Forced photometry of many objects on one frame, beside others who do the same."""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.differencing.measure import Bench, version_of
from benchmarks.lightcurves.scene import (
    BAD_SHARE,
    BRIGHTEST,
    HALF,
    NOISE,
    SIGMA,
    Scene,
    make_scene,
    stamp,
    window,
)
from benchmarks.peers.job import SCIENCE, Job
from benchmarks.peers.meter import Cost, measure
from differencing import product
from differencing.extraction.forced import FIT_REACH, force_difference, force_frame
from preprocessing.calibrated import from_fits, to_fits

Floats = npt.NDArray[np.float64]
Fluxes = tuple[Floats, Floats]
REPEATS = 3
FWHM_PER_SIGMA = 2.3548
FIT_HALF = int(np.ceil(FIT_REACH * FWHM_PER_SIGMA * SIGMA))
PEER = "photutils_psf"
WHOLE = "both images, with the reading of their files"
COLUMNS = ["forced photometry", "CPU s", "width of pulls", "share measured"]
TIMEOUT_S = 600.0


def measured(size: int, objects: int, seed: int, peers_python: str) -> dict[str, Any]:
    """Measure the same objects in every way; give what each costs and how right it is."""
    scene = make_scene(size, objects, seed)
    frame, difference = to_fits(scene.frame), product.to_fits(scene.difference)
    ways: dict[str, Callable[[], Fluxes]] = {
        WHOLE: lambda: _from_files(scene, frame, difference),
        "difference": lambda: _fluxes(force_difference(scene.difference, scene.x, scene.y)),
        "science frame": lambda: _fluxes(force_frame(scene.frame, scene.model, scene.x, scene.y)),
        "peer: one by one": lambda: one_by_one(scene),
    }
    found = {name: _best(work, scene) for name, work in ways.items()}
    peer = _photutils(scene, peers_python)
    return {"size": size, "objects": objects, "ways": found | peer}


def about(found: dict[str, Any]) -> str:
    """Say what was measured."""
    return (
        f"Forced photometry of {found['objects']:,} objects from 0 to {BRIGHTEST:g} sigma on "
        f"{found['size']} x {found['size']} pixels, of which {BAD_SHARE:.1%} are bad. A pull is "
        "the distance from the true flux in units of the stated error: its width should be 1."
    )


def rows(found: dict[str, Any]) -> list[list[str]]:
    """Lay the figures out."""
    return [
        [name, f"{way['cpu_s']:.3g}", f"{way['pull_width']:.3f}", f"{way['measured']:.1%}"]
        for name, way in found["ways"].items()
    ]


def _from_files(scene: Scene, frame: bytes, difference: bytes) -> Fluxes:
    """Do as the pipeline does: read, then measure on both images; give the totals."""
    made, own = product.from_fits(difference), from_fits(frame)
    force_difference(made, scene.x, scene.y)
    return _fluxes(force_frame(own, made.science_psf or scene.model, scene.x, scene.y))


def _fluxes(found: npt.NDArray[np.void]) -> Fluxes:
    return found["flux"], found["flux_error"]


def one_by_one(scene: Scene) -> Fluxes:
    """Weigh the pixels of each object by the shifted PSF, literally: Naylor 1998, eqs. 9-11."""
    found = [_one(scene, x, y) for x, y in zip(scene.x, scene.y, strict=True)]
    fluxes, errors = np.array(found).T
    return fluxes, errors


def _one(scene: Scene, x: float, y: float) -> tuple[float, float]:
    where = window(x, y, FIT_HALF)
    pixels = scene.frame.pixels[where].astype(float)
    good = scene.frame.mask[where] == 0
    moved = ndimage.shift(stamp(0.0, 0.0), (y - round(y), x - round(x)), order=3)
    cut = moved[HALF - FIT_HALF : HALF + FIT_HALF + 1, HALF - FIT_HALF : HALF + FIT_HALF + 1]
    psf = cut[: pixels.shape[0], : pixels.shape[1]]
    variance = NOISE**2
    information = float((psf[good] ** 2 / variance).sum())
    return float((psf[good] * pixels[good] / variance).sum()) / information, information**-0.5


def _best(work: Callable[[], Fluxes], scene: Scene) -> dict[str, float]:
    tries = [measure(work) for _ in range(REPEATS)]
    best = min((cost for _, cost in tries), key=lambda cost: cost.cpu_s)
    fluxes, errors = tries[0][0]
    return _figures(best, fluxes, errors, scene)


def _figures(cost: Cost, fluxes: Floats, errors: Floats, scene: Scene) -> dict[str, float]:
    """Say what it cost, and how far fluxes are from the truth in units of their errors."""
    usable = np.isfinite(fluxes) & (errors > 0)
    known = (fluxes - scene.flux)[usable] / errors[usable]
    width = 1.4826 * float(np.median(np.abs(known - np.median(known))))
    share = known.size / fluxes.size
    return {"cpu_s": cost.cpu_s, "wall_s": cost.wall_s, "pull_width": width, "measured": share}


def _photutils(scene: Scene, python: str) -> dict[str, dict[str, float]]:
    """Give the figures of photutils in its own environment; nothing where it is not installed."""
    bench = Bench(python, TIMEOUT_S, REPEATS)
    version, reason = version_of(PEER, bench)
    if version is None:
        sys.stderr.write(f"photutils is not measured: {reason} (make peers)\n")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder))
        _hand_over(job, scene)
        done = bench.call(PEER, folder, str(REPEATS))
        if done.returncode:
            raise ValueError(f"photutils failed: {done.stderr.strip()}")
        costs = [Cost(**one) for one in json.loads((job.folder / f"{PEER}-costs.json").read_text())]
        fluxes, errors = (job.array(f"{PEER}-{name}") for name in ("fluxes", "errors"))
    best = min(costs, key=lambda cost: cost.cpu_s)
    return {f"peer: photutils {version}": _figures(best, fluxes, errors, scene)}


def _hand_over(job: Job, scene: Scene) -> None:
    job.save(SCIENCE, scene.frame.pixels)
    job.save("noise", scene.frame.noise)
    job.save("mask", scene.frame.mask != 0)
    job.save("psf", stamp(0.0, 0.0))
    job.save("places", np.column_stack([scene.x, scene.y, scene.flux]))
    job.state({"fit_side": 2 * FIT_HALF + 1})
