"""The sky of a frame and its noise, as smooth surfaces through the cells of a mesh."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.sky.blocks import BLOCK_PX
from preprocessing.sky.mesh import Mesh, Surface

Pixels = NDArray[np.float32]
Floats = NDArray[np.floating]

# Noise between the cells, over that in the quietest cell: beside a cell of great scatter the
# spline swings low, even below zero.
LOWEST_SWING = 0.5
FLAT: Floats = np.zeros(6)


@dataclass(frozen=True)
class Background:
    """The sky and its noise.

    Attributes
    ----------
    sky : Surface
        In the unit of the frame.
    scatter : Surface
        1-sigma scatter of single sky pixels, in the unit of the frame.
    power : float
        Noise power at low frequency over the variance of single pixels: 1 for independent
        pixels, more for a frame that was interpolated before.
    """

    sky: Surface
    scatter: Surface
    power: float = 1.0

    @property
    def level(self) -> Pixels:
        """The sky at every pixel."""
        return self.sky.whole()

    @property
    def rms(self) -> Pixels:
        """The scatter at every pixel."""
        return self.scatter.whole()


@dataclass(frozen=True)
class CellSky:
    """The sky as its cells have it, and the tilt of the whole frame below them."""

    mesh: Mesh
    level: Floats  # of each cell, above the tilt
    scatter: Floats
    tilt: Floats  # coefficients of the six terms of a quadratic surface

    def background(
        self, rows: Floats, columns: Floats, weights: tuple[Floats, Floats]
    ) -> Background:
        """Give the surfaces at the places ``rows`` x ``columns``, counted in blocks."""
        down, along = weights[0], weights[1].T
        height, width = self.mesh.blocks
        y, x = (rows + 0.5) / height, (columns + 0.5) / width
        a, b, c, d, e, f = self.tilt
        # 1 (a + b x + c x^2) + y (d + f x) + y^2 e
        slopes = np.stack([a + b * x + c * x**2, d + f * x, np.full_like(x, e)])
        sky = Surface(
            np.column_stack([down, np.ones_like(y), y, y**2]).astype(np.float32),
            np.concatenate([self.level @ along, slopes]).astype(np.float32),
        )
        scatter = Surface(
            down.astype(np.float32),
            (self.scatter @ along).astype(np.float32),
            least=LOWEST_SWING * float(self.scatter.min()),
        )
        return Background(sky, scatter)

    def at_blocks(self) -> Background:
        """Give the surfaces at the middles of the blocks."""
        rows, columns = (np.arange(float(count)) for count in self.mesh.blocks)
        return self.background(rows, columns, self.mesh.block_weights)

    def at_pixels(self, shape: tuple[int, ...]) -> Background:
        """Give the surfaces at the pixels of a frame."""
        rows, columns = ((np.arange(side) + 0.5) / BLOCK_PX - 0.5 for side in shape)
        return self.background(rows, columns, self.mesh.weights(rows, columns))
