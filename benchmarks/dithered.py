"""Simulated pairs that were dithered: registration, difference and extraction, and their cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from astrid.core.measure import measured
from benchmarks.ground import ground_of
from benchmarks.score import Score, score
from detection.scenes import calibrated
from differencing.extraction.extract import Candidates, extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import Difference, subtract
from observations.simulator import Pair, SceneParameters, simulate_pair
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import onto_grid


@dataclass
class Costs:
    """Seconds per step of one pair, and memory.

    Attributes
    ----------
    cpu, wall : dict
        Seconds per step.
    peak_memory_mb : float
        Highest resident memory of the process meanwhile, the simulated pair itself included.
    """

    cpu: dict[str, float] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        began = time.process_time(), time.perf_counter()
        yield
        self.cpu[name] = time.process_time() - began[0]
        self.wall[name] = time.perf_counter() - began[1]


@dataclass(frozen=True)
class Trial:
    """One pair, differenced and scored."""

    seed: int
    mpix: float
    score: Score
    costs: Costs
    figures: dict[str, float]


def try_pair(seed: int, size: int) -> Trial:
    """Simulate a pair, lay it on one grid, difference it and compare the outcome with the truth."""
    pair = simulate_pair(SceneParameters(size=size), seed, dithered=True)
    costs = Costs()
    with measured() as total:
        difference, found = run_pair(pair, costs)
    costs.peak_memory_mb = total.peak_memory_mb
    result = score(difference, found, ground_of(pair))
    return Trial(seed, pair.parameters.megapixels, result, costs, difference.figures)


def run_pair(pair: Pair, costs: Costs) -> tuple[Difference, Candidates]:
    """Take a pair through the steps of the pipeline, without the pipeline."""
    parameters = DifferenceParameters()
    with costs.step("calibrate"):
        science, reference = calibrated(pair.science), calibrated(pair.reference)
    with costs.step("onto grid"):
        science, _ = onto_grid(science, reference, PreprocessParameters())
    with costs.step("subtract"):
        difference = subtract(science, reference, parameters)
    with costs.step("extract"):
        found = extract(difference, science, reference, threshold=parameters.threshold)
    return difference, found
