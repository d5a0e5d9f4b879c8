"""Subtraction by the program HOTPANTS, for comparison: what it leaves is scored like our own.

References
----------
Becker 2015, HOTPANTS, Astrophysics Source Code Library 1504.004.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy import fft

from differencing.kernels.classic import coloured, in_roles, registered
from differencing.kernels.filtering import centred_transform, power_of, score, whitened_psf
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.subtraction.both import Reference
from differencing.subtraction.maps import subtract_tiles
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.prepare import Plane
from differencing.subtraction.subtract import Difference, Ready, finish, make_ready
from differencing.subtraction.tiles import Tile, whole_frame
from differencing.subtraction.zogy import TileProducts
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, mark

PROGRAM = "hotpants"
MISSING = (
    "the program hotpants is not on the PATH, so nothing can be subtracted with it. Build it from "
    "https://github.com/acbecker/hotpants (needs libcfitsio; with gcc 10 or later: "
    'make COPTS="-O3 -fcommon -I/usr/include"), put it on the PATH of the workers, and try again; '
    "or choose the algorithm zogy or classic"
)
# its stock Gaussians (degree, width in px) fit kernels up to this width
GAUSSIANS = ((6, 0.7), (4, 1.5), (2, 3.0))
STOCK_WIDTH = 1.5  # px; for broader kernels all lengths grow in proportion
KERNEL_HALF, STAMP_HALF = 10, 15  # px
STAMPS = (4, 12)  # a side, at least and at most
STAMP_SPACING = 64  # px
LOWEST = 50.0  # sigma below the sky; the program takes lower pixels for bad ones
FWHM_PER_SIGMA = 2.3548200450309493
TIMEOUT_S = 3600
RATIO_FLOOR = 1e-3  # of the power of the sharper PSF, below which a ratio of PSFs is noise
LAST_WORDS = 400  # characters of its output that an error repeats


def subtract_hotpants(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    *,
    threads: int = 1,
) -> Difference:
    """Subtract ``reference`` from ``science`` with the installed program.

    The frames go to it without sky, with noise planes and masks: without these its own noise
    model fails on most images. Stars, PSFs, masks and the level of the noise are measured as for
    the other algorithms; the kernel is the program's.

    Parameters
    ----------
    science, reference : CalibratedFrame
        On one pixel grid to a few pixels, same shape, at least 64 pixels a side.
    parameters : DifferenceParameters
    threads : int
        How many work side by side.

    Raises
    ------
    ValueError
        If the program is not installed or fails, with its last words; or for the reasons of
        :func:`differencing.subtraction.subtract.subtract`.
    """
    program = find_program()
    ready = make_ready(science, reference, parameters, threads=threads)
    convolves_science = ready.pair.models[0].fwhm < ready.pair.models[1].fwhm
    with ready.watch("hotpants"):
        difference = run_program(program, ready.pair, convolves_science)
    lost = ~np.isfinite(difference)
    made = _Made(np.where(lost, 0, difference).astype(np.float32), convolves_science)
    with ready.watch("tiles"):
        maps = subtract_tiles(
            ready.pair, core=parameters.tile, products=partial(_products, made), threads=threads
        )
    whole = whole_frame(lost.shape)
    psf = whitened_psf(coloured(ready.pair, convolves_science, whole, _kernel(made, ready.pair)))
    figures = {"convolves_science": float(convolves_science), "lost_share": float(lost.mean())}
    return finish(
        _without(ready, lost), maps, psf=psf, algorithm=Algorithm.HOTPANTS, figures=figures
    )


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


def run_program(program: str, pair: Pair, convolves_science: bool) -> Float32Image:
    """Run the program on temporary files and read its difference, science ADU.

    NaN marks what it left out.

    Raises
    ------
    ValueError
        If it fails or writes no image.
    """
    with tempfile.TemporaryDirectory(prefix="astrid-hotpants-") as folder:
        made = Path(folder) / "difference.fits"
        _write(Path(folder), pair)
        done = subprocess.run(  # noqa: S603 -- files and numbers of ours alone
            [program, *_options(pair, convolves_science)],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
        words = (done.stderr.strip() or done.stdout.strip())[-LAST_WORDS:]
        if done.returncode != 0 or not made.exists():
            raise ValueError(f"hotpants ended with status {done.returncode}: {words or 'silent'}")
        image = np.asarray(fits.getdata(made), np.float32)
        left_out = np.asarray(fits.getdata(Path(folder) / "mask.fits")) != 0
    if image.shape != pair.planes[0].shape:
        raise ValueError(f"hotpants wrote {image.shape} pixels, not {pair.planes[0].shape}")
    return np.where(left_out, np.float32(np.nan), image)


def _write(folder: Path, pair: Pair) -> None:
    for name, plane in zip(("science", "reference"), pair.planes, strict=True):
        planes = {
            "": plane.pixels,
            "_noise": _whole_noise(plane),
            "_mask": plane.bad.astype(np.int16),
        }
        for suffix, values in planes.items():
            fits.PrimaryHDU(values).writeto(folder / f"{name}{suffix}.fits")


def _whole_noise(plane: Plane) -> Float32Image:
    """Give the noise of each pixel, the photons of its sources included."""
    variance = plane.noise**2 + np.maximum(plane.pixels, 0) / np.float32(plane.gain)
    return np.asarray(np.sqrt(variance), np.float32)


def _options(pair: Pair, convolves_science: bool) -> list[str]:
    """Write the command line: which files, what is valid, what the kernel looks like."""
    options = ["-inim", "science.fits", "-tmplim", "reference.fits", "-outim", "difference.fits"]
    options += ["-omi", "mask.fits", "-c", "i" if convolves_science else "t", "-n", "i", "-v", "0"]
    for letter, name, plane in zip("it", ("science", "reference"), pair.planes, strict=True):
        options += [f"-{letter}ni", f"{name}_noise.fits", f"-{letter}mi", f"{name}_mask.fits"]
        highest = min(plane.saturation, float(plane.pixels.max()) + 1)
        options += [f"-{letter}u", f"{highest:.6g}", f"-{letter}l", f"{-LOWEST * plane.sigma:.6g}"]
        options += [f"-{letter}g", f"{plane.gain:.6g}"]
    for letter, size in zip("yx", pair.planes[0].shape, strict=True):
        options += [f"-ns{letter}", str(int(np.clip(size // STAMP_SPACING, *STAMPS)))]
    return options + _kernel_options(pair.models) + ["-ko", "2", "-bgo", "1"]


def _kernel_options(models: tuple[PsfModel, PsfModel]) -> list[str]:
    """Give the stock kernel, widened where the two seeings differ by more than it can bridge."""
    excess = np.sqrt(abs(models[0].fwhm ** 2 - models[1].fwhm ** 2)) / FWHM_PER_SIGMA
    scale = max(1.0, float(excess) / STOCK_WIDTH)
    gaussians = [text for degree, width in GAUSSIANS for text in (str(degree), f"{width * scale}")]
    lengths = ["-r", str(round(KERNEL_HALF * scale)), "-rss", str(round(STAMP_HALF * scale))]
    return ["-ng", str(len(GAUSSIANS)), *gaussians, *lengths]


def _without(ready: Ready, lost: BoolArray) -> Ready:
    """Mark what the program left out as without data."""
    science, reference = ready.pair.planes
    mask = science.mask.copy()
    mark(mask, lost, MaskBit.NO_DATA)
    planes = replace(science, mask=mask, bad=science.bad | lost), reference
    return replace(ready, pair=replace(ready.pair, planes=planes))


@dataclass(frozen=True)
class _Made:
    """What the program made."""

    difference: Float32Image
    convolves_science: bool


def _products(made: _Made, pair: Pair, tile: Tile) -> TileProducts:
    """Score the difference of the program as one of ours."""
    science, reference = pair.images[0].square(tile), registered(pair, tile)
    difference = tile.square(made.difference)
    around = coloured(pair, made.convolves_science, tile, _kernel(made, pair))
    if made.convolves_science:
        found = score(reference, reference + difference, science, around)
    else:
        found = score(science, science - difference, reference, around)
    return in_roles(found, pair, tile, made.convolves_science, 1.0)


def _kernel(made: _Made, pair: Pair) -> NDArray[np.float64]:
    """Give the ratio of the two PSFs in the middle of the frame: how the noise was coloured."""
    height, width = pair.planes[0].shape
    broad, sharp = (model.at(width / 2, height / 2) for model in _by_seeing(made, pair))
    half = broad.shape[0] // 2
    side = 2 * int(fft.next_fast_len(2 * half + 1, real=True))
    transforms = [centred_transform(stamp, side) for stamp in (broad, sharp)]
    power = power_of(transforms[1])
    ratio = transforms[0] * np.conj(transforms[1]) / (power + RATIO_FLOOR * power.max())
    image = np.roll(fft.irfft2(ratio, (side, side)), (half, half), (0, 1))
    stamp = image[: 2 * half + 1, : 2 * half + 1].astype(np.float64)
    scaled: NDArray[np.float64] = stamp / stamp.sum()
    return scaled


def _by_seeing(made: _Made, pair: Pair) -> tuple[PsfModel, PsfModel]:
    return pair.models[::-1] if made.convolves_science else pair.models
