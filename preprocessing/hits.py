"""Cosmic-ray hits: light that is sharper than the PSF of its frame allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import Pixels
from preprocessing.masks import Bools

SEED_SIGMA = 5.5  # of one pixel's contrast; one in 50 million pixels of pure noise
LINE_SIGMA = 5.5  # of the contrast along a line through a pixel
LINE_START = 3.0  # sigma of that pixel itself
LINE_HALF = 3  # px on either side of it
LINE_ANGLES = np.arange(8) * np.pi / 8
CLIPPED = 6.0  # sigma; a single bright pixel makes no line
TAIL_SIGMA = 2.5  # for the other pixels of a hit,
TAIL_GAP = 2.9  # px between which at most are lost in noise
RIM_SIGMA = 2.0  # of the light of a pixel beside a hit: charge and interpolation spread it
PSF_ERROR = 0.1  # of a pixel's light: what the PSF model and its change over the field may miss
STRIP_ROWS = 128  # at a time: more would take room, fewer keep threads waiting for each other
ROUNDING = 0.999  # the first look is in single precision
NEIGHBOURS = [(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1) if (j, i) != (0, 0)]

Floats = NDArray[np.floating]
Points = NDArray[np.intp]  # (n, 2), row and column


@dataclass(frozen=True)
class _Sharpness:
    """How far single pixels stand out against what the PSF allows; the frame's rim goes on."""

    pixels: Pixels
    noise: Pixels
    gain: float
    fall: float  # mean of the PSF's eight inner neighbours over its peak

    @property
    def spread_noise(self) -> float:
        """Noise of a contrast, over that of a pixel."""
        return float(np.sqrt(1 + 1 / (len(NEIGHBOURS) * self.fall**2)))

    def suspects(self) -> Points:
        """Find the pixels with a contrast of :data:`TAIL_SIGMA`, photon noise left aside."""
        found = []
        share = np.float32(1 / (len(NEIGHBOURS) * self.fall))
        least = np.float32(ROUNDING * TAIL_SIGMA * self.spread_noise)
        for top in range(0, len(self.pixels), STRIP_ROWS):
            window = slice(top, min(top + STRIP_ROWS, len(self.pixels)))
            contrast = self.pixels[window] * (1 + share)
            around = box_sum(self._with_rim(window))
            around *= share
            contrast -= around
            np.multiply(self.noise[window], least, out=around)
            found.append(np.flatnonzero(contrast > around) + top * self.pixels.shape[1])
        where = np.concatenate(found)
        light, noise = (image.reshape(-1)[where] for image in (self.pixels, self.noise))
        where = where[light > np.float32(TAIL_SIGMA) * noise]
        return np.stack(np.divmod(where, self.pixels.shape[1]), axis=1)

    def _with_rim(self, window: slice) -> Pixels:
        """Give rows of the frame and what is around them; at its rim, the nearest pixel again."""
        rows, columns = self.pixels.shape
        strip = np.empty((window.stop - window.start + 2, columns + 2), np.float32)
        first, last = max(window.start - 1, 0), min(window.stop + 1, rows)
        strip[first - window.start + 1 : last - window.start + 1, 1:-1] = self.pixels[first:last]
        if window.start == 0:
            strip[0] = strip[1]
        if window.stop == rows:
            strip[-1] = strip[-2]
        strip[:, 0], strip[:, -1] = strip[:, 1], strip[:, -2]
        return strip

    def pull(self, points: Points, reach: int = 0) -> NDArray[np.float64]:
        """Give the contrasts in sigma of the squares of ``reach`` px around points, (n, k, k)."""
        light = squares(self.pixels, points, reach + 1).astype(float)
        mean = box_sum(light)
        light = light[:, 1:-1, 1:-1]
        mean -= light
        mean /= len(NEIGHBOURS)
        variance = (squares(self.noise, points, reach) * self.spread_noise) ** 2
        variance += np.maximum(light, 0) / self.gain + (PSF_ERROR * np.maximum(mean, 0)) ** 2
        return np.asarray((light - mean / self.fall) / np.sqrt(variance))

    def spread(self, points: Points, hit: Bools) -> Bools:
        """Tell which points beside hits have light that is no star's either.

        Only neighbours that are not hit say what a star would have there: between two brighter
        pixels of a track a third looks as soft as a star.
        """
        around = squares(self.pixels, points, 1).astype(float)
        free = np.logical_not(squares(hit, points, 1))
        light = around[:, 1, 1]
        free[:, 1, 1] = False
        count = free.sum(axis=(1, 2))
        mean = (around * free).sum(axis=(1, 2)) / np.maximum(count, 1)
        bright = light > RIM_SIGMA * squares(self.noise, points, 0)[:, 0, 0]
        return np.asarray(bright & (light > mean / self.fall))


def squares(image: NDArray, points: Points, reach: int) -> NDArray:
    """Cut squares of ``reach`` px around points, (n, k, k); beyond the rim, its nearest pixel."""
    offset = np.arange(-reach, reach + 1)
    rows = np.clip(points[:, 0, None] + offset, 0, image.shape[0] - 1)
    columns = np.clip(points[:, 1, None] + offset, 0, image.shape[1] - 1)
    # one index in place of two halves the time
    place = (rows * image.shape[1])[:, :, None] + columns[:, None, :]
    return np.asarray(image.reshape(-1)[place])


def box_sum(values: Floats) -> Floats:
    """Give the sum of each whole 3 x 3 box in the last two axes."""
    down = values[..., :-2, :] + values[..., 1:-1, :]
    down += values[..., 2:, :]
    total = down[..., :-2] + down[..., 1:-1]
    total += down[..., 2:]
    return np.asarray(total)


def fall_of(psf: Floats) -> float:
    """Give the mean of a PSF round its middle pixel, over that pixel."""
    centre = psf.shape[0] // 2
    around = np.mean([psf[centre + j, centre + i] for j, i in NEIGHBOURS])
    return float(around / psf[centre, centre])


def find_cosmics(pixels: Pixels, noise: Pixels, *, fall: float, gain: float) -> Bools:
    """Mark the pixels hit by cosmic rays.

    No source can fall off from a pixel to the mean of its eight neighbours faster than the PSF
    centred on a pixel does; a hit, a line one pixel wide or a single pixel, falls off faster.
    Where the PSF itself is hardly wider than a pixel, nothing is marked.

    Parameters
    ----------
    pixels : (ny, nx) array
        Background-subtracted, ADU, finite.
    noise : (ny, nx) array
        1-sigma noise without that of sources, ADU.
    fall : float
        Mean of the eight pixels round the middle of the sharpest PSF of the frame, centred on a
        pixel, over that middle; see :func:`fall_of`.
    gain : float
        e-/ADU.

    Returns
    -------
    (ny, nx) bool array

    References
    ----------
    After van Dokkum 2001, PASP 113, 1420, with the frame's own PSF in place of the
    fine-structure image.
    """
    sharpness = _Sharpness(pixels, noise, gain, fall)
    points = sharpness.suspects()
    pull = sharpness.pull(points)[:, 0, 0]
    tail = pull > TAIL_SIGMA
    points, pull = points[tail], pull[tail]
    seeds = pull > SEED_SIGMA
    seeds[~seeds] = _on_line(sharpness, points[~seeds], pull[~seeds])
    marked = np.zeros(pixels.shape, bool)
    hits = points[_joined(points, seeds)]
    marked[hits[:, 0], hits[:, 1]] = True
    rim = _rim(sharpness, hits, marked)
    marked[rim[:, 0], rim[:, 1]] = True
    return marked


def _on_line(sharpness: _Sharpness, points: Points, pull: Floats) -> Bools:
    """Tell which points lie on a sharp line, too faint in single pixels."""
    found = np.zeros(len(points), bool)
    start = np.flatnonzero(pull > LINE_START)
    if not start.size:
        return found
    along = np.clip(sharpness.pull(points[start], LINE_HALF), -CLIPPED, CLIPPED)
    steps = np.arange(-LINE_HALF, LINE_HALF + 1)
    for angle in LINE_ANGLES:
        down, right = (np.rint(steps * wave(angle)).astype(int) for wave in (np.sin, np.cos))
        line = along[:, LINE_HALF + down, LINE_HALF + right]
        found[start] |= line.sum(axis=1) > LINE_SIGMA * np.sqrt(len(steps))
    return found


def _joined(points: Points, seeds: Bools) -> Bools:
    """Mark the points that a chain of points without wide gaps joins to a seed."""
    steps = np.arange(-int(TAIL_GAP), int(TAIL_GAP) + 1)
    near = steps[:, None] ** 2 + steps**2 <= TAIL_GAP**2
    # rows so far apart that a step along one never ends in the next
    width = int(points[:, 1].max(initial=0)) + len(steps)
    down, along = (steps[index] for index in np.nonzero(near))
    place, joined = points[:, 0] * width + points[:, 1], seeds.copy()
    new = np.flatnonzero(seeds)
    while new.size:
        beside = np.unique((place[new][:, None] + down * width + along).ravel())
        at = np.minimum(np.searchsorted(place, beside), len(place) - 1)
        at = at[place[at] == beside]
        new = at[~joined[at]]
        joined[new] = True
    return joined


def _rim(sharpness: _Sharpness, hits: Points, marked: Bools) -> Points:
    """Give the neighbours of ``hits`` that belong to them or hold what they have spilt."""
    rim = (hits[:, None, :] + np.array(NEIGHBOURS)).reshape(-1, 2)
    rim = rim[((rim >= 0) & (rim < sharpness.pixels.shape)).all(axis=1)]
    # unique rows take ten times as long as unique places
    place = np.unique(rim[~marked[rim[:, 0], rim[:, 1]]] @ (sharpness.pixels.shape[1], 1))
    rim = np.stack(np.divmod(place, sharpness.pixels.shape[1]), axis=1)
    return rim[sharpness.spread(rim, marked)]
