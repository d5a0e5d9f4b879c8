"""AstrID itself: the whole path from two arrays to a table of candidates."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.wcs import WCS

from astrid import __version__
from astrid.core.threads import in_threads, plain_libraries
from benchmarks.peers.job import REFERENCE, SCIENCE, Job
from benchmarks.peers.method import Method
from differencing.algorithms import subtract_with
from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.both import Reference
from differencing.subtraction.pack import ReferencePack
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate

METHOD = Method(
    title="AstrID",
    given="masks of known bad pixels, gain, read noise and saturation",
    makes="backgrounds, stars, PSFs, registration, flux ratio, D, S_corr, flux, candidates",
    settings="none",
    install="make env",
    python="own",
)


@dataclass(frozen=True)
class Inputs:
    """Pixels, known mask bits and what the header of each frame would say."""

    pixels: dict[str, npt.NDArray[np.float32]]
    known: dict[str, npt.NDArray[np.uint16]]
    facts: dict[str, Any]
    wcs: WCS


def version() -> str:
    """Give the version."""
    return __version__


def prepare(job: Job) -> Inputs:
    """Read the frames as they came from the camera."""
    frames = (SCIENCE, REFERENCE)
    return Inputs(
        {name: job.array(name) for name in frames},
        {name: job.array(f"{name}_mask") * np.uint16(MaskBit.BAD_PIXEL) for name in frames},
        job.facts,
        _wcs(job.facts["size"]),
    )


def _wcs(size: int) -> WCS:
    """Give both frames, which lie on one grid, some place in the sky."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.1, 2.2]
    wcs.wcs.crpix = [(size + 1) / 2, (size + 1) / 2]
    wcs.wcs.cd = np.diag([-0.4, 0.4]) / 3600
    wcs.wcs.set()
    return wcs


def run(
    inputs: Inputs, parameters: DifferenceParameters | None = None, *, threads: int = 1
) -> dict[str, npt.NDArray[Any]]:
    """Go the whole way, noting the processor seconds of each part."""
    parameters = parameters or DifferenceParameters()
    began = time.process_time()
    with plain_libraries():
        names = (SCIENCE, REFERENCE)
        science, reference = in_threads(partial(calibrated, inputs), names, threads=threads)
        return search(science, reference, parameters, began, threads=threads)


def search(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    began: float,
    *,
    threads: int = 1,
) -> dict[str, npt.NDArray[Any]]:
    """Subtract and extract; ``began`` is the process time at which calibration began."""
    marks = [began, time.process_time()]
    difference = subtract_with(science, reference, parameters, threads=threads)
    marks.append(time.process_time())
    frame = reference.frame if isinstance(reference, ReferencePack) else reference
    found = extract(difference, science, frame, threshold=parameters.threshold)
    marks.append(time.process_time())
    stars = [difference.figures[f"n_psf_stars_{name}"] for name in (SCIENCE, REFERENCE)]
    return {
        "significance": difference.significance,
        "flux": difference.flux,
        "table": found,
        "steps": np.diff(marks),
        "psf_stars": np.array(stars),
    }


def calibrated(inputs: Inputs, name: str) -> CalibratedFrame:
    """Calibrate one of the frames, with what its header would say."""
    facts = inputs.facts[name]
    return calibrate(
        inputs.pixels[name],
        wcs=inputs.wcs,
        gain=facts["gain"],
        read_noise=facts["read_noise_e"],
        saturation=inputs.facts["saturation"],
        known=inputs.known[name],
        parameters=PreprocessParameters(),
    )
