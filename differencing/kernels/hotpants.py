"""Subtraction by the program HOTPANTS, for comparison: what it leaves is scored like our own.

References
----------
Becker 2015, HOTPANTS, Astrophysics Source Code Library 1504.004.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid.core.threads import plain_libraries
from differencing.kernels.classic import coloured, in_roles, registered
from differencing.kernels.filtering import centred_transform, power_of, score, whitened_psf
from differencing.kernels.hotpants_program import Made, find_program, run_program
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.subtraction.both import Reference
from differencing.subtraction.maps import subtract_tiles
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import BoolArray
from differencing.subtraction.remainder import remainder
from differencing.subtraction.subtract import Difference, Ready, finish, make_ready
from differencing.subtraction.tiles import Tile, whole_frame
from differencing.subtraction.zogy import TileProducts
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, mark

RATIO_FLOOR = 1e-3  # of the power of the sharper PSF, below which a ratio of PSFs is noise


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
    with plain_libraries():
        ready = make_ready(science, reference, parameters, threads=threads)
        with ready.watch("hotpants"):
            raw = run_program(program, ready.pair, linear_fraction=parameters.linear_fraction)
        lost = ~np.isfinite(raw.difference)
        made = without_sky(raw, lost, ready.pair, mesh=parameters.remainder_mesh)
        with ready.watch("tiles"):
            maps = subtract_tiles(
                ready.pair, core=parameters.tile, products=partial(_products, made), threads=threads
            )
        whole = whole_frame(lost.shape)
        around = coloured(ready.pair, made.convolves_science, whole, _kernel(made, ready.pair))
        return finish(
            _without(ready, lost),
            maps,
            psf=whitened_psf(around),
            algorithm=Algorithm.HOTPANTS,
            figures=_figures(made, lost),
        )


def without_sky(made: Made, lost: BoolArray, pair: Pair, *, mesh: int) -> Made:
    """Take the smooth background off a difference, and put 0 where it is ``lost``.

    The program fits one plane of sky to the surroundings of bright stars, and takes for sky what
    its kernel leaves of their wings.
    """
    science, reference = pair.planes
    image = np.where(lost, np.float32(0), made.difference)
    noise = float(np.hypot(science.sigma, pair.matched.flux_ratio * reference.sigma))
    left = replace(science, pixels=image, bad=science.bad | lost, sigma=noise)
    image -= remainder((left, reference), 0.0, mesh=mesh).whole()
    image[lost] = 0
    return replace(made, difference=image)


def _figures(made: Made, lost: BoolArray) -> dict[str, float]:
    return {
        "convolves_science": float(made.convolves_science),
        "kernel_degree": float(made.degree),
        "n_kernel_stars": float(made.n_stars),
        "lost_share": float(lost.mean()),
    }


def _without(ready: Ready, lost: BoolArray) -> Ready:
    """Mark what the program left out as without data."""
    science, reference = ready.pair.planes
    mask = science.mask.copy()
    mark(mask, lost, MaskBit.NO_DATA)
    planes = replace(science, mask=mask, bad=science.bad | lost), reference
    return replace(ready, pair=replace(ready.pair, planes=planes))


def _products(made: Made, pair: Pair, tile: Tile) -> TileProducts:
    """Score the difference of the program as one of ours."""
    science, reference = pair.images[0].square(tile), registered(pair, tile)
    difference = tile.square(made.difference)
    around = coloured(pair, made.convolves_science, tile, _kernel(made, pair))
    if made.convolves_science:
        found = score(reference, reference + difference, science, around)
    else:
        found = score(science, science - difference, reference, around)
    return in_roles(found, pair, tile, made.convolves_science, 1.0)


def _kernel(made: Made, pair: Pair) -> NDArray[np.float64]:
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


def _by_seeing(made: Made, pair: Pair) -> tuple[PsfModel, PsfModel]:
    return pair.models[::-1] if made.convolves_science else pair.models
