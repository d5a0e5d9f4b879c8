"""Cosmic-ray hits: light that is sharper than the PSF of its frame allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from differencing.noise import BoolArray, FloatArray

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
NEIGHBOURS = [(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1) if (j, i) != (0, 0)]

Points = NDArray[np.intp]  # (n, 2), row and column


@dataclass(frozen=True)
class _Sharpness:
    """How far single pixels stand out against what the PSF allows; frame padded by a margin."""

    pixels: FloatArray
    noise: FloatArray
    gain: float
    fall: float  # mean of the PSF's eight inner neighbours over its peak

    def around(self, points: Points) -> NDArray[np.float64]:
        """Give the mean of the eight neighbours of each point."""
        rows, columns = points.T
        total = np.zeros(len(points))
        for j, i in NEIGHBOURS:
            total += self.pixels[rows + j, columns + i]
        return total / len(NEIGHBOURS)

    def pull(self, points: Points) -> NDArray[np.float64]:
        """Give the contrast of each point in sigma."""
        light = self.pixels[points[:, 0], points[:, 1]].astype(float)
        mean = self.around(points)
        variance = self.noise[points[:, 0], points[:, 1]].astype(float) ** 2
        variance *= 1 + 1 / (len(NEIGHBOURS) * self.fall**2)
        variance += np.maximum(light, 0) / self.gain + (PSF_ERROR * np.maximum(mean, 0)) ** 2
        return np.asarray((light - mean / self.fall) / np.sqrt(variance))

    def spread(self, points: Points) -> BoolArray:
        """Tell which points have light that a hit beside them may have spilt."""
        light = self.pixels[points[:, 0], points[:, 1]]
        bright = light > RIM_SIGMA * self.noise[points[:, 0], points[:, 1]]
        return np.asarray(bright & (light > self.around(points) / self.fall))


def find_cosmics(
    pixels: FloatArray, noise: FloatArray, psf: FloatArray, *, gain: float
) -> BoolArray:
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
    psf : (k, k) array
        Sharpest PSF of the frame, centred on a pixel.
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
    centre = psf.shape[0] // 2
    fall = float(np.mean([psf[centre + j, centre + i] for j, i in NEIGHBOURS]))
    margin = LINE_HALF + 1
    sharpness = _Sharpness(
        pixels=np.pad(pixels, margin, mode="edge"),
        noise=np.pad(noise, margin, mode="edge"),
        gain=gain,
        fall=fall / float(psf[centre, centre]),
    )
    points = np.argwhere(pixels > np.float32(TAIL_SIGMA) * noise) + margin
    pull = sharpness.pull(points)
    tail = pull > TAIL_SIGMA
    points, pull = points[tail], pull[tail]
    seeds = pull > SEED_SIGMA
    seeds[~seeds] = _on_line(sharpness, points[~seeds], pull[~seeds])
    hits = _with_rim(sharpness, points[_joined(points, seeds)])
    marked = np.zeros(sharpness.pixels.shape, bool)
    marked[hits[:, 0], hits[:, 1]] = True
    return marked[margin:-margin, margin:-margin]


def _on_line(sharpness: _Sharpness, points: Points, pull: FloatArray) -> BoolArray:
    """Tell which points lie on a sharp line, too faint in single pixels."""
    found = np.zeros(len(points), bool)
    start = np.flatnonzero(pull > LINE_START)
    if not start.size:
        return found
    steps = np.arange(-LINE_HALF, LINE_HALF + 1)
    for angle in LINE_ANGLES:
        offset = np.rint(np.stack([steps * np.sin(angle), steps * np.cos(angle)], 1)).astype(int)
        line = (points[start][:, None, :] + offset).reshape(-1, 2)
        height, width = sharpness.pixels.shape
        line = np.clip(line, 1, [height - 2, width - 2])
        along = np.clip(sharpness.pull(line), -CLIPPED, CLIPPED).reshape(len(start), -1)
        found[start] |= along.sum(axis=1) > LINE_SIGMA * np.sqrt(len(steps))
    return found


def _joined(points: Points, seeds: BoolArray) -> BoolArray:
    """Mark the points that a chain of points without wide gaps joins to a seed."""
    if not seeds.any():
        return seeds
    pairs = cKDTree(points).query_pairs(TAIL_GAP, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points))
    )
    label = connected_components(links, directed=False)[1]
    return np.isin(label, np.unique(label[seeds]))


def _with_rim(sharpness: _Sharpness, hits: Points) -> Points:
    """Add to ``hits`` the neighbours they have spilt light into, away from the frame's rim."""
    rim = (hits[:, None, :] + np.array(NEIGHBOURS)).reshape(-1, 2)
    height, width = sharpness.pixels.shape
    rim = rim[((rim > 0) & (rim < [height - 1, width - 1])).all(axis=1)]
    return np.concatenate([hits, rim[sharpness.spread(rim)]])
