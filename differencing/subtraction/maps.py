"""The difference of two frames, tile by tile."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from astrid.core.threads import in_threads
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.register import register
from differencing.subtraction.sensitivity import Sensitivity
from differencing.subtraction.tiles import Tile, Window, plan_tiles, strips
from differencing.subtraction.zogy import TileProducts, subtract_tile

Products = Callable[[Pair, Tile], TileProducts]

BLANK_SHARE = 0.05  # of the sky's variance: below it, the photon noise of sources is no source


@dataclass(frozen=True)
class Maps:
    """Full-frame results of the tiles, science ADU."""

    difference: Float32Image
    flux: Float32Image
    variance: Float32Image  # of flux: sky and photons of sources
    reference_flux: Float32Image  # PSF flux of the reference at each pixel
    is_blank: BoolArray  # sky without sources

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "Maps":
        """Make room for a frame of ``shape``."""
        return cls(
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.empty(shape, np.bool_),
        )


def proper_products(pair: Pair, tile: Tile) -> TileProducts:
    """Subtract one tile by ZOGY."""
    return subtract_tile(
        pair.images[0].square(tile),
        register(pair.images[1].square(tile), tile, pair.matched, pair.bends),
        pair.optics(tile),
        tile.inner,
    )


def subtract_tiles(
    pair: Pair, *, core: int, products: Products = proper_products, threads: int = 1
) -> Maps:
    """Subtract a pair in tiles whose kept part is at most ``core`` px wide.

    ``products`` is the algorithm. Tiles are worked on in ``threads`` threads, which changes
    nothing but the time: each writes its own part of the maps.
    """
    shape = pair.planes[0].shape
    maps = Maps.empty(shape)
    # a score reaches as far as a PSF and a kernel of about its size
    border = pair.models[0].half + pair.models[1].half

    def work(tile: Tile) -> None:
        _store(maps, tile, products(pair, tile), pair)

    in_threads(work, plan_tiles(shape, core=core, border=border), threads=threads)
    return maps


def _store(maps: Maps, tile: Tile, products: TileProducts, pair: Pair) -> None:
    """Write the core of a tile into ``maps``, with its variance."""
    shown = Sensitivity.of(pair.models[0], products.kernel, tile)
    scaled = shown if shown.changes else None
    top, columns = tile.core[0].start, tile.core[1]
    for inner in strips(products.difference.shape):
        window = slice(top + inner.start, top + inner.stop), columns
        variance = _sky_variance(products, pair, window)
        source = products.source_variance[inner]
        np.less(source, variance * np.float32(BLANK_SHARE), out=maps.is_blank[window])
        variance += np.maximum(source, 0)
        known = products.score_reference[inner]
        flux = products.score_science[inner] - known
        if scaled is not None:
            # the fluxes of a tile are what the PSF of each place says of them
            scale = scaled.inverse(inner, slice(None))
            flux *= scale
            known *= scale
            scale *= scale
            variance *= scale
        maps.flux[window], maps.reference_flux[window] = flux, known
        maps.variance[window], maps.difference[window] = variance, products.difference[inner]


def _sky_variance(products: TileProducts, pair: Pair, window: Window) -> Float32Image:
    """Give the variance of the score by what the noise maps of both frames hold."""
    science, reference = pair.planes
    variance = np.square(science.noise[window])
    variance *= np.float32(products.sky_gain_science)
    other = np.square(reference.noise[window])
    other *= np.float32(products.sky_gain_reference)
    variance += other
    return np.asarray(variance)
