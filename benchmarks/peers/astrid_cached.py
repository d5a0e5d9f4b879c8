"""AstrID itself with a reference that was prepared for an earlier frame."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from astrid.core.threads import plain_libraries
from benchmarks.peers import astrid
from benchmarks.peers.astrid import version
from benchmarks.peers.job import REFERENCE, SCIENCE, Job
from differencing.parameters import DifferenceParameters
from differencing.subtraction.pack import ReferencePack, prepare_reference

__all__ = ["METHOD", "prepare", "run", "version"]

METHOD = replace(
    astrid.METHOD,
    title="AstrID, cached reference",
    given=f"{astrid.METHOD.given}; the reference calibrated, with its stars and PSF",
    makes="the same but for background, stars and PSF of the reference",
)


@dataclass(frozen=True)
class Inputs:
    """What AstrID is given, and what it knows of the reference."""

    plain: astrid.Inputs
    pack: ReferencePack


def prepare(job: Job) -> Inputs:
    """Read the frames, and measure the reference."""
    inputs = astrid.prepare(job)
    with plain_libraries():
        reference = astrid.calibrated(inputs, REFERENCE)
        return Inputs(inputs, prepare_reference(reference, DifferenceParameters()))


def run(inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Go the way of the science frame."""
    began = time.process_time()
    with plain_libraries():
        science = astrid.calibrated(inputs.plain, SCIENCE)
        return astrid.search(science, inputs.pack, DifferenceParameters(), began)
