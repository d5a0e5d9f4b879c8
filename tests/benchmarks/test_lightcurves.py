import sys

import pytest

from benchmarks.lightcurves import command, photometry
from benchmarks.lightcurves.measure import Amount, measure
from benchmarks.lightcurves.recovery import is_same, measure_recovery
from benchmarks.lightcurves.simulated import pulsating, transiting
from benchmarks.spending import spending
from lightcurves.models import DataSet


@pytest.fixture
def found(db):
    """Give the figures of very few, very short curves."""
    amount = Amount(curves=4, array_curves=2, point_curves=2, points=2000, reads=10, seed=1)
    figures = measure(amount) | {"date": "2026-01-01", "postgresql": command.version()}
    figures["photometry"] = photometry.measured(200, 60, 1, sys.executable)
    figures["recovery"] = measure_recovery(2, 1, seed=1)
    figures["machine"] = {"cpus": 1, "cpu": "one", "load_average": [0.5]}
    return figures | {"required": command.required(figures)}


def test_every_way_is_measured_and_the_table_has_them_all(found):
    page = command.render(found)
    for name in (
        "write: array column",
        "read: row per point",
        "shard: first read",
        "part: database",
        "plot: points",
        "send: arrow stream",
    ):
        assert f"| {name} |" in page
    assert set(found["required"]) == set(command.WANTED)
    assert "| pulsating | 2 of 2 |" in page
    assert "| transits | 1 of 1 |" in page
    # two arrays of 2,000 numbers of 8 bytes: whatever a table adds, it is not less
    assert found["bytes_per_number"]["copy"] >= 8
    assert found["bytes_per_number"]["shards"] < 8
    # what INSERT wrote for comparison, the four curves of each store, and that of the page
    assert DataSet.objects.count() == 2 + 3 * 4 + 1


def test_every_way_finds_the_same_fluxes_with_right_errors(found):
    ways = found["photometry"]["ways"]
    for name in ("difference", "science frame", "peer: one by one"):
        # 60 pulls know their width to 0.09
        assert ways[name]["pull_width"] == pytest.approx(1, abs=0.4)
        assert ways[name]["measured"] > 0.9
        assert f"| {name} |" in command.render(found)


def test_a_bound_is_reached_from_its_own_side():
    cost = {"wall_s": 1.0, "cpu_s": 0.5}
    slow = {"wall_s": 30.0, "cpu_s": 20.0}
    assert command.times(slow, cost) == 40.0
    assert command.times(slow | {"cpu_s": None}, cost) == 30.0
    least = {name for name, (_, is_least) in command.WANTED.items() if is_least}
    assert "read, times the array column" in least
    assert "bytes per float64, raw" not in least


def test_processor_time_counts_the_server_where_it_is_here(db):
    with spending() as spent:
        assert sum(range(100_000)) > 0
    assert spent.wall_s > 0
    assert spent.seconds == (spent.wall_s if spent.cpu_s is None else spent.cpu_s)


def test_aliases_and_fractions_of_a_period_are_not_the_period():
    curve = pulsating(3)
    frequency = 1 / curve.period
    assert is_same(curve.period * (1 + 1e-6), curve)
    wrong = [frequency / 2, 2 * frequency, frequency + 1, frequency + 1.0027]
    assert not any(is_same(1 / one, curve) for one in wrong)


def test_simulated_stars_are_as_they_are_said_to_be():
    for seed in range(20):
        star = pulsating(seed)
        assert 100 <= star.times.size <= 300
        assert 0.2 <= star.period <= 1.0
        assert 0.02 <= star.errors[0] <= 0.05
        assert star.times[-1] - star.times[0] < 3 * 366
        hours = (star.times + 0.5) % 1 - 0.5
        assert (abs(hours) <= 4 / 24).all()


def test_a_simulated_transit_lies_where_it_is_said_to():
    planet = transiting(5)
    phases = (planet.times - planet.epoch + planet.period / 2) % planet.period - planet.period / 2
    inside = abs(phases) < planet.duration / 2
    # At least three in a thousand deep, below a wave of at most a hundredth, over noise of 0.001.
    near = abs(phases) < planet.duration
    assert planet.values[inside].mean() < planet.values[near & ~inside].mean() - 0.002
