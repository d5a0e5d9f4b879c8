import numpy as np
import pytest
from django.db import connection

from astrid.core.sky import separation_deg
from benchmarks.catalog import cones, filling, goals, matching
from benchmarks.catalog.command import measure, render
from detection.models import SkyObject


@pytest.fixture
def found(transactional_db):
    """Give the figures of a small catalog; what was made beside the tables is dropped."""
    figures = measure(rows=3000, number=20, seed=1)
    yield figures
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS bench_q3c; DROP EXTENSION IF EXISTS q3c")


def test_every_way_is_measured_finds_the_same_and_stands_in_the_table(found):
    page = render(found)
    for words in (
        "| cone 1 deg | AstrID, ORM |",
        "| match 10,000 positions of an image | AstrID, per image |",
        "| write the candidates of an image | AstrID, binary COPY |",
        "| list 1,000 rows as JSON | ModelSerializer |",
        "| page of 100 rows | last, by OFFSET |",
        "| export 3,000 rows as CSV | AstrID |",
    ):
        assert words in page
    has_q3c = found["q3c"].startswith("q3c ") and "not available" not in found["q3c"]
    left_out = {name for name in goals.WANTED if "q3c" in name}
    assert set(found["required"]) == set(goals.WANTED) - (set() if has_q3c else left_out)
    assert found["q3c"] in page
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'skyobject_sky'")
        assert "INCLUDE" in cursor.fetchone()[0], "the index of the product stands again"


def test_the_bare_search_finds_what_brute_force_finds(db):
    rng = np.random.default_rng(2)
    ra, dec = filling.random_places(rng, 400)
    SkyObject.objects.copy_columns(filling._columns(0, 400, ra, dec))
    near = separation_deg(10.0, 20.0, ra, dec) <= 40
    assert len(cones.raw(10.0, 20.0, 40.0)) == near.sum() > 20
    assert sorted(map(str, cones.raw(10.0, 20.0, 40.0))) == sorted(
        map(str, cones.orm(10.0, 20.0, 40.0))
    )
    assert matching.ours(ra[:50], dec[:50]) == 50


def test_ways_that_find_different_rows_are_no_benchmark(db):
    SkyObject.objects.copy_columns(filling._columns(0, 1, np.array([1.0]), np.array([2.0])))
    ways = {"one": cones.raw, "other": lambda ra, dec, radius: []}
    with pytest.raises(ValueError, match="one finds 1 rows within"):
        cones._of_radius(ways, [(1.0, 2.0)], 0.1)


@pytest.mark.parametrize(("value", "reached"), [(74_000.0, False), (75_000.0, True)])
def test_a_least_is_reached_from_above(value, reached):
    assert goals._reaches(value, 75_000.0, True) is reached
    assert goals._reaches(value, 75_000.0, False) is (value <= 75_000.0)
