"""Subtraction of a reference from a science frame: difference, significance, flux."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy import ndimage

from differencing.calibrate import calibrate_variance
from differencing.cosmics import find_cosmics, mark_cosmics
from differencing.maps import Maps, subtract_tiles
from differencing.measure import (
    FRAMES,
    Models,
    Pair,
    Planes,
    find_sources,
    match_frames,
    measure_psfs,
)
from differencing.noise import Float32Image
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.prepare import Plane, check_overlap, check_pair, fill_holes, has_bits, remainder
from differencing.stars import Sources
from differencing.tiles import plan_tiles
from differencing.zogy import difference_psf
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit

Frames = tuple[CalibratedFrame, CalibratedFrame]

NO_FIGURES: Mapping[str, float] = {}


@dataclass(frozen=True)
class Difference:
    """What is left of a science frame after its reference, all in science ADU.

    Pixels without data in either frame are NaN in the float images.

    Attributes
    ----------
    difference : (ny, nx) float32 array
        Proper difference D; a new source has its science flux in it.
    significance : (ny, nx) float32 array
        S_corr, in sigma.
    flux, flux_error : (ny, nx) float32 array
        Flux of a point source centred on the pixel, and its 1-sigma error.
    mask : (ny, nx) uint16 array
        MaskBit of both frames, cosmic rays found here included.
    psf : (k, k) float32 array
        PSF of D at the centre of the frame; sums to 1.
    wcs : WCS
        Of the science frame.
    figures : dict
        Measured qualities and seconds per step.
    algorithm : Algorithm
        What made it.
    """

    difference: Float32Image
    significance: Float32Image
    flux: Float32Image
    flux_error: Float32Image
    mask: NDArray[np.uint16]
    psf: Float32Image
    wcs: WCS
    figures: dict[str, float] = field(default_factory=dict)
    algorithm: Algorithm = Algorithm.ZOGY


def subtract(
    science: CalibratedFrame, reference: CalibratedFrame, parameters: DifferenceParameters
) -> Difference:
    """Subtract ``reference`` from ``science`` by proper image subtraction.

    Parameters
    ----------
    science, reference : CalibratedFrame
        On one pixel grid to a few pixels, same shape, at least 64 pixels a side.
    parameters : DifferenceParameters

    Raises
    ------
    ValueError
        If the frames have different shapes, share no good pixel, or have too few stars for a
        PSF, a registration or a flux ratio.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27.
    """
    ready = make_ready(science, reference, parameters)
    with ready.watch("tiles"):
        maps = subtract_tiles(ready.pair, core=parameters.tile)
    shape = ready.pair.planes[0].shape
    whole = next(iter(plan_tiles(shape, core=max(shape), border=0)))
    return finish(ready, maps, psf=difference_psf(ready.pair.optics(whole)))


class Watch:
    """Wall time per named step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Add what the block takes as ``seconds_STEP``."""
        start = time.perf_counter()
        yield
        self.seconds[f"seconds_{step}"] = time.perf_counter() - start


@dataclass(frozen=True)
class Ready:
    """Two frames of which everything is known that any algorithm needs to subtract them."""

    frames: Frames  # science and reference, cosmic rays marked
    sources: tuple[Sources, Sources]
    pair: Pair
    watch: Watch


def make_ready(
    science: CalibratedFrame, reference: CalibratedFrame, parameters: DifferenceParameters
) -> Ready:
    """Check and measure two frames: stars, PSFs, cosmic rays, registration, flux ratio.

    Raises
    ------
    ValueError
        If the frames cannot be subtracted by any algorithm; see :func:`subtract`.
    """
    watch = Watch()
    check_pair(science, reference)
    planes = _planes((science, reference))
    with watch("stars"):
        found = find_sources(planes[0], parameters), find_sources(planes[1], parameters)
    with watch("psf"):
        models = measure_psfs(planes, found, parameters)
    with watch("cosmics"):
        frames = _without_cosmics((science, reference), planes, models)
        planes = _planes(frames)
    with watch("match"):
        matched = match_frames(planes, found, models, parameters)
    with watch("background"):
        images = _images(frames, planes, matched.flux_ratio, parameters.remainder_mesh)
    return Ready(frames, found, Pair(planes, images, models, matched), watch)


def finish(
    ready: Ready,
    maps: Maps,
    *,
    psf: Float32Image,
    algorithm: Algorithm = Algorithm.ZOGY,
    figures: Mapping[str, float] = NO_FIGURES,
) -> Difference:
    """Take the level of the noise from blank sky, blank what has no data, name the results.

    ``figures`` are those of the algorithm itself.
    """
    with ready.watch("noise"):
        mask = _join_masks(ready.frames, ready.pair.models[0].fwhm)
        variance, noise_figures = calibrate_variance(maps, mask != 0)
    error = np.sqrt(variance)
    significance = np.asarray(maps.flux / error, np.float32)
    empty = has_bits(mask, MaskBit.NO_DATA)
    for image in (maps.difference, significance, maps.flux, error):
        image[empty] = np.nan
    return Difference(
        difference=maps.difference,
        significance=significance,
        flux=maps.flux,
        flux_error=error,
        mask=mask,
        psf=psf,
        wcs=ready.pair.planes[0].wcs,
        figures=ready.pair.figures() | dict(figures) | noise_figures | ready.watch.seconds,
        algorithm=algorithm,
    )


def _planes(frames: Frames) -> Planes:
    planes = Plane.of(frames[0], FRAMES[0]), Plane.of(frames[1], FRAMES[1])
    check_overlap(*planes)
    return planes


def _without_cosmics(frames: Frames, planes: Planes, models: Models) -> Frames:
    """Give the frames with their cosmic-ray hits masked."""
    marked = [
        mark_cosmics(
            frame,
            find_cosmics(plane.pixels, plane.noise, model.sharpest(), gain=plane.gain),
        )
        for frame, plane, model in zip(frames, planes, models, strict=True)
    ]
    return marked[0], marked[1]


def _images(
    frames: Frames, planes: Planes, ratio: float, mesh: int
) -> tuple[Float32Image, Float32Image]:
    """Give both images without holes, the background left in their difference taken out."""
    science, reference = fill_holes(frames, planes, ratio)
    plain = science - np.float32(ratio) * reference
    return science - remainder(plain, planes[0].bad | planes[1].bad, mesh=mesh), reference


def _join_masks(frames: Frames, fwhm: float) -> NDArray[np.uint16]:
    """Give the bits of both masks; EDGE where a PSF core leaves the exposed area."""
    mask = frames[0].mask | frames[1].mask
    for frame in frames:
        mask[~np.isfinite(frame.pixels)] |= np.uint16(MaskBit.NO_DATA)
    near = has_bits(mask, MaskBit.NO_DATA)
    reach = int(np.ceil(fwhm))
    if near.any():
        near = ndimage.binary_dilation(near, iterations=reach)
    near[:reach] = near[-reach:] = True
    near[:, :reach] = near[:, -reach:] = True
    mask[near] |= np.uint16(MaskBit.EDGE)
    return mask
