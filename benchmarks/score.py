"""How well a difference and its candidates agree with the truth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from benchmarks.estimates import robust_sigma
from benchmarks.ground import Ground
from differencing.extraction.extract import Candidates
from differencing.subtraction.subtract import Difference
from observations.simulator.truth import VARIABLE

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MATCH_PX = 2.5  # between a source and its candidate
BINS = ((5.0, 7.0), (7.0, 10.0), (10.0, np.inf))
BRIGHT = 10.0  # ideal S/N of the sources whose flux and place are compared
# Candidates this near to a change are its doing, px, though not its match.
HALO_PX = {VARIABLE: 12.0}
DEFAULT_HALO_PX = 5.0


@dataclass(frozen=True)
class Noise:
    """Scatter of S_corr by the truth.

    Attributes
    ----------
    blank, blank_robust : float
        Standard deviation in blank sky, and what the median absolute deviation gives.
    source : float
        Standard deviation (robust) on unchanged stars and galaxies.
    scale : float
        Factor by which the subtraction itself enlarged the noise maps to get there.
    """

    blank: float
    blank_robust: float
    source: float
    scale: float


@dataclass(frozen=True)
class Finds:
    """Injected sources of one range of ideal signal to noise, and how many were found."""

    low: float
    high: float
    injected: int
    found: int


@dataclass(frozen=True)
class Extras:
    """Candidates that match no change, by what is there."""

    on_sources: int
    on_sky: int
    at_changes: int
    at_cosmics: int
    at_defects: int


@dataclass(frozen=True)
class Score:
    """One pair, scored.

    Attributes
    ----------
    transients, variables : list of Finds
        One for each of `BINS`.
    flux_excess : (n,) array
        flux / true flux - 1 of the found sources above `BRIGHT`.
    offsets : (n, 2) array
        Found minus true place, px, of the same.
    """

    noise: Noise
    transients: list[Finds]
    variables: list[Finds]
    extras: Extras
    usable_mpix: float
    flux_excess: FloatArray
    offsets: FloatArray


def score(difference: Difference, candidates: Candidates, ground: Ground) -> Score:
    """Compare a difference and what was extracted from it with the truth."""
    match = match_sources(candidates, ground)
    snr = np.array([abs(source.snr) for source in ground.sources])
    counted = np.array([not source.is_masked for source in ground.sources], bool)
    variable = np.array([source.kind == VARIABLE for source in ground.sources], bool)
    bright = np.flatnonzero(counted & (match >= 0) & (snr > BRIGHT))
    seen = candidates[match[bright]]
    true = np.array([ground.sources[index].flux for index in bright])
    return Score(
        noise_of(difference, ground),
        finds(snr, counted & ~variable, match),
        finds(snr, counted & variable, match),
        extras(candidates, match, ground),
        ground.usable_mpix,
        seen["flux"] / true - 1,
        np.column_stack([seen["x"] - ground.x[bright], seen["y"] - ground.y[bright]]),
    )


def noise_of(difference: Difference, ground: Ground) -> Noise:
    """Measure the scatter of S_corr where the truth says what is there."""
    has_data = np.isfinite(difference.significance)
    blank = difference.significance[ground.is_blank & has_data].astype(float)
    source = difference.significance[ground.is_source & has_data].astype(float)
    return Noise(
        float(blank.std()),
        robust_sigma(blank),
        robust_sigma(source),
        difference.figures["noise_scale"],
    )


def match_sources(candidates: Candidates, ground: Ground) -> npt.NDArray[np.intp]:
    """Give, for every source, the index of its candidate; -1 where there is none.

    Each candidate serves one source; the nearest pairs of equal sign come first.
    """
    match = np.full(len(ground.sources), -1, np.intp)
    if len(candidates) == 0 or not ground.sources:
        return match
    apart = np.hypot(
        ground.x[:, None] - candidates["x"][None], ground.y[:, None] - candidates["y"][None]
    )
    sign = np.array([source.sign < 0 for source in ground.sources])
    apart[sign[:, None] != candidates["is_negative"][None]] = np.inf
    taken = np.zeros(len(candidates), bool)
    pairs = np.argwhere(apart < MATCH_PX)
    for source, candidate in pairs[np.argsort(apart[apart < MATCH_PX])]:
        if match[source] < 0 and not taken[candidate]:
            match[source], taken[candidate] = candidate, True
    return match


def finds(snr: FloatArray, chosen: BoolArray, match: npt.NDArray[np.intp]) -> list[Finds]:
    """Count the chosen sources and the found ones in each of `BINS`."""
    found = []
    for low, high in BINS:
        inside = chosen & (snr >= low) & (snr < high)
        found.append(Finds(low, high, int(inside.sum()), int((inside & (match >= 0)).sum())))
    return found


def extras(candidates: Candidates, match: npt.NDArray[np.intp], ground: Ground) -> Extras:
    """Sort the candidates without a source by what is there, the first that applies."""
    spare = np.ones(len(candidates), bool)
    spare[match[match >= 0]] = False
    rows, columns = np.rint(candidates["y"]).astype(int), np.rint(candidates["x"]).astype(int)
    reasons = (
        near_changes(candidates, ground),
        ground.is_cosmic[rows, columns],
        ~ground.is_usable[rows, columns],
        ~ground.is_blank[rows, columns],
        np.ones(len(candidates), bool),
    )
    counts = []
    for applies in reasons:
        counts.append(int((spare & applies).sum()))
        spare &= ~applies
    at_changes, at_cosmics, at_defects, on_sources, on_sky = counts
    return Extras(on_sources, on_sky, at_changes, at_cosmics, at_defects)


def near_changes(candidates: Candidates, ground: Ground) -> BoolArray:
    """Tell which candidates lie in the halo of something that changed."""
    near = np.zeros(len(candidates), bool)
    if len(candidates) == 0:
        return near
    tree = cKDTree(np.column_stack([candidates["x"], candidates["y"]]))
    for source, x, y in zip(ground.sources, ground.x, ground.y, strict=True):
        near[tree.query_ball_point((x, y), HALO_PX.get(source.kind, DEFAULT_HALO_PX))] = True
    return near
