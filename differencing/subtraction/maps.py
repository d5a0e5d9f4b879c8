"""The difference of two frames, tile by tile."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from astrid.core.threads import in_threads
from differencing.subtraction.measure import Pair
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.register import register
from differencing.subtraction.sensitivity import sensitivity
from differencing.subtraction.tiles import Tile, plan_tiles
from differencing.subtraction.zogy import TileProducts, score_kernels, subtract_tile

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
    moved = register(pair.images[1].square(tile), tile, pair.matched, pair.bends)
    return subtract_tile(pair.images[0].square(tile), moved, pair.optics(tile))


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
    science, reference = pair.planes
    sky = np.square(science.noise[tile.core])
    sky *= np.float32(products.sky_gain_science)
    other = np.square(reference.noise[tile.core])
    other *= np.float32(products.sky_gain_reference)
    sky += other
    source = products.source_variance[tile.inner]
    np.add(sky, np.maximum(source, 0, out=other), out=maps.variance[tile.core])
    np.less(
        source, np.multiply(sky, np.float32(BLANK_SHARE), out=sky), out=maps.is_blank[tile.core]
    )
    known = products.score_reference[tile.inner]
    maps.reference_flux[tile.core] = known
    np.subtract(products.score_science[tile.inner], known, out=maps.flux[tile.core])
    maps.difference[tile.core] = products.difference[tile.inner]
    _even_out(maps, tile, pair)


def _even_out(maps: Maps, tile: Tile, pair: Pair) -> None:
    """Scale the fluxes in a tile to what the PSF of each place says of them, in place."""
    kernel, _ = score_kernels(pair.optics(tile))
    shown = sensitivity(pair.models[0], kernel, tile)
    if shown is None:
        return
    np.reciprocal(shown, out=shown)
    for image in (maps.flux, maps.reference_flux):
        image[tile.core] *= shown
    shown *= shown
    maps.variance[tile.core] *= shown
