import shutil

import numpy as np
import pytest

from benchmarks import console
from detection import cutouts


def test_times_are_summed_up_by_their_percentiles():
    times = np.arange(1.0, 202.0)
    found = console.figures(times.tolist(), 201, {"pace": 0})
    assert found["key_to_paint_ms"] == {"median": 101, "p95": 191, "most": 201}
    assert (found["verdicts"], found["kept"]) == (201, 201)


def test_pixels_are_those_of_the_pipeline():
    pixels = console._pixels(np.random.default_rng(1))
    np.testing.assert_array_equal(cutouts.from_npz(cutouts.to_npz(pixels)), pixels)


def test_a_browser_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="apt-get install chromium"), console.open_browser():
        pass
