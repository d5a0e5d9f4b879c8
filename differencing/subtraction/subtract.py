"""Subtraction of a reference from a science frame: difference, significance, flux."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy import ndimage

from astrid.core.threads import plain_libraries
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.psf.saturated import paint_stars
from differencing.psf.stars import Sources
from differencing.subtraction.both import Reference, measure_both, take_both_apart
from differencing.subtraction.images import fill_holes
from differencing.subtraction.maps import Maps, subtract_tiles
from differencing.subtraction.match_noise import MatchNoise
from differencing.subtraction.measure import Pair, Planes, match_frames, of_one_size
from differencing.subtraction.noise import Float32Image, FloatArray
from differencing.subtraction.pack import ReferencePack
from differencing.subtraction.prepare import check_overlap, check_pair
from differencing.subtraction.tiles import strips, whole_frame
from differencing.subtraction.variance import calibrate_variance
from differencing.subtraction.zogy import difference_psf
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, has_bits, mark
from preprocessing.photometry.magnitudes import ZeroPoint

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
        Flux of a point source centred on the pixel, and its 1-sigma error, without that of the
        PSF: ``psf_flux_error`` of ``figures``, a share of the flux.
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
    zero_point : ZeroPoint or None
        What turns the fluxes into magnitudes; None where the science frame has none.
    science_psf : PsfModel or None
        Of the science frame; None in a difference stored before it was kept.
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
    zero_point: ZeroPoint | None = None
    science_psf: PsfModel | None = None

    def error_with_psf(self, flux: FloatArray, error: FloatArray) -> NDArray[np.float64]:
        """Give the errors of fluxes with what the PSF is wrong by: a share of each.

        In differences stored before it was measured that share is 0.
        """
        return np.hypot(error, self.figures.get("psf_flux_error", 0.0) * np.asarray(flux, float))


def subtract(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    *,
    threads: int = 1,
) -> Difference:
    """Subtract ``reference`` from ``science`` by proper image subtraction.

    Parameters
    ----------
    science, reference : CalibratedFrame
        On one pixel grid to a few pixels, same shape, at least 64 pixels a side. A reference for
        many science frames is better prepared once, by
        :func:`differencing.subtraction.pack.prepare_reference`; the result is the same.
    parameters : DifferenceParameters
    threads : int
        How many work side by side; the result is the same with any number.

    Raises
    ------
    ValueError
        If the frames have different shapes, share no good pixel, or have too few stars for a
        PSF, a registration or a flux ratio; or if the reference was prepared with other values.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27.
    """
    with plain_libraries():
        ready = make_ready(science, reference, parameters, threads=threads)
        with ready.watch("tiles"):
            maps = subtract_tiles(
                ready.pair, core=ready.pair.tile(parameters.tile), threads=threads
            )
        whole = whole_frame(ready.pair.planes[0].shape)
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

    sources: tuple[Sources, Sources]
    pair: Pair
    watch: Watch


def make_ready(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    *,
    threads: int = 1,
) -> Ready:
    """Check and measure two frames: stars, PSFs, cosmic rays, registration, flux ratio.

    Raises
    ------
    ValueError
        If the frames cannot be subtracted by any algorithm; see :func:`subtract`.
    """
    watch = Watch()
    check_pair(science, reference.frame if isinstance(reference, ReferencePack) else reference)
    with watch("stars"):
        parts = take_both_apart(science, reference, parameters)
        check_overlap(parts[0][0], parts[1][0])
    with watch("psf"):
        planes, models = measure_both(parts, reference, parameters, threads)
        check_overlap(*planes)
        both = parts[0][1], parts[1][1]
        models = of_one_size(models)
    with watch("match"):
        refined = match_frames(planes, both, models, parameters)
        matched, models = refined.matched, refined.models
    with watch("background"):
        images = fill_holes(planes, matched.flux_ratio, refined.sky)
        images = paint_stars(images, planes, models, matched)
    fewest = min(model.n_stars for model in models)
    match_noise = MatchNoise.of(refined.scatter, models[0].fwhm, fewest, refined.flux_variance)
    pair = Pair(planes, images, models, matched, match_noise, refined.n_sources)
    return Ready(both, pair, watch)


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
        mask = join_masks(ready.pair.planes, ready.pair.models[0].fwhm)
        saturated = has_bits(mask, MaskBit.SATURATED)
        noise_figures = calibrate_variance(maps, ready.pair.noise, mask != 0, saturated)
        error, significance = maps.variance, maps.reference_flux  # overwritten by what follows
        for rows in strips(error.shape):
            np.sqrt(maps.variance[rows], out=error[rows])
            np.divide(maps.flux[rows], error[rows], out=significance[rows])
        empty = np.flatnonzero(has_bits(mask, MaskBit.NO_DATA))
        for image in (maps.difference, significance, maps.flux, error):
            image.reshape(-1)[empty] = np.nan
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
        science_psf=ready.pair.models[0],
    )


def join_masks(planes: Planes, fwhm: float) -> NDArray[np.uint16]:
    """Give the bits of both masks; EDGE where a PSF core leaves the exposed area."""
    mask = planes[0].mask | planes[1].mask
    near = has_bits(mask, MaskBit.NO_DATA)
    reach = int(np.ceil(fwhm))
    if near.any():
        near = ndimage.binary_dilation(near, iterations=reach)
    near[:reach] = near[-reach:] = True
    near[:, :reach] = near[:, -reach:] = True
    mark(mask, near, MaskBit.EDGE)
    return mask
