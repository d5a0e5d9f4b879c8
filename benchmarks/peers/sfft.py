"""SFFT (Hu et al. 2022, ApJ 936, 157): a delta-function kernel, solved for in Fourier space."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.job import REFERENCE, SCIENCE, Job
from benchmarks.peers.method import Method

METHOD = Method(
    title="SFFT (numpy)",
    given="frames without sky, noise maps, boxes around stars, the true matching kernel's noise",
    makes="difference; significance by the scorer's matched filter, not timed",
    settings="15 x 15 px kernel of order 1, background of order 0, one thread",
    install="pip install sfft",
    python="peers",
    largest_px=2048,
)
KERNEL_HALF = 7


@dataclass(frozen=True)
class Inputs:
    """Whole frames and those with everything but stars set to zero, transposed as SFFT wants."""

    frames: dict[str, npt.NDArray[np.float64]]
    masked: dict[str, npt.NDArray[np.float64]]
    variance: npt.NDArray[np.float32]


def version() -> str:
    """Give the version."""
    from importlib.metadata import version as version_of

    from sfft.sfftcore import SFFTSubtract  # noqa: F401 - fails where a part is missing

    return version_of("sfft")


def prepare(job: Job) -> Inputs:
    """Read frames, and keep the boxes around stars that no masked pixel spoils."""
    stars = job.array("star_boxes").T
    frames = {
        name: np.ascontiguousarray(_cleaned(job, name).T, np.float64)
        for name in (SCIENCE, REFERENCE)
    }
    masked = {name: np.where(stars, frame, 0.0) for name, frame in frames.items()}
    return Inputs(frames, masked, job.array("matched_variance"))


def _cleaned(job: Job, name: str) -> npt.NDArray[np.float32]:
    return np.where(job.array(f"{name}_mask"), 0, job.array(f"{name}_sky_free"))


def run(inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Subtract the convolved reference."""
    from sfft.sfftcore.SFFTConfigure import SingleSFFTConfigure
    from sfft.sfftcore.SFFTSubtract import GeneralSFFTSubtract

    reference, science = inputs.frames[REFERENCE], inputs.frames[SCIENCE]
    backend = {"BACKEND_4SUBTRACT": "Numpy", "NUM_CPU_THREADS_4SUBTRACT": 1, "VERBOSE_LEVEL": 0}
    configuration = SingleSFFTConfigure.SSC(
        NX=reference.shape[0],
        NY=reference.shape[1],
        KerHW=KERNEL_HALF,
        KerPolyOrder=1,
        BGPolyOrder=0,
        ConstPhotRatio=True,
        NUMBA_CACHE=True,
        **backend,
    )
    result = GeneralSFFTSubtract.GSS(
        PixA_I=reference,
        PixA_J=science,
        PixA_mI=inputs.masked[REFERENCE],
        PixA_mJ=inputs.masked[SCIENCE],
        SFFTConfig=configuration,
        ContamMask_I=None,
        **backend,
    )
    return {"difference": result[1].T.astype(np.float32), "variance": inputs.variance}
