"""One trail: the ridge of light along a line, where it runs and how wide it is."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.masks import Bools, Mask
from preprocessing.quality.cells import CELL_PX, MEDIAN_SIGMA
from preprocessing.quality.radon import Line

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]

HALF_BAND_PX = 24
CHUNKS = 8
LEAST_CHUNKS = 5  # of 8 in a row: galaxies and spikes of stars end before that
CHUNK_SIGMA = 3.5
# A trail is about as bright all along; a galaxy is not.
FAINTEST_CHUNK = 0.35
LARGEST_SCATTER_PX = 3.0
LEAST_LENGTH_PX = 200.0
SMOOTH_PX = 5
CENTRE_PX = 12
HALF = 0.5 + 1e-6
MARGIN_PX = 2
# The wings of a trail end where they add less than this, in sigma of a pixel.
FAINTEST_WING = 0.15


def along(line: Line, shape: tuple[int, ...], margin: int) -> tuple[Floats, Floats]:
    """Give rows and columns of a line inside a frame, one per pixel of its longer direction.

    It may begin and end a cell farther out, as lines go from middle to middle of cells.
    """
    reach = max(abs(line.y1 - line.y0), abs(line.x1 - line.x0))
    share = np.arange(-CELL_PX, round(reach) + CELL_PX + 1) / max(reach, 1)
    rows = line.y0 + share * (line.y1 - line.y0)
    columns = line.x0 + share * (line.x1 - line.x0)
    inside = (rows >= -margin) & (rows <= shape[0] - 1 + margin)
    inside &= (columns >= -margin) & (columns <= shape[1] - 1 + margin)
    return rows[inside], columns[inside]


@dataclass(frozen=True)
class Trail:
    """A trail in the full frame: its pixels across, at every step along."""

    rows: Floats
    columns: Floats
    is_steep: bool
    centre: Floats  # px across, at every step
    half_width: int

    def mark(self, found: Bools) -> None:
        """Set the pixels of the trail in place."""
        for across in range(-self.half_width, self.half_width + 1):
            y, x = places(self.rows, self.columns, self.centre + across, self.is_steep)
            inside = (y >= 0) & (y < found.shape[0]) & (x >= 0) & (x < found.shape[1])
            found[y[inside], x[inside]] = True


def places(
    rows: Floats, columns: Floats, across: Floats, is_steep: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the pixels ``across`` a line that is steep or not."""
    y, x = (rows, columns + across) if is_steep else (rows + across, columns)
    # Lines begin between two pixels, where rounding halves to even, or an error of the last digit,
    # would leave gaps.
    return np.floor(y + HALF).astype(np.intp), np.floor(x + HALF).astype(np.intp)


def follow(pixels: Pixels, noise: Pixels, mask: Mask, line: Line) -> Trail | None:
    """Find the ridge along a line and how wide it is; None where no such ridge is."""
    rows, columns = along(line, pixels.shape, HALF_BAND_PX)
    if rows.size < LEAST_LENGTH_PX:
        return None
    band = strip(pixels, noise, mask, (rows, columns), np.zeros(rows.size), line.is_steep)
    middles, centres, shows = ridge(band)
    first, last = longest_run(shows)
    length = (last - first) / CHUNKS * np.hypot(rows[-1] - rows[0], columns[-1] - columns[0])
    if last - first < LEAST_CHUNKS or length < LEAST_LENGTH_PX:
        return None
    shown = middles[first:last], centres[first:last]
    bend = np.polynomial.Polynomial.fit(*shown, 1)
    if np.median(np.abs(shown[1] - bend(shown[0]))) > LARGEST_SCATTER_PX:
        return None
    edges = chunk_edges(rows.size)
    part = slice(edges[max(0, first - 1)], edges[min(CHUNKS, last + 1)])
    centre = bend(np.arange(rows.size, dtype=float))[part]
    where = rows[part], columns[part]
    profile = medians(strip(pixels, noise, mask, where, centre, line.is_steep))[0]
    return Trail(*where, line.is_steep, centre, width_of(profile) + MARGIN_PX)


def strip(
    pixels: Pixels,
    noise: Pixels,
    mask: Mask,
    where: tuple[Floats, Floats],
    centre: Floats,
    is_steep: bool,
) -> Pixels:
    """Give the pixels beside a line, in units of their noise: one row per step, NaN where none."""
    steps = np.arange(-HALF_BAND_PX, HALF_BAND_PX + 1)
    rows, columns = (part[:, None] for part in where)
    y, x = places(rows, columns, centre[:, None] + steps, is_steep)
    shape = np.broadcast_shapes(y.shape, x.shape)
    y, x = np.broadcast_to(y, shape), np.broadcast_to(x, shape)
    inside = (y >= 0) & (y < pixels.shape[0]) & (x >= 0) & (x < pixels.shape[1])
    band = np.full(shape, np.nan, np.float32)
    y, x = y[inside], x[inside]
    band[inside] = np.where(mask[y, x] == 0, pixels[y, x] / noise[y, x], np.nan)
    return band


def chunk_edges(length: int) -> NDArray[np.intp]:
    """Part a line into chunks of equal length."""
    return np.linspace(0, length, CHUNKS + 1).astype(np.intp)


def medians(band: Pixels) -> tuple[Pixels, float]:
    """Give the median along a strip at each distance, above that of its sides, and its error.

    Zero where fewer than half of the pixels are good.
    """
    good = np.isfinite(band)
    count = good.sum(axis=0)
    enough = count > len(band) / 2
    if not enough.any():
        return np.zeros(band.shape[1], np.float32), np.inf
    profile = np.zeros(band.shape[1], np.float32)
    profile[enough] = np.nanmedian(band[:, enough], axis=0)
    profile[enough] -= np.median(profile[enough])
    return profile, float(MEDIAN_SIGMA / np.sqrt(np.median(count[enough])))


def ridge(band: Pixels) -> tuple[Floats, Floats, Bools]:
    """Give the place of the ridge in every chunk of a strip, and whether one shows there."""
    edges = chunk_edges(len(band))
    middles, centres, heights = np.zeros(CHUNKS), np.zeros(CHUNKS), np.zeros(CHUNKS)
    shows = np.zeros(CHUNKS, bool)
    near = slice(HALF_BAND_PX - CENTRE_PX, HALF_BAND_PX + CENTRE_PX + 1)
    for number, (start, stop) in enumerate(pairwise(edges)):
        profile, error = medians(band[start:stop])
        smooth = ndimage.uniform_filter1d(profile, SMOOTH_PX, mode="nearest")[near]
        peak = int(np.argmax(smooth))
        middles[number], centres[number] = (start + stop) / 2, peak - CENTRE_PX
        heights[number] = smooth[peak]
        shows[number] = smooth[peak] > CHUNK_SIGMA * error / np.sqrt(SMOOTH_PX)
    # the third highest: bright stars may stand on one or two
    return middles, centres, shows & (heights > FAINTEST_CHUNK * np.sort(heights)[-3])


def longest_run(shows: Bools) -> tuple[int, int]:
    """Give the longest run of true values, as start and stop."""
    padded = np.concatenate([[False], shows, [False]]).astype(int)
    starts, stops = np.nonzero(np.diff(padded) == 1)[0], np.nonzero(np.diff(padded) == -1)[0]
    if not starts.size:
        return 0, 0
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest])


def width_of(profile: Pixels) -> int:
    """Give how far from its middle a ridge reaches, px."""
    lit = ndimage.uniform_filter1d(profile, 3, mode="nearest") > FAINTEST_WING
    right = np.argmin(np.append(lit[HALF_BAND_PX:], False))
    left = np.argmin(np.append(lit[HALF_BAND_PX::-1], False))
    return int(max(right, left))
