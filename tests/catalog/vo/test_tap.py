"""TAP while the caller waits, as pyvo asks it, beside brute force in numpy."""

# ruff: noqa: S608 - these are queries in ADQL, which the site translates

import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvo
import requests
from astropy.io.votable import from_table, parse
from astropy.table import Table
from django.db import connection

from astrid.core.healpix import cone_ranges
from astrid.core.sky import separation_deg
from catalog import config
from catalog.models import CatalogEntry
from catalog.vo.adql.parser import parse as read
from catalog.vo.adql.translate import translate
from catalog.vo.examples import EXAMPLES
from catalog.vo.parameters import Access, VoParameters
from catalog.vo.tap_schema import KEYS
from catalog.vo.visible import Caller, published_for
from detection.models import SkyObject
from tests.catalog.vo.skies import CENTRES, make_sky, make_viewer
from tests.catalog.vo.wire import ROOT, session_of
from tests.chunks import in_pieces

pytestmark = pytest.mark.django_db
SERVICE = f"{ROOT}/vo/tap"
KEY_TAGS = ("targetTable", "fromColumn", "targetColumn")


@pytest.fixture
def tap():
    """Ask as somebody who may see everything."""
    return pyvo.dal.TAPService(SERVICE, session=session_of(make_viewer()))


@pytest.fixture
def sky():
    """Give the positions of the objects, and their designations in the same order."""
    things = make_sky()
    places = np.array([(each.ra, each.dec) for each in things])
    return places, np.array([each.designation for each in things])


def names(found):
    return set(found["designation"].tolist())


@pytest.mark.parametrize(
    "form",
    [
        "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {0}, {1}, {2}))",
        "INTERSECTS(CIRCLE({0}, {1}, {2}), POINT(ra, dec)) = 1",
        "DISTANCE(POINT({0}, {1}), POINT(ra, dec)) <= {2}",
        "{2} >= DISTANCE(ra, dec, {0}, {1})",
        "0 <> CONTAINS(POINT(ra, dec), CIRCLE(POINT({0}, {1}), {2}))",
    ],
)
def test_cones_find_what_brute_force_finds(tap, sky, form):
    places, designations = sky
    for radius in (1e-3, 1.0, 40.0, 100.0):
        for ra, dec in CENTRES:
            where = form.format(ra, dec, radius)
            found = tap.search(f"SELECT designation FROM astrid.objects WHERE {where}")
            inside = separation_deg(ra, dec, *places.T) <= radius
            assert names(found) == set(designations[inside])


def test_what_is_outside_a_cone_is_all_the_rest(tap, sky):
    places, designations = sky
    where = "CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 5)) = 0"
    found = tap.search(f"SELECT designation FROM astrid.objects WHERE {where}")
    assert names(found) == set(designations[separation_deg(0, 0, *places.T) > 5])


def test_a_cone_uses_the_index_of_the_sky(sky):
    caller = Caller(None, ROOT, VoParameters(anonymous_access=Access.EVERYTHING))
    where = "1 = CONTAINS(POINT(ra, dec), CIRCLE(45, 41.81, 0.01))"
    query = read(f"SELECT * FROM astrid.objects WHERE {where}")
    made = translate(query, published_for(caller), cone_ranges, 10)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {made.text}", list(made.parameters))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "skyobject_sky" in plan


def polygon_holds(corners, ra, dec):
    """Tell which positions lie within a convex polygon, by the sides that its edges face."""
    lon, lat = np.radians(np.transpose(corners))
    v = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    lon, lat = np.radians(ra), np.radians(dec)
    p = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    normals = np.cross(v, np.roll(v, -1, axis=0))
    return np.all(np.sign(normals @ p) == np.sign(normals @ v.mean(axis=0))[:, np.newaxis], axis=0)


@pytest.mark.parametrize(
    "corners",
    [
        [(355, -5), (6, -4), (3, 7), (357, 4)],
        [(0, 86), (90, 87), (180, 85), (270, 86)],
        [(40, 35), (50, 36), (46, 48)],
        [(130, -60), (230, -60), (240, -10), (180, 0), (120, -10)],
    ],
)
def test_polygons_find_what_the_sides_of_their_edges_say(tap, sky, corners):
    places, designations = sky
    flat = ", ".join(str(number) for corner in corners for number in corner)
    where = f"1 = CONTAINS(POINT('ICRS', ra, dec), POLYGON('ICRS', {flat}))"
    found = tap.search(f"SELECT designation FROM astrid.objects WHERE {where}")
    inside = polygon_holds(corners, *places.T)
    assert 0 < inside.sum() < len(inside)
    assert names(found) == set(designations[inside])


def value(tap, query):
    """Give the one value that a query finds."""
    row = tap.search(query)[0]
    return next(iter(row.values()))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("-POWER(2, 10)", -1024.0),
        ("MOD(7, 4)", 3.0),
        ("ROUND(2.345, 2)", 2.35),
        ("TRUNCATE(-2.5)", -2.0),
        ("DEGREES(ATAN2(1, 1))", 45.0),
        ("UPPER('abc') || LOWER('DEF')", "ABCdef"),
        ("SUBSTRING('gravity', 2, 3)", "rav"),
        ("CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", "b"),
        ("COALESCE(NULL, 'x')", "x"),
        ("CAST('12' AS INTEGER) + 1", 13),
        ("DISTANCE(POINT(0, 89), POINT(180, 89))", 2.0),
        ("COORD2(CENTROID(CIRCLE(10, 20, 3)))", 20.0),
        ("AREA(CIRCLE(0, 0, 180))", 41252.96124941927),
        ("'it''s'", "it's"),
        ("CONTAINS(CIRCLE(0, 0, 1), CIRCLE(0, 1, 2.5))", 1),
        ("CONTAINS(CIRCLE(0, 0, 1), CIRCLE(0, 2, 2.5))", 0),
        ("INTERSECTS(CIRCLE(0, 0, 1), POLYGON(1, 1, 3, 0, 1, -1))", 1),
        ("INTERSECTS(CIRCLE(0, 0, 0.9), POLYGON(1, 1, 3, 0, 1, -1))", 0),
        ("INTERSECTS(POLYGON(0, 0, 4, 0, 2, 4), POLYGON(2, 1, 6, 1, 4, 5))", 1),
        ("INTERSECTS(POLYGON(0, 0, 4, 0, 2, 4), POLYGON(12, 1, 16, 1, 14, 5))", 0),
        ("CONTAINS(POLYGON(1, 1, 3, 1, 2, 2), POLYGON(0, 0, 4, 0, 2, 4))", 1),
    ],
)
def test_expressions_have_their_value(tap, expression, expected):
    found = value(tap, f"SELECT {expression} AS v")
    # the area and the distances are rounded as doubles are
    assert found == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-12))


def test_groups_joins_subqueries_and_sets(tap, sky):
    _, designations = sky
    groups = tap.search(
        "SELECT number_of_detections AS n, COUNT(*) AS m FROM astrid.objects"
        " GROUP BY number_of_detections HAVING COUNT(*) > 1 ORDER BY n DESC"
    )
    expected = np.bincount([int(each.number_of_detections) for each in SkyObject.objects.all()])
    assert dict(zip(groups["n"], groups["m"], strict=True)) == dict(enumerate(expected))
    assert list(groups["n"]) == list(range(6, -1, -1))
    joined = tap.search(
        "SELECT o.designation FROM astrid.objects AS o JOIN astrid.entries AS e USING (object_id)"
        " WHERE e.publication_state = 'published'"
    )
    assert names(joined) == set(designations[1::2])
    nested = tap.search(
        "WITH q AS (SELECT TOP 3 designation, ra FROM astrid.objects ORDER BY ra)"
        " SELECT designation FROM q WHERE ra = (SELECT MAX(ra) FROM q)"
        " UNION SELECT designation FROM astrid.objects WHERE designation IN ('AstrID J00007')"
    )
    third = SkyObject.objects.order_by("ra")[2].designation
    assert names(nested) == {third, "AstrID J00007"}
    without = tap.search(
        "SELECT designation FROM objects o WHERE NOT EXISTS"
        " (SELECT * FROM entries e WHERE e.object_id = o.object_id"
        " AND e.publication_state LIKE 'publ%')"
    )
    assert names(without) == set(designations[::2])


def test_more_rows_than_asked_for_are_an_overflow(tap, sky):
    found = tap.search("SELECT * FROM astrid.objects", maxrec=7)
    assert (len(found), found.status[0]) == (7, "OVERFLOW")
    top = tap.search("SELECT TOP 7 * FROM astrid.objects", maxrec=7)
    assert (len(top), top.status[0]) == (7, "OK")


def test_the_tables_describe_themselves(tap):
    tables = tap.tables
    assert {"astrid.objects", "ivoa.ObsCore", "TAP_SCHEMA.columns"} <= set(tables.keys())
    told = tap.search("SELECT table_name, column_name, unit FROM TAP_SCHEMA.columns")
    listed = {(each.name, column.name) for each in tables for column in each.columns}
    assert {(row["table_name"], row["column_name"]) for row in told} == listed
    capability = tap.get_tap_capability()
    assert capability.get_adql().get_udf("ivo_healpix_index") is not None
    assert tap.maxrec == config.get("vo").default_rows


def test_the_services_say_that_they_work(client):
    for service in ("tap", "scs", "scs/entries"):
        assert b"available>true<" in client.get(f"/vo/{service}/availability").content
        assert client.get(f"/vo/{service}/capabilities").status_code == 200


def test_columns_keep_their_unit_ucd_and_description_in_answers(tap, sky):
    found = tap.search("SELECT MAX(o.dec) AS top, COUNT(ra) AS n FROM astrid.objects AS o")
    top, n = (found.getdesc(name) for name in ("top", "n"))
    assert (str(top.unit), top.ucd) == ("deg", "pos.eq.dec;meta.main")
    assert (n.unit, n.ucd, n.datatype) == (None, None, "long")


def test_every_format_says_the_same(client, sky):
    query = {"QUERY": "SELECT designation, ra FROM entries ORDER BY ra", "LANG": "ADQL"}
    rows = list(
        CatalogEntry.objects.filter(publication_state="published")
        .order_by("ra")
        .values_list("designation", "ra")
    )

    def ask(name):
        return client.post("/vo/tap/sync", {**query, "RESPONSEFORMAT": name}).content

    for name in ("votable/td", "votable/b2"):
        table = parse(io.BytesIO(ask(name)), verify="exception").get_first_table().array
        assert [tuple(row) for row in table] == rows
    assert [tuple(row) for row in json.loads(ask("json"))["rows"]] == rows
    for name, form in (("csv", "ascii.csv"), ("tsv", "ascii.tab")):
        assert [tuple(row) for row in Table.read(ask(name).decode(), format=form)] == rows


def test_astropy_calls_the_columns_of_a_file_by_their_names(client):
    query = 'SELECT 1 AS utc, 2 AS "a b", 3 AS "9", 4 AS n, 5 AS n'
    content = client.get("/vo/tap/sync", {"QUERY": query}).content
    found = Table.read(io.BytesIO(content), format="votable")
    assert found.colnames == ["utc_2", "a_b", "_9", "n", "n_2"]
    assert parse(io.BytesIO(content)).get_first_table().fields[0].name == "utc"


def test_missing_values_stay_missing(client):
    query = {"QUERY": "SELECT CAST(NULL AS INTEGER) AS a, CAST(NULL AS REAL) AS b, NULL AS c"}
    for name in ("votable/td", "votable/b2"):
        content = client.get("/vo/tap/sync", {**query, "RESPONSEFORMAT": name}).content
        (row,) = parse(io.BytesIO(content), verify="exception").get_first_table().array
        assert row["a"] is np.ma.masked
        assert row["b"] is np.ma.masked or np.isnan(row["b"])
        assert str(row["c"]) in ("", "--")
    rows = json.loads(client.get("/vo/tap/sync", {**query, "FORMAT": "json"}).content)["rows"]
    assert rows == [[None, None, None]]


def test_an_uploaded_table_is_joined_with_the_sky(tap, sky):
    places, designations = sky
    near = (places + np.array([0.0, 1e-4]))[np.abs(places[:, 1]) < 80][:50]
    mine = Table({"ra": near[:, 0], "dec": near[:, 1], "n": np.arange(len(near))})
    found = tap.search(
        "SELECT m.n, o.designation FROM TAP_UPLOAD.mine AS m JOIN astrid.objects AS o"
        " ON 1 = CONTAINS(POINT(o.ra, o.dec), CIRCLE(m.ra, m.dec, 0.001))",
        uploads={"mine": mine},
    )
    distances = separation_deg(near[:, :1], near[:, 1:], places[:, 0], places[:, 1])
    expected = {
        (int(n), designations[k]) for n, k in zip(*np.nonzero(distances <= 0.001), strict=True)
    }
    assert len(expected) >= 50
    assert {(int(row["n"]), row["designation"]) for row in found} == expected


def test_what_is_worked_out_has_its_unit(tap, sky):
    found = tap.search(
        "SELECT DISTANCE(ra, dec, 0, 0) AS a, AREA(CIRCLE(0, 0, 1)) AS b, RADIANS(ra) AS c,"
        " ROUND(dec, 1) AS d, SUM(ra) AS e, COUNT(*) AS f FROM astrid.objects GROUP BY ra, dec"
    )
    units = [str(found.getdesc(name).unit) for name in "abcdef"]
    assert units == ["deg", "deg2", "rad", "deg", "deg", "None"]


def test_names_that_are_words_of_the_language_are_listed_in_quotes(tap):
    told = tap.search("SELECT column_name FROM TAP_SCHEMA.columns")["column_name"].tolist()
    assert {'"catalog"', '"size"'} <= set(told)
    assert len(tap.search('SELECT c."catalog" FROM astrid.context AS c')) == 0


def test_keys_between_tables_are_told_in_both_places(tap, client):
    client.force_login(make_viewer("otto"))
    listed = tap.search(
        "SELECT k.from_table, c.from_column, k.target_table, c.target_column"
        " FROM TAP_SCHEMA.keys AS k JOIN TAP_SCHEMA.key_columns AS c USING (key_id)"
    )
    tree = ElementTree.fromstring(client.get("/vo/tap/tables").content)  # noqa: S314 - our own
    told = {
        (table.findtext("name"), *(each.text for each in key.iter() if each.tag in KEY_TAGS))
        for table in tree.iter("table")
        for key in table.iter("foreignKey")
    }
    assert told == {
        tuple(row[name] for name in ("from_table", "target_table", "from_column", "target_column"))
        for row in listed
    }
    assert len(told) == len(KEYS)


def test_examples_are_told_as_tools_read_them_and_can_be_asked(tap, sky):
    assert {each["QUERY"] for each in tap.examples} == {each.query for each in EXAMPLES}
    for each in EXAMPLES:
        tap.search(each.query)


def test_a_table_that_comes_in_pieces_is_read_and_keeps_its_types():
    """As TOPCAT sends it."""
    mine = Table(
        {
            "s": np.array([1], "i2"),
            "i": np.array([2], "i4"),
            "l": np.array([3], "i8"),
            "f": np.array([0.5], "f4"),
            "d": np.array([0.25]),
            "t": ["2025-01-01T00:00:00"],
        }
    )
    mine["d"].unit = "deg"
    file = io.BytesIO()
    document = from_table(mine)
    document.get_first_table().get_field_by_id("t").xtype = "timestamp"
    document.to_xml(file)
    form = {"QUERY": "SELECT * FROM TAP_UPLOAD.mine", "LANG": "ADQL", "UPLOAD": "mine,param:it"}
    sent = requests.Request(
        "POST", SERVICE, data=form, files={"it": ("it", file.getvalue())}
    ).prepare()
    status, content = in_pieces("/vo/tap/sync", sent.body, sent.headers["Content-Type"])
    assert status.startswith("200"), content
    found = parse(io.BytesIO(content)).get_first_table()
    described = [(each.datatype, each.xtype, str(each.unit)) for each in found.fields]
    assert described == [
        ("short", None, "None"), ("int", None, "None"), ("long", None, "None"),
        ("float", None, "None"), ("double", None, "deg"), ("char", "timestamp", "None"),
    ]  # fmt: skip
    assert list(found.array[0])[:5] == [1, 2, 3, 0.5, 0.25]


def test_the_area_of_a_polygon_is_what_its_angles_say(tap):
    # Girard: the angles of a triangle exceed half a turn by its area
    corners = np.array([(10.0, 5.0), (70.0, 5.0), (40.0, 60.0)])
    lon, lat = np.radians(corners.T)
    v = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    excess = -np.pi
    for a, b, c in (v, np.roll(v, 1, axis=0), np.roll(v, 2, axis=0)):
        sides = np.cross(a, b), np.cross(a, c)
        cosine = sides[0] @ sides[1] / np.prod(np.linalg.norm(sides, axis=1))
        excess += np.arccos(cosine)
    flat = ", ".join(map(str, corners.ravel()))
    found = value(tap, f"SELECT AREA(POLYGON({flat})) AS a")
    assert found == pytest.approx(excess * np.degrees(1) ** 2, rel=1e-10)
