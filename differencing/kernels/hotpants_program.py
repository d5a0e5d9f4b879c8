"""The program HOTPANTS: the files it reads, its command line, what it says and what it leaves.

It ends with status 0 and ``SUCCESS`` where it found nothing to fit its kernel to, and where the
kernel that it fitted is wild, as one that has more spatial terms than stars to hold them. So what
it says of its stars is read, and it is run again with fewer terms where they were too few.

References
----------
Becker 2015, HOTPANTS, Astrophysics Source Code Library 1504.004.
"""

import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from differencing.psf.model import PsfModel
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import Float32Image
from differencing.subtraction.prepare import Plane

PROGRAM = "hotpants"
NAMES = ("science", "reference")  # of the files of both frames
MISSING = (
    "the program hotpants is not on the PATH, so nothing can be subtracted with it. Build it from "
    "https://github.com/acbecker/hotpants (needs libcfitsio; with gcc 10 or later: "
    'make COPTS="-O3 -std=gnu99 -fcommon" hotpants), put it on the PATH of the workers, and try '
    "again; or choose the algorithm zogy or classic"
)
# bits of its masks: not to be used, in those that it reads; without a value, in the one it writes
INPUT_BAD, OUTPUT_BAD = 0x80, 0x8000
# its stock Gaussians (degree, width in px) fit kernels up to this width
GAUSSIANS = ((6, 0.7), (4, 1.5), (2, 3.0))
STOCK_WIDTH = 1.5  # px; for broader kernels all lengths grow in proportion
KERNEL_HALF, STAMP_HALF = 10, 15  # px
STAMPS = (4, 12)  # a side, at least and at most; each gives one star
STAMP_SPACING = 64  # px
STAMPS_PER_TERM = 3  # stars that a spatial term of the kernel needs
MOST_DEGREE = 2  # of the kernel over the field
LOWEST = 50.0  # sigma below the sky; the program takes lower pixels for bad ones
FWHM_PER_SIGMA = 2.3548200450309493
TIMEOUT_S = 3600.0
LAST_LINES, LAST_WORDS = 4, 400  # lines and characters of its output that an error repeats
_REMAINING = re.compile(r"(\d+) out of \d+ stamps remain")


@dataclass(frozen=True)
class Made:
    """What the program made.

    Attributes
    ----------
    difference : (ny, nx) float32 array
        Science ADU; NaN where it has none.
    convolves_science : bool
        Which frame it convolved: the science frame, or else the reference.
    degree : int
        Of the kernel over the field.
    n_stars : int
        That the kernel was fitted to.
    """

    difference: Float32Image
    convolves_science: bool
    degree: int
    n_stars: int


def find_program() -> str:
    """Give the path of the program.

    Raises
    ------
    ValueError
        If it is not installed; the message says how to install it.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise ValueError(MISSING)
    return found


def run_program(program: str, pair: Pair, *, linear_fraction: float) -> Made:
    """Run the program on temporary files; the sharper frame takes on the PSF of the other.

    Parameters
    ----------
    program : str
        Its path.
    pair : Pair
    linear_fraction : float
        Share of the saturation level up to which stars serve for the kernel.

    Raises
    ------
    ValueError
        If it fails, takes too long, writes no image, or finds no star to fit its kernel to.
    """
    convolves_science = pair.models[0].fwhm < pair.models[1].fwhm
    options = _options(pair, convolves_science, linear_fraction)
    degree = degree_for(pair.models[0 if convolves_science else 1].n_stars)
    with tempfile.TemporaryDirectory(prefix="astrid-hotpants-") as folder:
        _write(Path(folder), pair)
        n_stars = _run([program, *options, "-ko", str(degree)], folder)
        while degree_for(n_stars) < degree:
            degree = degree_for(n_stars)
            n_stars = _run([program, *options, "-ko", str(degree)], folder)
        difference = _read(Path(folder), pair.planes[0].shape)
    return Made(difference, convolves_science, degree, n_stars)


def degree_for(n_stars: int) -> int:
    """Give the greatest degree of a polynomial in the place that so many stars hold."""
    degrees = range(MOST_DEGREE, 0, -1)
    terms = ((degree, (degree + 1) * (degree + 2) // 2) for degree in degrees)
    return next((degree for degree, count in terms if n_stars >= STAMPS_PER_TERM * count), 0)


def _write(folder: Path, pair: Pair) -> None:
    """Write both frames, their noise and their masks.

    Unusable pixels are filled as for the other algorithms: the program marks what a kernel takes
    from them only where that is more than 1 % of the kernel, which is too little beside a
    saturated star.
    """
    for name, plane, image in zip(NAMES, pair.planes, pair.images, strict=True):
        planes = {
            "": image.whole(),
            "_noise": _whole_noise(plane),
            "_mask": np.where(plane.bad, np.int16(INPUT_BAD), np.int16(0)),
        }
        for suffix, values in planes.items():
            fits.PrimaryHDU(values).writeto(folder / f"{name}{suffix}.fits")


def _whole_noise(plane: Plane) -> Float32Image:
    """Give the noise of each pixel, the photons of its sources included."""
    variance = plane.noise**2 + np.maximum(plane.pixels, 0) / np.float32(plane.gain)
    return np.asarray(np.sqrt(variance), np.float32)


def _run(command: list[str], folder: str) -> int:
    """Run it once in ``folder`` and give how many stars its kernel was fitted to."""
    try:
        done = subprocess.run(  # noqa: S603 -- files and numbers of ours alone
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"hotpants was not done after {TIMEOUT_S:g} s and was stopped") from error
    if done.returncode != 0:
        raise ValueError(f"hotpants {_ending(done.returncode)}: {_last_words(done)}")
    counts = _REMAINING.findall(done.stderr)
    if not counts or int(counts[-1]) == 0:
        raise ValueError(
            "hotpants found no star to fit its kernel to, none far enough from masked pixels and "
            f"edges: use a larger or deeper frame, or the algorithm zogy ({_last_words(done)})"
        )
    return int(counts[-1])


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stderr.strip() or done.stdout.strip()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "; ".join(lines[-LAST_LINES:])[-LAST_WORDS:] or "it said nothing"


def _read(folder: Path, shape: tuple[int, int]) -> Float32Image:
    """Read what it made; NaN marks what it left out."""
    made = folder / "difference.fits"
    if not made.exists():
        raise ValueError("hotpants ended well but wrote no difference")
    image = np.asarray(fits.getdata(made), np.float32)
    if image.shape != shape:
        raise ValueError(f"hotpants wrote {image.shape} pixels, not {shape}")
    left_out = (np.asarray(fits.getdata(folder / "mask.fits")) & OUTPUT_BAD) != 0
    return np.where(left_out, np.float32(np.nan), image)


def _options(pair: Pair, convolves_science: bool, linear_fraction: float) -> list[str]:
    """Write the command line: which files, what is valid, what the kernel looks like."""
    options = ["-inim", "science.fits", "-tmplim", "reference.fits", "-outim", "difference.fits"]
    options += ["-omi", "mask.fits", "-c", "i" if convolves_science else "t", "-n", "i", "-v", "0"]
    for letter, name, plane in zip("it", NAMES, pair.planes, strict=True):
        options += [f"-{letter}ni", f"{name}_noise.fits", f"-{letter}mi", f"{name}_mask.fits"]
        options += _valid(letter, plane, linear_fraction)
    for letter, size in zip("yx", pair.planes[0].shape, strict=True):
        options += [f"-ns{letter}", str(int(np.clip(size // STAMP_SPACING, *STAMPS)))]
    return options + _kernel_options(pair.models)


def _valid(letter: str, plane: Plane, linear_fraction: float) -> list[str]:
    """Say which values count, and up to which stars do; by itself it takes none above 25000."""
    highest = float(plane.pixels.max()) + 1
    numbers = {
        "u": min(plane.saturation, highest),
        "uk": min(linear_fraction * plane.saturation, highest),
        "l": -LOWEST * plane.sigma,
        "g": plane.gain,
    }
    return [word for key, value in numbers.items() for word in (f"-{letter}{key}", f"{value:.6g}")]


def _kernel_options(models: tuple[PsfModel, PsfModel]) -> list[str]:
    """Give the stock kernel, widened where the two seeings differ by more than it can bridge."""
    excess = np.sqrt(abs(models[0].fwhm ** 2 - models[1].fwhm ** 2)) / FWHM_PER_SIGMA
    scale = max(1.0, float(excess) / STOCK_WIDTH)
    gaussians = [text for degree, width in GAUSSIANS for text in (str(degree), f"{width * scale}")]
    lengths = ["-r", str(round(KERNEL_HALF * scale)), "-rss", str(round(STAMP_HALF * scale))]
    return ["-ng", str(len(GAUSSIANS)), *gaussians, *lengths, "-bgo", "1"]
