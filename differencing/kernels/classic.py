"""Subtraction by a matched kernel: the sharper frame takes on the PSF of the other.

References
----------
Alard & Lupton 1998, ApJ 503, 325; Alard 2000, A&AS 144, 363; Bramich 2008, MNRAS 386, L77.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid.core.threads import plain_libraries
from differencing.kernels.filtering import Coloured, Score, centred_transform, score, whitened_psf
from differencing.kernels.kernel import KernelModel, KernelSample, fit_kernel
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.stamps import Stamps, cut_stamps
from differencing.subtraction.both import Reference
from differencing.subtraction.maps import subtract_tiles
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import Float32Image
from differencing.subtraction.optics import Filters
from differencing.subtraction.register import register
from differencing.subtraction.spectra import shift_phases
from differencing.subtraction.subtract import Difference, Ready, finish, make_ready
from differencing.subtraction.tiles import Tile, whole_frame
from differencing.subtraction.zogy import TileProducts
from preprocessing.calibrated import CalibratedFrame

FWHM_PER_SIGMA = 2.3548200450309493
LEAST_WIDTH = 1.2  # px; narrower ones would not reach the wings, which differ too
KERNEL_REACH = 5.0  # kernel widths; the widest Gaussian has 2
STAMP_REACH = 2.5  # FWHM around a star that its stamp covers
STAR_SNR = 20.0  # fainter stars say nothing about a kernel
MOST_STARS = 300
GOOD_SHARE = 0.9  # of a stamp's pixels
STAR_GAP = 3.0  # FWHM from the frame's edge


@dataclass(frozen=True)
class Matching:
    """The kernel, and which frame it convolves."""

    kernel: KernelModel
    convolves_science: bool


def subtract_classic(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    *,
    threads: int = 1,
) -> Difference:
    """Subtract ``reference`` from ``science`` after giving the sharper one the other's PSF.

    The difference is whitened, so that its noise is as independent as that of ZOGY's.

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
        For the same reasons as :func:`differencing.subtraction.subtract.subtract`; also if no
        star is bright enough to fit a kernel to.
    """
    with plain_libraries():
        ready = make_ready(science, reference, parameters, threads=threads)
        pair, shape = ready.pair, ready.pair.planes[0].shape
        with ready.watch("kernel"):
            matching = match_psfs(ready, parameters)
        with ready.watch("tiles"):
            products = partial(_products, matching)
            maps = subtract_tiles(pair, core=parameters.tile, products=products, threads=threads)
        whole = whole_frame(shape)
        around = coloured(pair, matching.convolves_science, whole, _kernel(matching, whole))
        return finish(
            ready,
            maps,
            psf=whitened_psf(around),
            algorithm=Algorithm.CLASSIC,
            figures=_figures(matching),
        )


def match_psfs(ready: Ready, parameters: DifferenceParameters) -> Matching:
    """Fit the kernel for the sharper frame on the stars of the science frame.

    Raises
    ------
    ValueError
        If no star is bright enough.
    """
    widths = [model.fwhm for model in ready.pair.models]
    convolves_science = widths[0] < widths[1]
    excess = np.sqrt(abs(widths[0] ** 2 - widths[1] ** 2)) / FWHM_PER_SIGMA
    sigma = max(float(excess), LEAST_WIDTH)
    half = min(int(np.ceil(KERNEL_REACH * sigma)) + 2, ready.pair.models[0].half)
    sample = _sample(ready, half, sharp=0 if convolves_science else 1)
    kernel = fit_kernel(
        sample,
        sigma=sigma,
        half=half,
        shape=ready.pair.planes[0].shape,
        max_degree=parameters.psf_degree,
    )
    return Matching(kernel, convolves_science)


def _sample(ready: Ready, half: int, *, sharp: int) -> KernelSample:
    """Cut the stars out of both frames, registered, in science ADU."""
    pair = ready.pair
    reach = int(np.ceil(STAMP_REACH * max(model.fwhm for model in pair.models)))
    x, y = _star_places(ready, reach + half)
    halves = [reach, reach]
    halves[sharp] += half
    stamps = [
        cut_stamps(pair.images[0].whole(), pair.planes[0].bad, x, y, half=halves[0]),
        _registered_stamps(pair, x, y, halves[1]),
    ]
    broad = 1 - sharp
    inner = slice(half, half + 2 * reach + 1)
    good = stamps[broad].good & stamps[sharp].good[:, inner, inner]
    used = good.mean(axis=(1, 2)) > GOOD_SHARE
    if not used.any():
        raise ValueError(
            f"none of {len(x)} stars above S/N {STAR_SNR:g} has a whole stamp in both frames: a "
            "kernel cannot be fitted; use a larger or cleaner frame, or the algorithm zogy"
        )
    noise, gain = _scales(pair)
    return KernelSample(
        broad=stamps[broad].chosen(used),
        sharp=stamps[sharp].chosen(used),
        x=x[used],
        y=y[used],
        noise=(noise[broad], noise[sharp]),
        gain=(gain[broad], gain[sharp]),
    )


def _star_places(ready: Ready, margin: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give whole pixels at the brightest clean stars of the science frame."""
    stars, plane = ready.sources[0], ready.pair.planes[0]
    x, y = np.rint(stars.x), np.rint(stars.y)
    # the noise of a flux within a disc of two half-light radii
    noise = plane.sigma * np.sqrt(np.pi) * 2 * stars.size
    bright = stars.is_clean & (stars.flux > STAR_SNR * noise)
    bright &= (x >= margin) & (x < plane.shape[1] - margin)
    bright &= (y >= margin) & (y < plane.shape[0] - margin)
    chosen = np.flatnonzero(bright)[:MOST_STARS]
    return x[chosen], y[chosen]


def _registered_stamps(
    pair: Pair, x: NDArray[np.float64], y: NDArray[np.float64], half: int
) -> Stamps:
    """Cut the reference where ``x``, ``y`` of the science frame lie in it, in science ADU."""
    there = x - pair.matched.shift_x.at(x, y), y - pair.matched.shift_y.at(x, y)
    stamps = cut_stamps(pair.images[1].whole(), pair.planes[1].bad, *there, half=half)
    return Stamps(stamps.pixels * pair.matched.flux_ratio, stamps.good)


def _scales(pair: Pair) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give noise and gain of science and reference in science ADU."""
    ratio = pair.matched.flux_ratio
    science, reference = pair.planes
    return (science.sigma, reference.sigma * ratio), (science.gain, reference.gain / ratio)


def coloured(
    pair: Pair, convolves_science: bool, tile: Tile, kernel: NDArray[np.float64]
) -> Coloured:
    """Give the optics of the plain difference in the middle of ``tile``, science ADU."""
    optics = pair.optics(tile)
    ratio = optics.flux_ratio
    sides = [
        (optics.psf_science, optics.noise_science, optics.gain_science),
        (optics.psf_reference, optics.noise_reference * ratio, optics.gain_reference / ratio),
    ]
    plain, convolved = sides if not convolves_science else sides[::-1]
    return Coloured(
        psf=plain[0],
        kernel=kernel,
        noise_plain=plain[1],
        noise_convolved=convolved[1],
        gain_plain=plain[2],
        gain_convolved=convolved[2],
    )


def _kernel(matching: Matching, tile: Tile) -> NDArray[np.float64]:
    return matching.kernel.at(*tile.centre)


def _products(matching: Matching, pair: Pair, tile: Tile) -> TileProducts:
    science = pair.images[0].square(tile)
    reference = registered(pair, tile)
    plain, sharp = (reference, science) if matching.convolves_science else (science, reference)
    convolved = _convolve(sharp, matching.kernel, tile)
    around = coloured(pair, matching.convolves_science, tile, _kernel(matching, tile))
    found = score(plain, convolved, sharp, around)
    return in_roles(found, pair, tile, matching.convolves_science, matching.kernel.total)


def registered(pair: Pair, tile: Tile) -> Float32Image:
    """Give the reference of ``tile`` on the science grid and in science ADU."""
    moved = register(pair.images[1].square(tile), tile, pair.matched)
    x, y = tile.centre
    shift = float(pair.matched.shift_x.at(x, y)), float(pair.matched.shift_y.at(x, y))
    row, column = shift_phases(tile.side, *shift)
    spectrum = fft.rfft2(moved) * (row * column)
    there = fft.irfft2(spectrum, (tile.side, tile.side))
    return np.asarray(there * np.float32(pair.matched.flux_ratio), np.float32)


def _convolve(image: Float32Image, kernel: KernelModel, tile: Tile) -> Float32Image:
    """Convolve with a kernel that changes linearly from the middle of ``tile`` outwards."""
    x, y = tile.centre
    side = tile.side
    spectrum = fft.rfft2(image)
    stamps = (kernel.at(x, y), *kernel.slopes(x, y))
    plain, along_x, along_y = (
        np.asarray(fft.irfft2(spectrum * centred_transform(k, side), (side, side)), np.float32)
        for k in stamps
    )
    rows, columns = tile.padded
    step_x = (columns.start + np.arange(side) - x).astype(np.float32)
    step_y = (rows.start + np.arange(side) - y).astype(np.float32)
    return np.asarray(plain + step_x * along_x + step_y[:, None] * along_y, np.float32)


def in_roles(
    found: Score, pair: Pair, tile: Tile, convolves_science: bool, total: float
) -> TileProducts:
    """Say of a score which side is science and which reference, in science ADU; give the core.

    Where the science frame was convolved, its flux is ``total`` times what it was.
    """
    ratio2 = pair.matched.flux_ratio**2  # variances of the reference are in its own ADU
    kernel = Filters.of(pair.optics(tile)).science
    if not convolves_science:
        return TileProducts(
            difference=found.whitened[tile.inner],
            score_science=found.plain[tile.inner],
            score_reference=found.convolved[tile.inner],
            source_variance=found.source_variance[tile.inner],
            sky_gain_science=found.sky_gain_plain,
            sky_gain_reference=found.sky_gain_convolved * ratio2,
            kernel=kernel,
        )
    scale = np.float32(1 / total)
    return TileProducts(
        difference=-scale * found.whitened[tile.inner],
        score_science=scale * found.convolved[tile.inner],
        score_reference=scale * found.plain[tile.inner],
        source_variance=scale**2 * found.source_variance[tile.inner],
        sky_gain_science=float(scale) ** 2 * found.sky_gain_convolved,
        sky_gain_reference=float(scale) ** 2 * found.sky_gain_plain * ratio2,
        kernel=kernel,
    )


def _figures(matching: Matching) -> dict[str, float]:
    kernel = matching.kernel
    return {
        "convolves_science": float(matching.convolves_science),
        "kernel_total": kernel.total,
        "kernel_degree": float(kernel.degree),
        "kernel_misfit": kernel.misfit,
        "n_kernel_stars": float(kernel.n_stars),
    }
