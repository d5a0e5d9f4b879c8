"""The figures of several trials together, and whether they reach what is required."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.dithered import Trial
from benchmarks.estimates import median_with_error, wilson
from benchmarks.score import Finds

# What a difference must reach; transients and variables alike are injected sources.
STD_TOLERANCE = 0.03
LEAST_FOUND = {"7-10": 0.90, ">10": 0.98}
LARGEST_FLUX_BIAS = 0.03


def summarise(trials: Sequence[Trial]) -> dict[str, Any]:
    """Join the trials of one variant; plain values, ready for JSON."""
    area = sum(trial.score.usable_mpix for trial in trials)
    joined: dict[str, Any] = {
        "seeds": [trial.seed for trial in trials],
        "noise": noise(trials),
        "completeness": {
            "all": completeness(
                [finds for one in trials for finds in (one.score.transients, one.score.variables)]
            ),
            "transients": completeness([trial.score.transients for trial in trials]),
            "variables": completeness([trial.score.variables for trial in trials]),
        },
        "false_per_mpix": false_rates(trials, area),
        "photometry": photometry(trials),
        "cost": cost(trials),
    }
    return joined | {"required": required(joined)}


def noise(trials: Sequence[Trial]) -> dict[str, float]:
    """Give the mean scatters; `std_blank_unscaled` is what the noise maps alone would give."""
    noises = [trial.score.noise for trial in trials]
    blank = [one.blank for one in noises]
    return {
        "std_blank": float(np.mean(blank)),
        "std_blank_lowest": min(blank),
        "std_blank_highest": max(blank),
        "std_blank_robust": float(np.mean([one.blank_robust for one in noises])),
        "std_blank_unscaled": float(np.mean([one.blank * one.scale for one in noises])),
        "noise_scale": float(np.mean([one.scale for one in noises])),
        "std_source": float(np.mean([one.source for one in noises])),
    }


def completeness(rows: Sequence[Sequence[Finds]]) -> dict[str, Any]:
    """Add up what was found in each range of ideal S/N, with 95 % intervals."""
    joined = {}
    for cells in zip(*rows, strict=True):
        injected, found = sum(one.injected for one in cells), sum(one.found for one in cells)
        share = (found / injected, *wilson(found, injected)) if injected else (None, None, None)
        joined[range_name(cells[0])] = {
            "injected": injected,
            "found": found,
            **dict(zip(("share", "low", "high"), share, strict=True)),
        }
    return joined


def range_name(finds: Finds) -> str:
    """Name a range of signal to noise."""
    return f"{finds.low:g}-{finds.high:g}" if np.isfinite(finds.high) else f">{finds.low:g}"


def false_rates(trials: Sequence[Trial], area_mpix: float) -> dict[str, float]:
    """Candidates that match nothing, per usable Mpix; `all` leaves out rays and defects."""
    counts = [vars(trial.score.extras) for trial in trials]
    rates = {name: sum(one[name] for one in counts) / area_mpix for name in counts[0]}
    return {"all": rates["on_sources"] + rates["on_sky"], **rates}


def photometry(trials: Sequence[Trial]) -> dict[str, float | int | None]:
    """Flux bias (median, its error) and rms offset per axis of found sources above S/N 10."""
    excess = np.concatenate([trial.score.flux_excess for trial in trials])
    offsets = np.concatenate([trial.score.offsets for trial in trials])
    if len(excess) == 0:
        return {"sources": 0, "flux_bias": None, "flux_bias_error": None, "position_rms_px": None}
    bias, error = median_with_error(excess)
    rms = float(np.sqrt(np.mean(offsets**2)))
    return {
        "sources": len(excess),
        "flux_bias": bias,
        "flux_bias_error": error,
        "position_rms_px": rms,
    }


def cost(trials: Sequence[Trial]) -> dict[str, Any]:
    """Seconds per Mpix of each step, means over the trials, and the highest memory."""
    area = sum(trial.mpix for trial in trials)
    steps = trials[0].costs.cpu
    return {
        "cpu_s_per_mpix": {
            name: sum(trial.costs.cpu[name] for trial in trials) / area for name in steps
        },
        "wall_s_per_mpix": {
            name: sum(trial.costs.wall[name] for trial in trials) / area for name in steps
        },
        "peak_memory_mb": max(trial.costs.peak_memory_mb for trial in trials),
    }


def required(joined: dict[str, Any]) -> dict[str, bool | None]:
    """Say of each required figure whether it is reached; None where nothing was injected."""
    found = joined["completeness"]["all"]
    bias = joined["photometry"]["flux_bias"]
    shares = {name: found[name]["share"] for name in LEAST_FOUND}
    return {
        "std_blank": abs(joined["noise"]["std_blank"] - 1) <= STD_TOLERANCE,
        **{
            f"found {name}": None if share is None else share >= LEAST_FOUND[name]
            for name, share in shares.items()
        },
        "flux_bias": None if bias is None else abs(bias) <= LARGEST_FLUX_BIAS,
    }
