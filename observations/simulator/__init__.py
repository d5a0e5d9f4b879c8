"""A survey-night simulator: frames with known truth for the demo, benchmarks and training.

What is and is not simulated is written in ``docs/simulator.md``.
"""

from observations.simulator.night import Night, simulate_night
from observations.simulator.pair import Pair, simulate_pair
from observations.simulator.parameters import SceneParameters
from observations.simulator.truth import Source

__all__ = ["Night", "Pair", "SceneParameters", "Source", "simulate_night", "simulate_pair"]
