"""AstrID itself with a fitted kernel in place of ZOGY."""

from dataclasses import replace
from typing import Any

import numpy.typing as npt

from benchmarks.peers import astrid
from benchmarks.peers.astrid import prepare, version
from differencing.parameters import Algorithm, DifferenceParameters

__all__ = ["METHOD", "prepare", "run", "version"]

METHOD = replace(
    astrid.METHOD,
    title="AstrID, classic",
    makes="the same by a fitted kernel (Alard & Lupton) and a decorrelated difference",
    settings="algorithm = classic",
)


def run(inputs: astrid.Inputs) -> dict[str, npt.NDArray[Any]]:
    """Go the whole way with the other algorithm."""
    return astrid.run(inputs, DifferenceParameters(algorithm=Algorithm.CLASSIC))
