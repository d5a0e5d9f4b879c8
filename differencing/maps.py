"""The difference of two frames, tile by tile."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from differencing.match import FrameMatch
from differencing.measure import Pair
from differencing.noise import BoolArray, Float32Image
from differencing.tiles import Tile, plan_tiles
from differencing.zogy import TileProducts, subtract_tile

Products = Callable[[Pair, Tile], TileProducts]

TAYLOR_LIMIT = 1e-3  # px; smaller changes of the shift within a tile are left alone
BLANK_SHARE = 0.05  # of the sky's variance: below it, the photon noise of sources is no source


@dataclass(frozen=True)
class Maps:
    """Full-frame results of the tiles, science ADU."""

    difference: Float32Image
    flux: Float32Image
    variance: Float32Image  # of flux: sky, photons of sources, registration
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
    moved = register(tile.square(pair.images[1]), tile, pair.matched)
    return subtract_tile(tile.square(pair.images[0]), moved, pair.optics(tile))


def subtract_tiles(pair: Pair, *, core: int, products: Products = proper_products) -> Maps:
    """Subtract a pair in tiles whose kept part is at most ``core`` px wide.

    ``products`` is the algorithm.
    """
    shape = pair.planes[0].shape
    maps = Maps.empty(shape)
    # a score reaches as far as a PSF and a kernel of about its size
    border = pair.models[0].half + pair.models[1].half
    for tile in plan_tiles(shape, core=core, border=border):
        _store(maps, tile, products(pair, tile), pair)
    return maps


def _store(maps: Maps, tile: Tile, products: TileProducts, pair: Pair) -> None:
    """Write the core of a tile into ``maps``, with its variance."""
    science, reference = pair.planes
    sky = np.float32(products.sky_gain_science) * science.noise[tile.core] ** 2
    sky += np.float32(products.sky_gain_reference) * reference.noise[tile.core] ** 2
    source = products.source_variance[tile.inner]
    shaking = squared_gradient(products.score_science, tile)
    shaking += squared_gradient(products.score_reference, tile)
    # ZOGY eqs. 30-33: the shift between the frames has variance sigma_ast^2, half for each
    shaking *= np.float32(pair.matched.sigma_ast**2 / 2)
    maps.variance[tile.core] = sky + np.maximum(source, 0) + shaking
    maps.is_blank[tile.core] = source < np.float32(BLANK_SHARE) * sky
    known = products.score_reference[tile.inner]
    maps.reference_flux[tile.core] = known
    maps.flux[tile.core] = products.score_science[tile.inner] - known
    maps.difference[tile.core] = products.difference[tile.inner]


def register(reference: Float32Image, tile: Tile, matched: FrameMatch) -> Float32Image:
    """Take up, to first order, how the shift within ``tile`` differs from that of its centre.

    The shift of the centre itself is applied in Fourier space.
    """
    rows, columns = (np.arange(window.start, window.stop) for window in tile.padded)
    part = reference[: len(rows), : len(columns)]
    moved = reference.copy()
    for axis, shift in ((1, matched.shift_x), (0, matched.shift_y)):
        change = shift.on_grid(rows, columns) - np.float32(shift.at(*tile.centre))
        if np.abs(change).max() > TAYLOR_LIMIT:
            moved[: len(rows), : len(columns)] -= change * np.gradient(part, axis=axis)
    return moved


def squared_gradient(score: Float32Image, tile: Tile) -> Float32Image:
    """Give |grad score|^2 per px^2 by central differences, on the core of ``tile``."""
    slopes = [
        np.roll(score, -1, axis)[tile.inner] - np.roll(score, 1, axis)[tile.inner]
        for axis in (0, 1)
    ]
    return np.asarray((slopes[0] ** 2 + slopes[1] ** 2) / 4, np.float32)
