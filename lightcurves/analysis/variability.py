"""How much a light curve varies, in figures that surveys use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.stats import mad_std
from scipy import stats

from lightcurves.analysis.points import Points, Reals, take_points

LEAST_POINTS = 3
PERCENTILES = (5, 25, 75, 95)
# Points nearer than this, d, are a pair for Stetson's J: taken in a row, not on another night.
PAIR_DAYS = 0.05
NAN = float("nan")


@dataclass(frozen=True)
class Variability:
    """Figures of a curve, unit u of its values, times in d; NaN where a figure does not exist.

    Those marked * need errors. `measure_variability` states the equations.
    """

    n: int
    span: float  # d
    mean: float  # u
    median: float  # u
    std: float  # u
    mad_std: float  # u
    amplitude: float  # u
    percentile_5: float  # u
    percentile_25: float  # u
    percentile_75: float  # u
    percentile_95: float  # u
    skew: float
    kurtosis: float
    von_neumann: float
    slope: float  # u / d
    slope_error: float  # u / d
    reduced_chi2: float  # *
    excess_variance: float  # u**2 *
    stetson_j: float  # *
    stetson_k: float  # *


def measure_variability(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    pair_days: float = PAIR_DAYS,
) -> Variability:
    """Give the figures of how a curve varies.

    With x the n values, e their errors, w = e**-2 (1 without errors) and m = sum(w x) / sum(w):

    mean, std
        m, and the root of sum(w (x - m)**2) sum(w) / (sum(w)**2 - sum(w**2)).
    mad_std
        1.4826 times the median of abs(x - median).
    amplitude
        Half the difference of the 95th and the 5th percentile.
    skew, kurtosis
        Third and fourth moment about the plain mean, without bias; 0 for a Gaussian.
    von_neumann
        sum((x[i+1] - x[i])**2) / (n - 1) over the plain variance: 2 for noise, less if smooth.
    slope
        Of the weighted straight line; its error by the errors, or by the scatter if there are none.
    reduced_chi2
        sum(((x - m) / e)**2) / (n - 1): 1 for noise that is what errors say.
    excess_variance
        Plain variance less the mean of e**2: 0 for such noise.
    stetson_j, stetson_k
        With d = (n / (n - 1))**0.5 (x - m) / e: J is the mean of sign(P) abs(P)**0.5, where P is
        d[i] d[i+1] of two points within ``pair_days`` and d**2 - 1 of one alone; K is
        mean(abs(d)) / mean(d**2)**0.5, 0.798 for a Gaussian, 0.900 for a sine.

    Parameters
    ----------
    times, values, errors : (n,) array
        As for `take_points`; times in d.
    pair_days : float
        Points within this are a pair.

    Raises
    ------
    ValueError
        As `take_points`; at least three points are needed.

    References
    ----------
    Sokolovsky et al. 2017, MNRAS 464, 274 (an overview of these figures).
    von Neumann 1941, Ann. Math. Stat. 12, 367 (the ratio).
    Stetson 1996, PASP 108, 851 (J and K, here about the weighted mean).
    Vaughan et al. 2003, MNRAS 345, 1271, equation 8 (excess variance).
    """
    points = take_points(times, values, errors, least=LEAST_POINTS)
    return Variability(
        n=len(points),
        span=points.span,
        **_place_and_width(points),
        **_shape(points.values),
        **_trend(points),
        **_against_errors(points, pair_days),
    )


def _place_and_width(points: Points) -> dict[str, float]:
    values, (mean, weights) = points.values, _weighted_mean(points)
    total, squares = weights.sum(), (weights**2).sum()
    variance = (weights * (values - mean) ** 2).sum() * total / (total**2 - squares)
    at = dict(zip(PERCENTILES, np.percentile(values, PERCENTILES).tolist(), strict=True))
    return {
        "mean": mean,
        "median": float(np.median(values)),
        "std": float(np.sqrt(variance)),
        "mad_std": float(mad_std(values)),
        "amplitude": (at[95] - at[5]) / 2,
        **{f"percentile_{part}": value for part, value in at.items()},
    }


def _weighted_mean(points: Points) -> tuple[float, Reals]:
    weights = points.weights()
    return float(np.average(points.values, weights=weights)), weights


def _shape(values: Reals) -> dict[str, float]:
    """Give moments and smoothness; a constant has none."""
    if _is_constant(values):
        return {"skew": NAN, "kurtosis": NAN, "von_neumann": NAN}
    steps = (np.diff(values) ** 2).sum() / (values.size - 1)
    few = values.size <= LEAST_POINTS  # four points are the least that have a kurtosis
    return {
        "skew": float(stats.skew(values, bias=False)),
        "kurtosis": NAN if few else float(stats.kurtosis(values, bias=False)),
        "von_neumann": float(steps / values.var(ddof=1)),
    }


def _is_constant(values: Reals) -> bool:
    """Tell whether values differ by no more than rounding."""
    return bool(np.ptp(values) <= 8 * np.finfo(np.float64).eps * np.abs(values).max())


def _trend(points: Points) -> dict[str, float]:
    """Fit a straight line about the mean time, where its two numbers do not depend."""
    weights = points.weights()
    since = points.times - np.average(points.times, weights=weights)
    moment = float((weights * since**2).sum())
    if moment == 0:
        return {"slope": NAN, "slope_error": NAN}
    mean, _ = _weighted_mean(points)
    slope = float((weights * since * (points.values - mean)).sum() / moment)
    if points.errors is not None:
        unit = float(np.median(points.errors))
    else:
        rest = points.values - mean - slope * since
        unit = float(np.sqrt((rest**2).sum() / (len(points) - 2)))
    return {"slope": slope, "slope_error": unit / moment**0.5}


def _against_errors(points: Points, pair_days: float) -> dict[str, float]:
    n, errors = len(points), points.errors
    if errors is None:
        names = ("reduced_chi2", "excess_variance", "stetson_j", "stetson_k")
        return dict.fromkeys(names, NAN)
    mean, _ = _weighted_mean(points)
    deviations = (points.values - mean) / errors
    scaled = np.sqrt(n / (n - 1)) * deviations
    width = float(np.sqrt((scaled**2).mean()))
    return {
        "reduced_chi2": float((deviations**2).sum() / (n - 1)),
        "excess_variance": float(points.values.var(ddof=1) - (errors**2).mean()),
        "stetson_j": _stetson_j(points.times, scaled, pair_days),
        "stetson_k": float(np.abs(scaled).mean()) / width if width > 0 else NAN,
    }


def _stetson_j(times: Reals, scaled: Reals, pair_days: float) -> float:
    first = pair_starts(times, pair_days)
    alone = np.ones(times.size, bool)
    alone[first] = alone[first + 1] = False
    products = np.concatenate([scaled[first] * scaled[first + 1], scaled[alone] ** 2 - 1])
    return float((np.sign(products) * np.sqrt(np.abs(products))).mean())


def pair_starts(times: Reals, within: float) -> npt.NDArray[Any]:
    """Give the first of each two neighbours ``within`` a time; none is in two pairs."""
    near = np.diff(times) <= within
    places = np.arange(near.size)
    # In a run of near neighbours, count from its beginning: every other step opens a pair.
    begins = np.where(near & ~np.concatenate([[False], near[:-1]]), places, -1)
    begins = np.maximum.accumulate(begins) if near.size else begins
    return np.flatnonzero(near & ((places - begins) % 2 == 0))
