"""The small picture of a light curve."""

from xml.etree import ElementTree

import numpy as np
import pytest

from lightcurves.sparkline import column_spans, sparkline


def test_an_outlier_among_a_million_points_is_drawn():
    values = np.zeros(1_000_000)
    values[777_777] = 5.0
    low, high = column_spans(values, 100)
    assert np.flatnonzero(high == 5.0).tolist() == [77]
    assert (low == 0).all()
    assert len(sparkline(values, width=100)) < 5000


@pytest.mark.parametrize("values", [[], [np.nan] * 3, [2.0], [1.0, np.inf, -3.0], [7.0] * 9])
def test_every_curve_gives_a_well_formed_image_without_nan(values):
    text = sparkline(np.array(values))
    assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314 -- our own text
    assert "nan" not in text
    assert "inf" not in text


@pytest.mark.parametrize(("number", "least"), [(1, 8.0), (2, 8.0), (10, 8.0), (60, 3.0)])
def test_few_points_are_dots_that_can_be_seen_and_do_not_touch(number, least):
    path = ElementTree.fromstring(sparkline(np.arange(number) % 3.0))[0]  # noqa: S314
    size = float(path.get("stroke-width"))
    across = [float(part.split()[0]) for part in path.get("d").split("M")[1:]]
    assert len(across) == number
    assert size >= least
    assert size / 2 <= min(across) <= max(across) <= 480 - size / 2
    assert all(np.diff(across) > size)


def test_an_image_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        sparkline(np.zeros((2, 2)))
