"""The slope of the sky over a whole frame."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

# The tilt is fitted to about so many blocks: more would only cost time. Nowhere in the frame may
# its variance be more than a quarter of one block's: 100 blocks spread evenly reach that in the
# corners, any number on one side does not.
TILT_BLOCKS, LARGEST_LEVERAGE = 5000, 0.25


def fit_tilt(means: Pixels, lit: Bools) -> Floats:
    """Give the six coefficients of the quadratic surface through the blocks of sky.

    Places are counted from 0 to 1 over the frame, x before y.

    Taken away first, it spares the mesh the slopes that its median filter flattens at the borders.
    Zero when the sky that is left does not hold it everywhere.
    """
    height, width = lit.shape
    step = max(1, round((lit.size / TILT_BLOCKS) ** 0.5))
    rows, columns = (step * index for index in np.nonzero(~lit[::step, ::step]))
    design = quadratic((columns + 0.5) / width, (rows + 0.5) / height)
    if not is_held(design):
        return np.zeros(6)
    return np.linalg.solve(design.T @ design, design.T @ means[rows, columns])


def quadratic(x: Floats, y: Floats) -> Floats:
    """Give the six terms of a quadratic surface at each place, as rows."""
    return np.stack([np.ones_like(x), x, x * x, y, y * y, x * y], -1)


def is_held(design: Floats) -> bool:
    """Say whether the blocks hold the surface everywhere in the frame: leverage of its corners."""
    normal = design.T @ design
    if np.linalg.matrix_rank(normal, hermitian=True) < len(normal):
        return False
    places = quadratic(*(side.ravel() for side in np.mgrid[0:1:5j, 0:1:5j]))
    leverage = (places * np.linalg.solve(normal, places.T).T).sum(axis=1)
    return bool(leverage.max() <= LARGEST_LEVERAGE)
