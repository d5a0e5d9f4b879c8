import sys

import pytest

from benchmarks.lightcurves import command, photometry
from benchmarks.lightcurves.measure import Amount, measure
from benchmarks.lightcurves.spending import spending
from lightcurves.models import DataSet


@pytest.fixture
def found(db):
    """Give the figures of very few, very short curves."""
    amount = Amount(curves=4, array_curves=2, point_curves=2, points=2000, reads=10, seed=1)
    figures = measure(amount) | {"date": "2026-01-01", "postgresql": command.version()}
    figures["photometry"] = photometry.measured(200, 60, 1, sys.executable)
    figures["machine"] = {"cpus": 1, "cpu": "one", "load_average": [0.5]}
    return figures | {"required": command.required(figures)}


def test_every_way_is_measured_and_the_table_has_them_all(found):
    page = command.render(found)
    for name in (
        "write: array column",
        "read: row per point",
        "shard: first read",
        "part: database",
    ):
        assert f"| {name} |" in page
    assert set(found["required"]) == set(command.WANTED)
    # two arrays of 2,000 numbers of 8 bytes: whatever a table adds, it is not less
    assert found["bytes_per_number"]["copy"] >= 8
    assert found["bytes_per_number"]["shards"] < 8
    # what INSERT wrote for comparison and the four curves of each store
    assert DataSet.objects.count() == 2 + 3 * 4


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
