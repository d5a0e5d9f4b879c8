from dataclasses import replace

import numpy as np
import pytest

from preprocessing.astrometry.matching import (
    Offsets,
    best_smooth,
    fit_smooth,
    leave_one_out,
    match_nearest,
    terms,
)


def offsets(count, error, seed=1, truth=lambda x, y: (0 * x, 0 * y)):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (2, count))
    d = np.stack(truth(x, y), -1) + rng.normal(0, error, (count, 2))
    return Offsets(x, y, d, np.full(count, error))


def test_nearest_pairs_are_mutual_and_within_reach():
    a = np.array([[0.0, 0.0], [10.0, 0.0], [50.0, 50.0]])
    b = np.array([[0.4, 0.0], [0.3, 0.0], [10.0, 2.5], [90.0, 0.0]])
    first, second = match_nearest(a, b, 3.0)
    assert list(zip(first, second, strict=True)) == [(0, 1), (1, 2)]


@pytest.mark.parametrize("order", [-1, 0, 1, 2, 3])
def test_leave_one_out_is_what_refitting_without_each_star_gives(order):
    data = offsets(25, 0.1, truth=lambda x, y: (x**2 - y, 0.3 * x * y))
    weight = data.weight[:, None]
    left = np.empty((25, 2))
    for i in range(25):
        others = np.arange(25) != i
        design = terms(data.x, data.y, order)
        root = np.sqrt(weight[others])
        fit = np.linalg.lstsq(design[others] * root, data.d[others] * root, rcond=None)[0]
        left[i] = data.d[i] - design[i] @ fit
    want = np.sqrt((weight * left**2).sum() / (2 * weight.sum()))
    got = leave_one_out(data, order, np.ones(25, bool)).rms
    assert got == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize(
    ("order", "truth"),
    [
        (-1, lambda x, y: (0 * x, 0 * y)),
        (0, lambda x, y: (0 * x + 0.4, 0 * y - 0.3)),
        (1, lambda x, y: (0.4 * x, -0.3 * y + 0.1)),
        (2, lambda x, y: (0.4 * x * y, 0.3 * y**2)),
        (3, lambda x, y: (0.4 * x**3, 0.5 * x * y**2)),
    ],
)
def test_the_order_that_made_the_offsets_is_chosen_and_recovered(order, truth):
    smooth = best_smooth(offsets(300, 0.02, truth=truth))
    assert smooth.order == order
    x, y = np.random.default_rng(5).uniform(-1, 1, (2, 200))
    off = np.stack(smooth(x, y)) - np.stack(truth(x, y))
    # closed form: rms of the fitted surface = 0.02 * sqrt(terms / 300) <= 0.004
    assert np.sqrt((off**2).mean()) < 0.006
    assert smooth.rms == pytest.approx(0.02, rel=0.15)


def test_few_stars_carry_no_more_than_a_shift():
    truth = lambda x, y: (0.4 * x**3, 0.5 * x * y**2)  # noqa: E731
    assert best_smooth(offsets(8, 0.02, truth=truth)).order <= 0


def test_wrong_pairs_are_left_out():
    data = offsets(60, 0.02)
    wild = np.arange(60) % 10 == 0
    data = replace(data, d=np.where(wild[:, None], data.d + 1.0, data.d))
    smooth = best_smooth(data)
    assert np.array_equal(smooth.kept, ~wild)
    assert smooth.rms == pytest.approx(0.02, rel=0.3)


def test_scatter_beyond_the_stated_errors_is_measured():
    data = offsets(400, 0.05)
    understated = replace(data, error=np.full(400, 0.01))
    _, weighted = fit_smooth(understated, 0)
    # 0.05^2 = 0.01^2 + scatter^2; the median of 800 pulls is good to 4 %
    assert weighted.scatter == pytest.approx(0.049, rel=0.12)
