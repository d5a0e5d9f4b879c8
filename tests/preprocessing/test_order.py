"""The median of many values against numpy's."""

import numpy as np
import pytest

from preprocessing.order import FEW, median

RNG = np.random.default_rng(17)


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=FEW - 1),
        RNG.normal(size=100_001).astype(np.float32),
        RNG.normal(size=(400, 500)),
        RNG.exponential(size=333_334),
        RNG.integers(0, 3, size=60_000).astype(np.float32),
        np.zeros(50_000),
        np.sort(RNG.normal(size=70_000)),
        # every sampled value is one that hardly any other has
        np.where(np.arange(80_000) % 20 == 0, 5.0, RNG.normal(size=80_000)),
    ],
)
def test_the_median_of_many_values_is_that_of_all_of_them(values):
    assert median(values) == np.median(values)
