"""Figures of one or of several trials of one method, with their intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.differencing.classes import BRIGHT_SNR
from benchmarks.differencing.field import FloatArray
from benchmarks.differencing.measure import Outcome, Trial
from benchmarks.differencing.score import CLASSES, FALSE, THRESHOLD, Score
from benchmarks.estimates import median_with_error, robust_sigma, wilson

Figures = dict[str, Any]

BINS = ((3.0, 5.0), (5.0, 7.0), (7.0, 10.0), (10.0, 50.0))
ABOVE = ((7.0, 50.0),)  # of hosted sources and of those in the field
FADED = ((5.0, np.inf),)
# Error of the robust standard deviation of n values, in units of it over sqrt(n): its efficiency
# for a Gaussian is 0.37.
ROBUST_ERROR = 1.166


def summarise(trials: Sequence[Trial]) -> Figures:
    """Join the trials of one method; plain values, ready for JSON."""
    done = [trial.outcome for trial in trials if trial.outcome is not None]
    joined: Figures = {
        "pairs": len(trials),
        "failures": [trial.failure for trial in trials if trial.outcome is None],
    }
    if not done:
        return joined
    joined |= {"cost": cost(done), "noise": noise(done)}
    joined["map"] = found(done, [one.on_map for one in done])
    tables = [one.on_table for one in done if one.on_table is not None]
    if len(tables) == len(done):
        joined["table"] = found(done, tables)
    stars = [count for one in done for count in one.psf_stars]
    if stars:
        joined["psf_stars"] = {"least": min(stars), "most": max(stars)}
    return joined


def cost(done: Sequence[Outcome]) -> Figures:
    """Give seconds per Mpix (the least of the repetitions) and bytes per pixel (the first)."""
    area = sum(one.truth.mpix for one in done)
    figures: Figures = {
        "cpu_s_per_mpix": sum(min(each.cpu_s for each in one.costs) for one in done) / area,
        "wall_s_per_mpix": sum(min(each.wall_s for each in one.costs) for one in done) / area,
        # later runs find the memory of the first one still with the process
        "memory_bytes_per_px": max(one.costs[0].memory_bytes / one.truth.size**2 for one in done),
    }
    if all(one.steps for one in done):
        steps = np.sum([one.steps for one in done], axis=0) / area
        figures["steps_cpu_s_per_mpix"] = steps.tolist()
    return figures


def noise(done: Sequence[Outcome]) -> Figures:
    """Give the mean of the scatters over the pairs, its error, and the extremes."""
    return {
        name: _spread(np.array([getattr(one.noise, name) for one in done], float))
        for name in ("std_blank", "std_source", "tail_source")
    }


def _spread(values: FloatArray) -> Figures:
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {
        "mean": float(values.mean()),
        "error": error,
        "lowest": float(values.min()),
        "highest": float(values.max()),
    }


def found(done: Sequence[Outcome], scores: Sequence[Score]) -> Figures:
    """Say what was found, what was not there, and how well flux and place were measured."""
    area = sum(one.truth.mpix for one in done)
    return {
        "completeness": completeness(done, scores),
        "per_mpix": rates([score.extras for score in scores], area),
        "negative_per_mpix": rates([score.negative_extras for score in scores], area),
        "flux": flux(scores),
        "place": place(scores),
    }


def completeness(done: Sequence[Outcome], scores: Sequence[Score]) -> Figures:
    """Compare the found shares with those that noise allows, per range of ideal S/N."""
    new = [one.truth.transients for one in done]
    snr = np.concatenate([one.snr for one in new])
    hosted = np.concatenate([one.is_hosted for one in new])
    alone = np.concatenate([one.truth.is_alone for one in done])
    asked = np.concatenate([score.is_asked for score in scores])
    seen = np.concatenate([score.is_found for score in scores])
    variables = [one.truth.variables for one in done]
    faded_snr = np.concatenate([-one.snr[one.flux < 0] for one in variables])
    faded_asked = np.concatenate([score.is_faded_asked for score in scores])
    faded_seen = np.concatenate([score.is_faded_found for score in scores])
    return {
        "all": _shares(snr, asked, seen, BINS),
        "alone": _shares(snr, asked & alone, seen, BINS),
        "hosted": _shares(snr, asked & hosted, seen, ABOVE),
        "field": _shares(snr, asked & ~hosted, seen, ABOVE),
        "faded": _shares(faded_snr, faded_asked, faded_seen, FADED),
    }


def _shares(snr: FloatArray, asked: Any, seen: Any, bins: Sequence[tuple[float, float]]) -> Figures:
    shares = {}
    for low, high in bins:
        inside = asked & (snr >= low) & (snr < high)
        name = f"{low:g}-{high:g}" if np.isfinite(high) else f">{low:g}"
        shares[name] = share(int((seen & inside).sum()), int(inside.sum()), snr[inside])
    return shares


def share(seen: int, asked: int, snr: FloatArray) -> Figures:
    """Give a found share with its interval, and the mean of Phi(s - 5) over the very sample."""
    if not asked:
        return {"found": 0, "asked": 0, "share": None, "low": None, "high": None, "expected": None}
    low, high = wilson(seen, asked)
    expected = float(stats.norm.cdf(snr - THRESHOLD).mean())
    return {
        "found": seen,
        "asked": asked,
        "share": seen / asked,
        "low": low,
        "high": high,
        "expected": expected,
    }


def rates(counts: Sequence[dict[str, int]], area_mpix: float) -> Figures:
    """Give detections without a change per Mpix of frame, by class, with 95 % intervals."""
    summed = {name: sum(one[name] for one in counts) for name in CLASSES}
    summed = {"false": sum(summed[name] for name in FALSE), **summed}
    return {name: rate(count, area_mpix) for name, count in summed.items()}


def rate(count: int, area_mpix: float) -> Figures:
    """Give a rate and its 95 % interval.

    References
    ----------
    Garwood 1936, Biometrika 28, 437.
    """
    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2
    return {
        "count": count,
        "rate": count / area_mpix,
        "low": float(low / area_mpix),
        "high": float(high / area_mpix),
    }


def flux(scores: Sequence[Score]) -> Figures:
    """Give bias and pull of the flux of sources found above :data:`BRIGHT_SNR`."""
    excess = np.concatenate([score.flux_excess for score in scores])
    pull = np.concatenate([score.flux_pull for score in scores])
    if len(excess) == 0:
        return {"sources": 0, "above_snr": BRIGHT_SNR, "bias": None, "bias_error": None} | {
            "pull_width": None,
            "pull_width_error": None,
        }
    bias, error = median_with_error(excess)
    width = robust_sigma(pull)
    return {
        "sources": len(excess),
        "above_snr": BRIGHT_SNR,
        "bias": bias,
        "bias_error": error,
        "pull_width": width,
        "pull_width_error": ROBUST_ERROR * width / float(np.sqrt(len(pull))),
    }


def place(scores: Sequence[Score]) -> Figures:
    """Give the error of the place, along either axis, over its Cramer-Rao bound."""
    pull = np.concatenate([score.place_pull for score in scores])
    if len(pull) == 0:
        return {"coordinates": 0, "rms": None, "width": None, "width_error": None}
    width = robust_sigma(pull)
    return {
        "coordinates": len(pull),
        "rms": float(np.sqrt(np.mean(pull**2))),
        "width": width,
        "width_error": ROBUST_ERROR * width / float(np.sqrt(len(pull))),
    }
