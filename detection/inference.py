"""Run a network over a frame and score the candidates in it."""

import numpy as np
from numpy.typing import NDArray

from astrid.core.progress import tell
from detection.calibration import Calibration
from detection.normalise import CHANNELS
from detection.tiles import plan_tiles
from detection.unet import reach
from detection.weights import INPUT, OUTPUT, Weights, releasing

SMALLEST_SIDE = 32
# The peak of S_corr and the centre of the probability may differ by this much, px per axis.
PEAK_RADIUS = 2


def probability_map(
    weights: Weights, stack: NDArray[np.float32], *, tile_px: int = 512
) -> NDArray[np.float32]:
    """Give the probability, per pixel, that a real change of either sign is there.

    The frame goes through in overlapping tiles, so memory is bounded by the tile, not the frame.
    The overlap is as wide as the network can see: the result is that of the whole frame.

    Parameters
    ----------
    weights : Weights
    stack : (ny, nx, 4) float32 array
        From :func:`detection.normalise.channels`.
    tile_px : int
        Largest side of the part of a tile that is kept, a multiple of the network's stride.

    Returns
    -------
    (ny, nx) float32 array
        Before calibration, 0 to 1.

    Raises
    ------
    ValueError
        If the stack has other channels, is smaller than 32 px, or holds values that are not
        finite.
    """
    check_stack(stack)
    depth = weights.card.architecture["depth"]
    stride = 2**depth
    if tile_px < stride or tile_px % stride:
        raise ValueError(f"tile_px is {tile_px}: it must be a multiple of {stride}")
    ny, nx = stack.shape[:2]
    # Zero is what unusable pixels hold: beyond the frame there are no others.
    frame = np.pad(stack, ((0, -ny % stride), (0, -nx % stride), (0, 0)))
    shape = frame.shape[0], frame.shape[1]
    probability = np.empty(shape, np.float32)
    tiles = list(plan_tiles(shape, core=tile_px, margin=reach(depth), stride=stride))
    for number, tile in enumerate(tiles, start=1):
        options = releasing() if tile is tiles[-1] else None
        result = weights.session.run([OUTPUT], {INPUT: frame[tile.padded][None]}, options)[0]
        probability[tile.core] = result[0, :, :, 0][tile.inner]
        tell(number, len(tiles))
    return probability[:ny, :nx]


def check_stack(stack: NDArray[np.float32]) -> None:
    """Refuse what the network would silently turn into nonsense."""
    if stack.ndim != 3 or stack.shape[2] != len(CHANNELS):
        raise ValueError(f"a stack is (ny, nx, {len(CHANNELS)}), not {stack.shape}")
    if min(stack.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"the frame is {stack.shape[1]} x {stack.shape[0]} px: both sides must be at least "
            f"{SMALLEST_SIDE}"
        )
    if stack.dtype != np.float32 or not np.isfinite(stack).all():
        raise ValueError(f"a stack is finite float32, not {stack.dtype}: use normalise.channels")


def score(
    probability: NDArray[np.float32],
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    calibration: Calibration,
) -> NDArray[np.float64]:
    """Give the calibrated confidence of candidates, rising and fading ones alike.

    Parameters
    ----------
    probability : (ny, nx) float32 array
        From :func:`probability_map`.
    x, y : (n,) arrays
        Positions, px from 0.
    calibration : Calibration
        From the card of the same weights.

    Returns
    -------
    (n,) float array
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a position lies outside the frame.
    """
    return calibration(peak_probability(probability, x, y))


def peak_probability(
    probability: NDArray[np.float32], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Largest probability in the 5x5 px around each position."""
    faults = outside(probability.shape, x, y)
    if (faults != "").any():
        first = int(np.argmax(faults != ""))
        raise ValueError(f"candidate {first} is {faults[first]}")
    column, row = np.rint(np.asarray(x)).astype(int), np.rint(np.asarray(y)).astype(int)
    padded = np.pad(probability, PEAK_RADIUS)
    offsets = np.arange(2 * PEAK_RADIUS + 1)
    boxes = padded[
        row[:, None, None] + offsets[None, :, None], column[:, None, None] + offsets[None, None, :]
    ]
    return np.asarray(boxes.max(axis=(1, 2)), np.float32)


def outside(
    shape: tuple[int, ...], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.str_]:
    """Say of each position why it is not in a frame of this shape; empty where it is.

    Parameters
    ----------
    shape : (ny, nx)
    x, y : (n,) arrays
        Positions, px from 0; NaN is nowhere.
    """
    ny, nx = shape
    x, y = np.asarray(x, float), np.asarray(y, float)
    inside = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    words = [
        "" if good else f"at ({a:.2f}, {b:.2f}), outside the {nx} x {ny} frame"
        for good, a, b in zip(inside, x, y, strict=True)
    ]
    return np.array(words, str)
