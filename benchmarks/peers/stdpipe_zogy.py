"""stdpipe (Karpov 2021, ascl:2112.006): proper image subtraction with PSFs by PSFEx."""

import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.job import REFERENCE, SCIENCE, Job
from benchmarks.peers.method import Method

METHOD = Method(
    title="stdpipe run_zogy",
    given="masks, gain, registration noise of 0.12 px",
    makes="backgrounds, stars and PSFs (by SExtractor and PSFEx), flux ratio and shift, D, S_corr, "
    "flux",
    settings="nx=1, dx=dy=0.12, one thread",
    install="pip install stdpipe; apt-get install source-extractor psfex",
    python="peers",
    largest_px=2048,
)
PROGRAMS = (("source-extractor", "sex", "sextractor"), ("psfex",))


@dataclass(frozen=True)
class Inputs:
    """Frames as they came from the camera, and their masks."""

    frames: dict[str, npt.NDArray[np.float64]]
    masks: dict[str, npt.NDArray[np.bool_]]
    facts: dict[str, Any]


def version() -> str:
    """Give the version.

    Raises
    ------
    FileNotFoundError
        If one of the programs it calls is missing.
    """
    from importlib.metadata import version as version_of

    from stdpipe import subtraction  # noqa: F401 - fails where one of its parts is missing

    for names in PROGRAMS:
        if not any(map(shutil.which, names)):
            raise FileNotFoundError(f"no program {names[0]} on the PATH")
    return version_of("stdpipe")


def prepare(job: Job) -> Inputs:
    """Read frames and masks."""
    names = (SCIENCE, REFERENCE)
    return Inputs(
        {name: job.array(name).astype(np.float64) for name in names},
        {name: job.array(f"{name}_mask") for name in names},
        job.facts,
    )


def run(inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Subtract."""
    from stdpipe import subtraction

    facts = inputs.facts
    _, significance, flux, _ = subtraction.run_zogy(
        inputs.frames[SCIENCE],
        inputs.frames[REFERENCE],
        mask=inputs.masks[SCIENCE],
        template_mask=inputs.masks[REFERENCE],
        image_gain=facts[SCIENCE]["gain"],
        template_gain=facts[REFERENCE]["gain"],
        image_fwhm=facts[SCIENCE]["fwhm"],
        template_fwhm=facts[REFERENCE]["fwhm"],
        dx=0.12,
        dy=0.12,
        nx=1,
        get_Fpsf=True,
        nthreads=1,
    )
    return {"significance": significance.astype(np.float32), "flux": flux.astype(np.float32)}
