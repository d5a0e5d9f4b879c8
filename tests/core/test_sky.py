import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from astrid.core import crossmatch
from astrid.core.conekeys import _statement, keys_within
from astrid.core.healpix import TINY_DEG, cone_ranges, healpix
from astrid.core.healsquare import SIDE, _spread, place_on_face, square_ranges
from astrid.core.sky import check_position, separation_deg
from detection.models import SkyObject
from observations.models import Observation
from tests.factories import make_observation

RA = st.floats(0, 360, exclude_max=True)
DEC = st.floats(-90, 90)
RADIUS = st.floats(-9, np.log10(60)).map(lambda power: 10.0**power)


def test_separation_agrees_with_closed_forms():
    # along a meridian, along the equator, and from pole to pole
    assert separation_deg(10, -20, 10, 25) == pytest.approx(45, rel=1e-12)
    assert separation_deg(359.5, 0, 0.5, 0) == pytest.approx(1, rel=1e-12)
    assert separation_deg(0, 90, 123, -90) == pytest.approx(180, rel=1e-12)


@settings(max_examples=300, deadline=None)
@given(
    ra=RA,
    dec=DEC,
    radius=st.floats(-9, np.log10(60)).map(lambda x: 10.0**x),
    seed=st.integers(0, 99),
)
def test_the_ranges_of_a_cone_hold_every_point_inside_it(ra, dec, radius, seed):
    rng = np.random.default_rng(seed)
    inside = [
        around(ra, dec, radius * np.sqrt(rng.random()), 360 * rng.random()) for _ in range(30)
    ]
    ranges = cone_ranges(ra, dec, radius)
    for cell in healpix(*np.transpose(inside)):
        assert any(first <= cell <= last for first, last in ranges)


def around(ra, dec, distance, bearing):
    """Go ``distance`` degrees from a position in a direction (spherical trigonometry)."""
    phi, d, t = np.radians(dec), np.radians(distance), np.radians(bearing)
    sin_phi = np.sin(phi) * np.cos(d) + np.cos(phi) * np.sin(d) * np.cos(t)
    turn = np.arctan2(np.sin(t) * np.sin(d) * np.cos(phi), np.cos(d) - np.sin(phi) * sin_phi)
    return (ra + np.degrees(turn)) % 360, np.degrees(np.arcsin(np.clip(sin_phi, -1, 1)))


CORNERS = [(0.0, 90.0), (90.0, -90.0), (45.0, 0.0), (0.0, 41.810315), (180.0, -41.810315)]


@settings(max_examples=200, deadline=None)
@given(
    corner=st.sampled_from(CORNERS),
    bearing=st.floats(0, 360),
    away=st.floats(-9, 1).map(lambda power: 10.0**power),
    radius=st.floats(-9, np.log10(TINY_DEG)).map(lambda power: 10.0**power),
)
def test_a_square_next_to_the_corner_of_a_face_holds_its_circle_or_there_is_none(
    corner, bearing, away, radius
):
    ra, dec = around(*corner, away, bearing)
    ranges = square_ranges(ra, dec, radius)
    if ranges is None:  # it leaves the face
        assert min(edges(ra, dec)) < 1e-3 * SIDE  # 1.5 times TINY_DEG, as a share of 1 radian
        return
    assert 1 <= len(ranges) <= 4
    edge = [around(ra, dec, radius, turn) for turn in range(0, 360, 15)]
    for cell in healpix(*np.transpose(edge)):
        assert any(first <= cell <= last for first, last in ranges)


def edges(ra, dec):
    """Give how far the edges of its face are from a place, cells."""
    _, x, y = place_on_face(np.radians(ra), np.radians(dec))
    return x, y, SIDE - x, SIDE - y


@given(ra=RA, dec=DEC)
def test_places_on_faces_are_those_of_cdshealpix(ra, dec):
    face, x, y = place_on_face(np.radians(ra), np.radians(dec))
    near = {  # rounding may put a place on the next cell
        face << 58 | _spread(min(max(int(x + i), 0), SIDE - 1)) | _spread(
            min(max(int(y + j), 0), SIDE - 1)) << 1
        for i in (-1, 0, 1) for j in (-1, 0, 1)
    }  # fmt: skip
    at_edge = min(edges(ra, dec)) < 1  # there it may even be the next face
    assert int(healpix(ra, dec)[0]) in near or at_edge


def test_a_cone_is_covered_by_few_ranges():
    rng = np.random.default_rng(1)
    places = zip(
        rng.uniform(0, 360, 50), np.degrees(np.arcsin(rng.uniform(-1, 1, 50))), strict=True
    )
    assert max(len(cone_ranges(ra, dec, 10 ** rng.uniform(-4, 1))) for ra, dec in places) <= 24


def test_360_degrees_is_stored_as_0_and_beyond_is_refused():
    assert check_position(360, -90) == (0.0, -90.0)
    with pytest.raises(ValueError, match=r"ra is 400"):
        check_position(400, 0)
    with pytest.raises(ValueError, match=r"dec is nan"):
        check_position(0, float("nan"))


CENTRES = [(0.0, 0.0), (359.999, 12.0), (123.0, 90.0), (45.0, -90.0), (45.0, 41.81), (180.0, -35.0)]


@pytest.fixture
def sky(db):
    """Rows round the places where sky searches go wrong, and all over the sky."""
    rng = np.random.default_rng(5)
    places = [
        around(ra, dec, 10 ** rng.uniform(-5, 1), 360 * rng.random())
        for ra, dec in CENTRES
        for _ in range(25)
    ]
    places += list(zip(rng.uniform(0, 360, 100), rng.uniform(-90, 90, 100), strict=True))
    model = make_observation()
    columns = {field.name: getattr(model, field.name) for field in Observation._meta.fields}
    for name in ("id", "hpx", "ra", "dec", "observation_id"):
        columns.pop(name)
    model.delete()
    Observation.objects.bulk_create(
        Observation(**columns, observation_id=str(number), ra=ra, dec=dec)
        for number, (ra, dec) in enumerate(places)
    )
    return np.array(places)


@pytest.mark.parametrize("radius", [0.0, 1e-4, 0.01, 1.0, 30.0, 59.9, 60.0, 120.0, 180.0])
def test_cone_search_finds_what_brute_force_finds(sky, radius):
    for ra, dec in CENTRES:
        expected = np.flatnonzero(separation_deg(ra, dec, *sky.T) <= radius)
        found = Observation.objects.cone_search(ra, dec, radius)
        assert {int(row.observation_id) for row in found} == set(expected.tolist())
        assert set(keys_within(Observation, ra, dec, radius)) == {row.pk for row in found}


def test_cone_search_of_no_radius_finds_the_row_at_that_very_place(sky):
    ra, dec = sky[7]
    row = Observation.objects.cone_search(ra, dec, 0.0).get()
    assert (row.ra, row.dec, row.separation_deg) == (ra, dec, 0.0)


@pytest.mark.parametrize(("ra", "dec", "radius"), [(-1, 0, 1), (0, 91, 1), (0, 0, 181), (0, 0, -1)])
def test_cone_search_refuses_what_is_not_on_the_sky(db, ra, dec, radius):
    with pytest.raises(ValueError, match="must lie in"):
        Observation.objects.cone_search(ra, dec, radius)
    with pytest.raises(ValueError, match="must lie in"):
        keys_within(Observation, ra, dec, radius)


def test_keys_come_from_the_index_alone_by_a_plan_that_is_made_once(sky):
    for number in range(8):
        keys_within(Observation, 45.0, 41.81, 10.0**-number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans FROM pg_prepared_statements ORDER BY 1 DESC")
        assert cursor.fetchone() == (3,)  # PostgreSQL tries plans of its own for five
        # so few rows are read faster without an index
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        values = ("{0}", "{1}", 0.0, 1.0, 0.0, 1.0)
        cursor.execute(b"EXPLAIN " + _statement(Observation), values)
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan using observation_sky" in plan


@pytest.mark.parametrize("statement", [_statement(SkyObject), crossmatch._statement(SkyObject)])
def test_no_search_by_ranges_reads_the_whole_table(db, statement):
    number = 20_000
    ra, dec = np.random.default_rng(3).uniform((0, -90), (360, 90), (number, 2)).T
    columns = {"designation": [f"{one}" for one in range(number)], "ra": ra, "dec": dec}
    when = {name: timezone.now() for name in ("first_seen", "last_seen")}
    SkyObject.objects.copy_columns(columns | when | {"best_class": "unknown"})
    values = ("{0}", "{1}", 0.0, 1.0, 0.0, 1.0)[: statement.count(b"%s")]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE detection_skyobject")
        cursor.execute(b"EXPLAIN " + statement, values)
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "skyobject_sky" in plan
    assert "Seq Scan" not in plan


def test_a_slice_is_not_searched(db):
    with pytest.raises(TypeError, match="search first, then slice"):
        Observation.objects.all()[:5].cone_search(0.0, 0.0, 1.0)


def test_a_row_that_moves_takes_its_cell_along(db):
    row = make_observation(ra=10.0, dec=10.0)
    row.ra = 200.0
    row.save()
    assert Observation.objects.get().hpx == healpix(200.0, 10.0)[0]


def test_no_connection_compiles_what_it_runs(db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
