"""One pair through one method, in a process of its own, and its score."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.differencing.classes import Detections, score
from benchmarks.differencing.field import Field, Truth
from benchmarks.differencing.inputs import centre_psf
from benchmarks.differencing.score import (
    Found,
    Ground,
    Noise,
    Score,
    detect,
    matched_filter,
    noise_of,
    pixels_of,
)
from benchmarks.peers.__main__ import NOT_INSTALLED
from benchmarks.peers.job import Job
from benchmarks.peers.meter import Cost
from benchmarks.peers.method import Method

OWN = "astrid"
# The same method run another way: name of the module, name of its figure.
VARIANTS = {"astrid_threads": "two_threads", "astrid_cached": "cached"}
VARIANT_PAIRS = 2  # of each group: only their cost is of interest
PEERS = ("astrid_classic", "hotpants", "stdpipe_zogy", "sfft")
ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# What a method may need of the environment, and nothing else of it.
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True)
class Outcome:
    """What a method made of a pair: costs of each repetition, scores of its maps and its table."""

    truth: Truth
    costs: tuple[Cost, ...]
    noise: Noise
    on_map: Score
    on_table: Score | None
    steps: tuple[float, ...]
    psf_stars: tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """A method on a pair: either it has an outcome, or a reason why not."""

    method: str
    truth: Truth
    outcome: Outcome | None
    failure: str = ""


@dataclass(frozen=True)
class Bench:
    """How methods are run: their interpreter, their time limit, how often."""

    peers_python: str
    timeout_s: float
    repeats: int

    def call(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``benchmarks.peers`` for a method.

        Raises
        ------
        subprocess.TimeoutExpired
            If it takes longer than it may.
        """
        python = sys.executable if method_of(name).python == "own" else self.peers_python
        environment = {key: os.environ[key] for key in KEPT if key in os.environ}
        return subprocess.run(  # noqa: S603
            [python, "-m", "benchmarks.peers", name, *words],
            env={**environment, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=self.timeout_s,
            check=False,
        )


def method_of(name: str) -> Method:
    """Give what is said of a method; nothing of it needs to be installed."""
    method: Method = import_module(f"benchmarks.peers.{name}").METHOD
    return method


def version_of(name: str, bench: Bench) -> tuple[str | None, str]:
    """Give the version of a method, None where it is not installed, and then why."""
    done = bench.call(name, "--version")
    if done.returncode == 0:
        return done.stdout.strip(), ""
    if done.returncode == NOT_INSTALLED:
        return None, done.stderr.strip()
    return None, _last_line(done.stderr)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def try_method(name: str, job: Job, ground: Ground, bench: Bench) -> Trial:
    """Run a method on a pair and score what it made."""
    try:
        done = bench.call(name, str(job.folder), str(bench.repeats))
    except subprocess.TimeoutExpired:
        return Trial(name, ground.field.truth(), None, f"not done after {bench.timeout_s:g} s")
    if done.returncode:
        return Trial(name, ground.field.truth(), None, _last_line(done.stderr))
    return Trial(name, ground.field.truth(), judge(name, job, ground))


def judge(name: str, job: Job, ground: Ground) -> Outcome:
    """Score the maps that a method left in the folder of its job."""
    significance, flux = _maps(name, job, ground.field)
    with np.errstate(invalid="ignore"):
        found = [
            detect(sign * significance, sign * flux, ground.is_excluded) for sign in (1.0, -1.0)
        ]
    costs = json.loads((job.folder / f"{name}-costs.json").read_text())
    return Outcome(
        ground.field.truth(),
        costs=tuple(Cost(**cost) for cost in costs),
        noise=noise_of(significance, ground),
        on_map=score(Detections(*found), ground),
        on_table=_score_table(name, job, ground),
        steps=_numbers(name, "steps", job),
        psf_stars=tuple(int(count) for count in _numbers(name, "psf_stars", job)),
    )


def _numbers(name: str, key: str, job: Job) -> tuple[float, ...]:
    return tuple(job.array(f"{name}-{key}").tolist()) if job.has(f"{name}-{key}") else ()


def _maps(name: str, job: Job, field: Field) -> tuple[Any, Any]:
    """Give significance and flux, by the scorer's own filter where the method has none."""
    if job.has(f"{name}-significance"):
        return job.array(f"{name}-significance"), job.array(f"{name}-flux")
    return matched_filter(
        job.array(f"{name}-difference"),
        job.array(f"{name}-variance"),
        centre_psf(field.science, field.size),
    )


def _score_table(name: str, job: Job, ground: Ground) -> Score | None:
    """Score the candidates, of those methods that have a table of them."""
    if not job.has(f"{name}-table"):
        return None
    rows = job.array(f"{name}-table")
    size = ground.field.size
    kept = rows[~ground.is_excluded[pixels_of(rows["y"], size), pixels_of(rows["x"], size)]]
    signs = [kept[~kept["is_negative"]], kept[kept["is_negative"]]]
    return score(Detections(*(_found(some) for some in signs)), ground)


def _found(rows: Any) -> Found:
    return Found(rows["x"], rows["y"], rows["x"], rows["y"], rows["flux"], rows["flux_error"])
