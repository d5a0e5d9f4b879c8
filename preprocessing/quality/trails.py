"""Trails of satellites and aircraft: straight, narrow, and longer than anything in the sky."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from preprocessing.masks import Bools, Mask
from preprocessing.quality.cells import CELL_PX, Cells, smooth_part
from preprocessing.quality.radon import Line, line_sums
from preprocessing.quality.trail import along, follow

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]

WINDOW_PX = 2048  # larger frames are searched window by window, so that the cost stays linear
# Cells are cut here, in sigma: a star then weighs no more than a trail does per cell.
HIGHEST_CELL = 4.0
SHORTEST_CELLS = 24
MOST_TRAILS = 10  # per window


def find_trails(
    pixels: Pixels, noise: Pixels, mask: Mask, cells: Cells, *, threshold: float
) -> Bools:
    """Mark the pixels of straight trails.

    Parameters
    ----------
    pixels, noise : (ny, nx) float32 arrays
        Above the sky, and its 1-sigma noise; same unit.
    mask : (ny, nx) uint16 array
        Pixels that are not 0 are left out.
    cells : Cells
        Of this frame.
    threshold : float
        Least significance of the sum along a line, in sigma of such sums.

    Returns
    -------
    (ny, nx) bool array

    Notes
    -----
    The cells are cut at 4 sigma so that stars do not rule, freed of everything smooth, and summed
    along all straight lines. The best line is followed in
    the full frame: it counts when a narrow ridge shows in 5 of 8 consecutive parts of its length.

    References
    ----------
    Nir, Zackay & Ofek 2018, AJ 156, 229.
    """
    found = np.zeros(pixels.shape, bool)
    if min(pixels.shape) < SHORTEST_CELLS * CELL_PX:
        return found
    scores = without_stars(cells)
    for rows, columns in windows(scores.shape):
        window = scores[rows, columns].copy()
        origin = rows.start * CELL_PX, columns.start * CELL_PX
        for line in lines_of(window, threshold):
            full = line.scaled(CELL_PX, *origin)
            trail = follow(pixels, noise, mask, full)
            if trail is None:
                break
            trail.mark(found)
    return found


def without_stars(cells: Cells) -> Pixels:
    """Give the scores of cells, cut at 4 sigma, with a mean of 0 and nothing smooth in them."""
    score = np.clip(cells.score - smooth_part(cells), -HIGHEST_CELL, HIGHEST_CELL)
    if cells.usable.any():
        score -= score[cells.usable].mean()
    score[~cells.usable] = 0
    return np.asarray(score, np.float32)


def windows(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Part the cells evenly into windows of at most 2048 pixels on a side."""
    edges = [
        np.linspace(0, side, -(-side * CELL_PX // WINDOW_PX) + 1).astype(int) for side in shape
    ]
    for top, bottom in zip(edges[0][:-1], edges[0][1:], strict=True):
        for left, right in zip(edges[1][:-1], edges[1][1:], strict=True):
            yield slice(int(top), int(bottom)), slice(int(left), int(right))


def lines_of(cells: Pixels, threshold: float) -> Iterator[Line]:
    """Give the most significant lines one after the other; each is wiped out, in place, then."""
    for _ in range(MOST_TRAILS):
        line = best_line(cells, threshold)
        if line is None:
            return
        yield line
        wipe(cells, line)


def best_line(cells: Pixels, threshold: float) -> Line | None:
    """Give the line whose sum is most significant, if it exceeds the threshold."""
    scatter = float(cells.std())
    if not scatter > 0:
        return None
    best, found = threshold, None
    roots = root_lengths(cells.shape)
    for number, (sums, quadrant) in enumerate(line_sums(cells)):
        score = sums * (roots[number] / np.float32(scatter))
        slope, offset = np.unravel_index(int(np.argmax(score)), score.shape)
        value = float(score[slope, offset])
        if value > best:
            best, found = value, quadrant.line(int(slope), int(offset))
    return found


@lru_cache(maxsize=8)
def root_lengths(shape: tuple[int, ...]) -> tuple[Pixels, ...]:
    """Give 1 / sqrt(cells on the line) for all lines; 0 for those too short to be trusted."""
    lengths = [sums for sums, _ in line_sums(np.ones(shape, np.float32))]
    return tuple(
        np.where(length >= SHORTEST_CELLS, 1 / np.sqrt(np.maximum(length, 1)), 0).astype(np.float32)
        for length in lengths
    )


def wipe(cells: Pixels, line: Line) -> None:
    """Set the cells along a line, and those beside it, to zero."""
    rows, columns = along(line, cells.shape, 1)
    for step in (-2, -1, 0, 1, 2):
        y, x = (rows, columns + step) if line.is_steep else (rows + step, columns)
        y, x = np.rint(y).astype(int), np.rint(x).astype(int)
        inside = (y >= 0) & (y < cells.shape[0]) & (x >= 0) & (x < cells.shape[1])
        cells[y[inside], x[inside]] = 0
