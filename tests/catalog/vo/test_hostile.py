"""Queries that nobody should send: none writes, none leaks, none is a fault of the server."""

# ruff: noqa: S608 - these are queries in ADQL, which the site translates

import io

import pytest
from astropy.io.votable import parse
from django.contrib.auth import get_user_model
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.vo.answers import reading
from catalog.vo.errors import BadQuery
from detection.models import SkyObject
from tests.catalog.vo.skies import make_sky, make_viewer

pytestmark = pytest.mark.django_db

CONTAINED = "SELECT 1 FROM astrid.objects WHERE 1=CONTAINS"
REFUSED = {
    "writes": "DELETE FROM astrid.objects",
    "two statements": "SELECT 1 FROM astrid.objects; DROP TABLE detection_skyobject",
    "two selects": "SELECT 1; SELECT 2",
    "table of the database": "SELECT * FROM detection_skyobject",
    "accounts": "SELECT * FROM auth_user",
    "catalogue of the database": "SELECT * FROM pg_catalog.pg_user",
    "quoted name": 'SELECT "id"" FROM auth_user --" FROM astrid.objects',
    "unknown column": "SELECT password FROM astrid.objects",
    "hidden column": "SELECT hpx_ FROM astrid.objects",
    "server function": "SELECT pg_sleep(10) FROM astrid.objects",
    "file of the server": "SELECT pg_read_file('/etc/passwd')",
    "into": "SELECT * INTO x FROM astrid.objects",
    "lock": "SELECT * FROM astrid.objects FOR UPDATE",
    "comment tricks": "SELECT /* x */ 1 FROM astrid.objects",
    "cast to anything": "SELECT CAST('pg_class' AS regclass) FROM astrid.objects",
    "division by nothing": "SELECT 1/0 FROM TAP_SCHEMA.tables",
    "root of less than nothing": "SELECT SQRT(-1) FROM TAP_SCHEMA.tables",
    "text for a number": "SELECT table_name + 1 FROM TAP_SCHEMA.tables",
    "no condition": "SELECT 1 FROM TAP_SCHEMA.tables WHERE 'maybe'",
    "sum of sums": "SELECT SUM(COUNT(*)) FROM TAP_SCHEMA.tables",
    "column outside its group": "SELECT ra, COUNT(*) FROM astrid.objects GROUP BY dec",
    "several for one": "SELECT (SELECT table_name FROM TAP_SCHEMA.tables) FROM astrid.objects",
    "other frame": CONTAINED + "(POINT('GALACTIC',ra,dec),CIRCLE(0,0,1))",
    "beyond the pole": CONTAINED + "(POINT(ra,dec),CIRCLE(0,91,1))",
    "beyond the circle": CONTAINED + "(POINT(ra,dec),CIRCLE(400,0,1))",
    "radius below nothing": CONTAINED + "(POINT(ra,dec),CIRCLE(0,0,-1))",
    "not a number": "SELECT 1 FROM astrid.objects WHERE ra < NaN",
    "huge number": "SELECT 1e999 FROM astrid.objects",
    "huge whole number": "SELECT 99999999999999999999999 FROM astrid.objects",
    "product beyond all": "SELECT POWER(1e300, 2) FROM TAP_SCHEMA.tables",
    "deep": "SELECT " + "-(" * 3000 + "1" + ")" * 3000 + " FROM astrid.objects",
    "long sum": "SELECT " + "+".join(["ra"] * 5000) + " FROM astrid.objects",
    "many tables": "SELECT 1 FROM " + ", ".join(["astrid.objects"] * 100),
    "no query": "",
    "words": "please give me everything",
    "backslash": "SELECT 'x\\' FROM astrid.objects WHERE 'a' = ' OR 1=1 --'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_query_that_must_not_be_answered_is_refused_with_the_reason(client, name):
    client.force_login(make_viewer())
    make_sky(number=1)
    answer = client.post("/vo/tap/sync", {"QUERY": REFUSED[name], "LANG": "ADQL"})
    if name in ("two selects", "backslash"):  # "x\\" is a text like any other
        assert answer.status_code in (200, 400)
    else:
        assert answer.status_code == 400, answer.content[:300]
        (info,) = parse(io.BytesIO(answer.content), verify="exception").resources[0].infos
        assert (info.name, info.value) == ("QUERY_STATUS", "ERROR")
        assert len(info.content) > 15
    assert SkyObject.objects.count() == 7


def test_ten_megabytes_are_refused(client):
    for columns, status, reason in (
        (3_400_000, 413, b"longer than the 2621440 bytes"),
        (400_000, 400, b"at most 100000 are read"),
    ):
        query = "SELECT " + "ra," * columns + "ra FROM astrid.objects"
        answer = client.post("/vo/tap/sync", {"QUERY": query, "LANG": "ADQL"})
        assert answer.status_code == status
        assert reason in answer.content


@pytest.mark.parametrize(
    ("kind", "status"), [("application/json", 415), ("text/xml", 415), ("nonsense", 415)]
)
def test_wrong_content_types_are_refused(client, kind, status):
    for address in ("/vo/tap/sync", "/vo/scs", "/vo/sia2", "/vo/tap/async", "/vo/datalink/links"):
        answer = client.post(address, b"{}", content_type=kind)
        assert answer.status_code == status
        assert b"QUERY_STATUS" in answer.content


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"LANG": "SQL"}, b"queries are in ADQL"),
        ({"REQUEST": "doThis"}, b"it must be doQuery"),
        ({"MAXREC": "many"}, b"MAXREC is"),
        ({"UPLOAD": "x,http://127.0.0.1/"}, b"send the table along"),
        ({"UPLOAD": "x,param:y"}, b"no such file came along"),
        ({"UPLOAD": "1x"}, b"it must be NAME,param:FILE"),
    ],
)
def test_wrong_parameters_of_tap_are_refused(client, query, reason):
    answer = client.post("/vo/tap/sync", {"QUERY": "SELECT 1", "LANG": "ADQL", **query})
    assert answer.status_code == 400
    assert reason in answer.content


@pytest.mark.parametrize("content", [b"", b"<VOTABLE/>", b"\x00\x01", b"<!DOCTYPE x>" * 100])
def test_an_upload_that_is_no_table_is_refused(client, content):
    file = io.BytesIO(content)
    file.name = "mine"
    query = {"QUERY": "SELECT * FROM TAP_UPLOAD.m", "LANG": "ADQL", "UPLOAD": "m,param:mine"}
    answer = client.post("/vo/tap/sync", {**query, "mine": file})
    assert answer.status_code == 400
    assert b"table m" in answer.content or b"came along" in answer.content


def test_the_transaction_of_a_query_cannot_write():
    with pytest.raises(BadQuery, match="read-only"), reading(5.0), connection.cursor() as cursor:
        cursor.execute("DELETE FROM detection_skyobject")
    assert get_user_model().objects.count() == 0  # the transaction of the test goes on


SENTENCE = (
    "SELECT FROM WHERE AND OR NOT ( ) ( ) , , . * + - / || = < > <> IN BETWEEN LIKE IS NULL EXISTS"
    " GROUP BY HAVING ORDER UNION ALL EXCEPT JOIN ON USING AS TOP DISTINCT CASE WHEN THEN ELSE END"
    " CAST COUNT SUM POINT CIRCLE POLYGON CONTAINS INTERSECTS DISTANCE AREA CENTROID WITH OFFSET"
    " astrid.objects astrid.observations TAP_SCHEMA.columns ra dec s_region designation"
    " 1 0 -5 2.5 1e9 'x' 'ICRS'"
)
WORDS = SENTENCE.split()
HEADS = ["SELECT * FROM astrid.objects WHERE ", "SELECT ", "SELECT * FROM ", ""]


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    head=st.sampled_from(HEADS),
    words=st.lists(st.sampled_from(WORDS), max_size=25),
    noise=st.just("") | st.text(max_size=6),
)
def test_no_heap_of_words_is_a_fault_of_the_server(client, head, words, noise):
    query = head + " ".join(words) + noise
    answer = client.post("/vo/tap/sync", {"QUERY": query, "LANG": "ADQL", "MAXREC": "5"})
    assert answer.status_code in (200, 400, 401)


ADDRESSES = ["scs", "scs/entries", "sia2", "datalink/links", "tap/sync", "tap/tables/x"]
PARAMETERS = "RA DEC SR VERB POS BAND TIME POL FOV ID CALIB MAXREC QUERY UPLOAD FORMAT"
NAMES = PARAMETERS.split()
VALUES = ["NaN", "-Inf +Inf", "1e308", "0", "CIRCLE 1 2 3", "RANGE -inf inf -inf inf", "0 0", "٣"]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    address=st.sampled_from(ADDRESSES),
    given_=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [
                    "NaN",
                    "-Inf +Inf",
                    "1e308",
                    "0",
                    "CIRCLE 1 2 3",
                    "RANGE -inf inf -inf inf",
                    "0 0",
                    "٣",
                ]
            ),
        ),
        max_size=6,
    ),
)
def test_no_parameters_are_a_fault_of_the_server(client, address, given_):
    assert client.get(f"/vo/{address}", given_).status_code < 500
