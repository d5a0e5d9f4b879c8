"""HOTPANTS (Becker 2015, ascl:1504.004): a spatially varying kernel of Gaussians."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from benchmarks.peers.job import REFERENCE, SCIENCE, Job
from benchmarks.peers.method import Method

METHOD = Method(
    title="HOTPANTS",
    given="frames without sky, noise maps, masks",
    makes="difference and its noise; significance by the scorer's matched filter, not timed",
    settings="-ko 2 -bgo 2 -nsx 12 -nsy 12, reference convolved; four regions above 3000 px",
    install="build github.com/acbecker/hotpants (gcc -fcommon, libcfitsio-dev) onto the PATH",
    python="own",
)
PROGRAM = "hotpants"
LOWEST_SIGMA = 100.0  # of the sky: what is below that is no pixel without sky
LARGE_PX = 3000  # wider frames in 2 x 2 regions
MASKED = np.int16(0x80)  # its bit of pixels that are not to be used; others it only hands on
FITTED = "stamps remain"  # it says so of its kernel, and ends as well where it fitted none


@dataclass(frozen=True)
class Inputs:
    """The command, and where its outputs will be."""

    command: list[str]
    folder: Path


def version() -> str:
    """Give the version that the program names.

    Raises
    ------
    FileNotFoundError
        If there is no such program on the PATH.
    """
    if shutil.which(PROGRAM) is None:
        raise FileNotFoundError(f"no program {PROGRAM} on the PATH")
    told = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)  # noqa: S603
    words = (told.stdout + told.stderr).split()
    return next((word for word in words if word[0].isdigit()), "unknown")


def prepare(job: Job) -> Inputs:
    """Write its FITS files."""
    folder = job.folder / PROGRAM
    folder.mkdir(exist_ok=True)
    for name in (SCIENCE, REFERENCE):
        _write(folder / f"{name}.fits", job.array(f"{name}_sky_free"))
        _write(folder / f"{name}_noise.fits", job.array(f"{name}_noise"))
        _write(folder / f"{name}_mask.fits", job.array(f"{name}_mask") * MASKED)
    return Inputs(_command(job.facts), folder)


def _write(path: Path, image: npt.NDArray[Any]) -> None:
    fits.writeto(path, image, overwrite=True)


def _command(facts: dict[str, Any]) -> list[str]:
    """Write the command line, of bare names: it has no room for long paths."""
    regions = "2" if facts["size"] > LARGE_PX else "1"
    options = {
        "inim": f"{SCIENCE}.fits",
        "tmplim": f"{REFERENCE}.fits",
        "outim": "difference.fits",
        "oni": "noise.fits",
        "ini": f"{SCIENCE}_noise.fits",
        "tni": f"{REFERENCE}_noise.fits",
        "imi": f"{SCIENCE}_mask.fits",
        "tmi": f"{REFERENCE}_mask.fits",
        "il": -LOWEST_SIGMA * facts[SCIENCE]["sky_sigma"],
        "tl": -LOWEST_SIGMA * facts[REFERENCE]["sky_sigma"],
        "iu": facts["saturation"],
        "tu": facts["saturation"],
        "ig": facts[SCIENCE]["gain"],
        "tg": facts[REFERENCE]["gain"],
        "nsx": 12,
        "nsy": 12,
        "ko": 2,
        "bgo": 2,
        "nrx": regions,
        "nry": regions,
        "c": "t",
        "n": "i",
        "v": 0,
    }
    return [PROGRAM, *(str(word) for key, value in options.items() for word in (f"-{key}", value))]


def run(inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    """Run the program and read what it made.

    Raises
    ------
    RuntimeError
        If it fails, or fits no kernel, with its last words.
    """
    done = subprocess.run(  # noqa: S603
        inputs.command, cwd=inputs.folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{PROGRAM} failed ({done.returncode}): {done.stderr.strip()[-200:]}")
    if FITTED not in done.stderr:
        raise RuntimeError(f"{PROGRAM} fitted no kernel: {' '.join(done.stderr.split())[-200:]}")
    noise = fits.getdata(inputs.folder / "noise.fits").astype(np.float32)
    difference = fits.getdata(inputs.folder / "difference.fits").astype(np.float32)
    return {"difference": difference, "variance": noise**2}
