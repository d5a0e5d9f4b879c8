"""AstrID itself in two threads."""

from dataclasses import replace
from typing import Any

import numpy.typing as npt

from benchmarks.peers import astrid
from benchmarks.peers.astrid import prepare, version

__all__ = ["METHOD", "prepare", "run", "version"]

METHOD = replace(astrid.METHOD, title="AstrID, two threads", settings="threads = 2")
THREADS = 2


def run(inputs: astrid.Inputs) -> dict[str, npt.NDArray[Any]]:
    """Go the whole way in two threads."""
    return astrid.run(inputs, threads=THREADS)
