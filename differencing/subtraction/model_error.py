"""What bright sources show of the errors of a match, and its noise in whole maps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from astrid.core.threads import in_threads
from differencing.subtraction.maps import Maps
from differencing.subtraction.match_noise import MatchNoise
from differencing.subtraction.noise import BoolArray, FloatArray

STRIP_ROWS = 32  # at a time, so that they stay in the processor's cache
BRIGHT = 50.0  # sigma of a reference source that shows errors of the match
EXPECTED_WEIGHT = 10.0  # bright sources that the expected error counts as
LARGEST_FACTOR = 4.0  # by which measured and expected variance may differ
MEDIAN_SHARE = 0.69  # median of chi square of two over its mean: so many modes show in a source


@dataclass(frozen=True)
class Shown:
    """What bright sources of the reference show of the errors of the match; ``n`` of them.

    Attributes
    ----------
    share : (n,) array
        Variance beyond that of photons and sky, over the expected one.
    significance : (n,) array
        Largest of the reference's score, in sigma.
    x, y : (n,) arrays
        Where that is, px.
    """

    share: FloatArray
    significance: FloatArray
    x: FloatArray
    y: FloatArray

    def factor(self) -> float:
        """Give measured over expected variance, few sources changing little.

        Every source counts once, and the median of them: some are variable.
        """
        count = len(self.share)
        middle = max(float(np.median(self.share)), 0.0) / MEDIAN_SHARE if count else 1.0
        factor = (EXPECTED_WEIGHT + count * middle) / (EXPECTED_WEIGHT + count)
        return float(np.clip(factor, 1 / LARGEST_FACTOR, LARGEST_FACTOR))


def look_at_bright(maps: Maps, noise: MatchNoise, bad: BoolArray) -> Shown:
    """Compare what is left of bright sources with what is expected."""
    where = np.flatnonzero(is_bright(maps) & ~bad)
    count, source = connected(where, bad.shape[1])
    known, flux, variance = (
        image.reshape(-1)[where] for image in (maps.reference_flux, maps.flux, maps.variance)
    )
    excess = np.bincount(source, (flux**2 - variance).astype(float), count)
    expected = np.bincount(source, noise.at(maps.reference_flux, where).astype(float), count)
    order = np.lexsort((known, source))
    peak = order[np.searchsorted(source[order], np.arange(count), side="right") - 1]
    y, x = np.divmod(where[peak], bad.shape[1])
    significance = known[peak] / np.sqrt(variance[peak])
    return Shown(excess / expected, significance, x.astype(float), y.astype(float))


def connected(where: NDArray[np.intp], width: int) -> tuple[int, NDArray[np.intp]]:
    """Count groups of pixels that share sides, and say to which each belongs.

    ``where`` are places in a flattened frame of that ``width``, ascending.
    """
    place = np.arange(len(where))
    pairs = []
    for step in (1, width):
        found = np.searchsorted(where, where + step)
        joined = where[np.minimum(found, len(where) - 1)] == where + step if len(where) else []
        joined = np.asarray(joined, bool) & ((step > 1) | ((where + 1) % width > 0))
        pairs.append((place[joined], found[joined]))
    one, other = np.concatenate(pairs, axis=1)
    links = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(where),) * 2)
    count, group = connected_components(links, directed=False)
    return int(count), np.asarray(group, np.intp)


def add_match_noise(maps: Maps, noise: MatchNoise, factor: float, *, threads: int = 1) -> None:
    """Add ``factor`` times the noise of the match to the variance of ``maps``, in place."""

    def work(rows: slice) -> None:
        more = noise.inside(maps.reference_flux, rows, slice(0, maps.variance.shape[1]))
        more *= np.float32(factor)
        maps.variance[rows] += more

    in_threads(work, strips(maps.variance.shape[0]), threads=threads)


def strips(height: int) -> Iterator[slice]:
    """Cut the rows of a frame into strips."""
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, height))


def is_bright(maps: Maps) -> BoolArray:
    """Mark where the reference has a source that shows errors of the match."""
    bright = np.empty(maps.flux.shape, bool)
    for rows in strips(len(bright)):
        least = np.sqrt(maps.variance[rows])
        least *= np.float32(BRIGHT)
        np.greater(maps.reference_flux[rows], least, out=bright[rows])
    return bright
