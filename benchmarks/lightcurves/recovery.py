"""How many known periods are found."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.estimates import wilson
from benchmarks.lightcurves.simulated import Known, pulsating, transiting
from lightcurves.analysis.detrending import detrend
from lightcurves.analysis.periods import find_period, measure_periodogram
from lightcurves.analysis.transits import find_transit

COLUMNS = ["known periods", "found", "share (95 %)", "processor s per curve"]
# Days; longer than the longest transit by a factor of six.
DETRENDING_WIDTH = 1.5
TRANSIT_TOLERANCE = 0.01
# Seeds of transits are apart from those of pulsating stars.
TRANSIT_SEEDS = 1_000_000


def measure_recovery(variables: int, transits: int, seed: int) -> dict[str, Any]:
    """Look for the periods of so many curves of each kind.

    Returns
    -------
    dict
        "pulsating": the whole search; "highest peak": that of the periodogram, on the same
        curves; "transits". Each has numbers, the share with its 95 % interval, the seeds that
        failed, and processor seconds per curve.
    """
    stars = range(seed, seed + variables)
    planets = range(TRANSIT_SEEDS + seed, TRANSIT_SEEDS + seed + transits)
    return {
        "pulsating": _counted(stars, pulsating, has_period),
        "highest peak": _counted(stars, pulsating, has_peak),
        "transits": _counted(planets, transiting, has_transit),
    }


def _counted(
    seeds: Iterable[int], make: Callable[[int], Known], is_found: Callable[[Known], bool]
) -> dict[str, Any]:
    curves = {seed: make(seed) for seed in seeds}
    began = time.process_time()
    missed = [seed for seed, curve in curves.items() if not is_found(curve)]
    spent = time.process_time() - began
    found = len(curves) - len(missed)
    low, high = wilson(found, len(curves))
    return {
        "curves": len(curves), "found": found, "share": found / len(curves),
        "low": low, "high": high, "missed_seeds": missed, "cpu_s": spent / len(curves),
    }  # fmt: skip


def is_same(period: float, curve: Known) -> bool:
    """Tell whether a period is the true one: aliases, halves and doubles are not.

    Its frequency must lie within half a resolution element, 1 / baseline, of the true one.
    """
    baseline = float(curve.times[-1] - curve.times[0])
    return abs(1 / period - 1 / curve.period) < 0.5 / baseline


def has_period(curve: Known) -> bool:
    """Find the period by the whole search."""
    return is_same(find_period(curve.times, curve.values, curve.errors).period, curve)


def has_peak(curve: Known) -> bool:
    """Take the highest peak of the periodogram for the period."""
    found = measure_periodogram(curve.times, curve.values, curve.errors)
    return is_same(1 / float(found.frequencies[found.powers.argmax()]), curve)


def has_transit(curve: Known) -> bool:
    """Detrend and find the transit: its period to a hundredth, its time to half its duration."""
    flat = detrend(curve.times, curve.values, curve.errors, width=DETRENDING_WIDTH)
    found = find_transit(curve.times, flat.values, flat.errors)
    off = (found.epoch - curve.epoch + curve.period / 2) % curve.period - curve.period / 2
    is_period = abs(found.period / curve.period - 1) < TRANSIT_TOLERANCE
    return is_period and abs(off) < curve.duration / 2


def rows(found: dict[str, Any]) -> list[list[str]]:
    """Lay the shares out."""
    return [
        [name, f"{one['found']} of {one['curves']}",
         f"{one['share']:.1%} ({one['low']:.1%} to {one['high']:.1%})", f"{one['cpu_s']:.2f}"]
        for name, one in found.items()
    ]  # fmt: skip
