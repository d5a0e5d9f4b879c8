"""The same queries, asked of AstrID and of a server of GAVO DaCHS."""

import io

import numpy as np
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from pyvo.dal import DALQueryError, DALServiceError

from tests.catalog.vo.peer.answers import check_alike, plain
from tests.catalog.vo.peer.queries import ALIKE, REFUSED

pytestmark = pytest.mark.django_db
ALL = "SELECT object_id, ra, dec FROM astrid.objects"


def test_queries_have_the_same_answer(both):
    ours, theirs = (each.tables for each in both)
    for query in ALIKE:
        check_alike(ours.search(query), theirs.search(query), in_order="ORDER BY" in query)


def test_queries_that_cannot_be_answered_are_refused_by_both(both):
    for server in both:
        for query in REFUSED:
            with pytest.raises((DALQueryError, DALServiceError)):
                server.tables.search(query)


def test_queued_queries_have_the_same_answer(both):
    query = f"{ALL} ORDER BY ra, dec"  # at the poles, many have the same ra
    found = [each.tables.run_async(query) for each in both]
    check_alike(*found, in_order=True)


def test_limits_are_told_in_the_same_way(both):
    for most, status in ((7, "OVERFLOW"), (301, "OK")):
        found = [each.tables.search(ALL, maxrec=most) for each in both]
        assert {len(each) for each in found} == {min(most, 300)}
        assert {each.status[0] for each in found} == {status}


def test_tables_that_come_along_are_joined_alike(both):
    places = plain(both[0].tables.search(ALL))[::7]
    mine = Table(rows=[(k, ra, dec) for k, (_, ra, dec) in enumerate(places)],
                 names=("n", "ra", "dec"))  # fmt: skip
    query = (
        "SELECT m.n, o.object_id FROM TAP_UPLOAD.mine AS m JOIN astrid.objects AS o"
        " ON 1 = CONTAINS(POINT(o.ra, o.dec), CIRCLE(m.ra, m.dec, 0.05))"
    )
    found = [each.tables.search(query, uploads={"mine": mine}) for each in both]
    assert len(found[0]) > len(mine)
    check_alike(*found, in_order=False)


def test_columns_of_uploads_come_back_as_they_were(both):
    mine = Table({"s": np.array([1, 2], "i2"), "i": np.array([1, 2], "i4"), "t": ["a", "b"],
                  "l": np.array([1, 2**40]), "f": np.array([0.5, np.nan], "f4"),
                  "d": [0.1, np.nan]})  # fmt: skip
    mine["d"].unit = "deg"
    query = "SELECT s, i, l, f, d, t FROM TAP_UPLOAD.mine"
    found = [each.tables.search(query, uploads={"mine": mine}) for each in both]
    check_alike(*found, in_order=False)
    ours, theirs = (
        [(one.datatype, str(one.unit)) for one in (each.getdesc(name) for name in "sildf")]
        for each in found
    )
    assert ours == theirs


@pytest.mark.parametrize("form", ["votable/td", "votable/b2", "csv", "json"])
def test_files_of_every_format_say_what_those_of_the_peer_do(both, form):
    ours, theirs = (_file(each, form) for each in both)
    assert len(ours) == 300
    for a, b in zip(ours, theirs, strict=True):
        assert a[0] == b[0]
        # both write as many digits as make the number again
        assert [float(each) for each in a[1:]] == [float(each) for each in b[1:]]


def _file(server, form):
    query = {"QUERY": f"{ALL} ORDER BY object_id", "LANG": "ADQL", "REQUEST": "doQuery"}
    answer = server.session.post(f"{server.tap}/sync", data={**query, "RESPONSEFORMAT": form})
    assert answer.status_code == 200
    if form.startswith("votable"):
        return [tuple(row) for row in parse(io.BytesIO(answer.content)).get_first_table().array]
    if form == "json":
        told = answer.json()
        return told["rows"] if "rows" in told else told["data"]
    return [tuple(row) for row in Table.read(answer.text, format="ascii.csv")]


def test_obscore_is_described_as_its_standard_says(both):
    """Units, UCDs, utypes and types of the columns that the peer has, too."""
    query = (
        "SELECT column_name, unit, ucd, utype, datatype FROM TAP_SCHEMA.columns"
        " WHERE table_name = '{}'"
    )
    ours, theirs = (
        {row[0]: row[1:] for row in plain(each.tables.search(query.format(name)))}
        for each, name in zip(both, ("ivoa.ObsCore", "ivoa.obscore"), strict=True)
    )
    # Of these the peer has a title, kinds of targets and previews, which images here have not.
    assert set(theirs) - set(ours) <= {
        "obs_title", "obs_creator_did", "target_class", "em_ucd", "preview", "source_table",
    }  # fmt: skip
    for name in sorted(set(ours) & set(theirs) - {"s_region"}):
        unit, ucd, utype, datatype = ours[name]
        other = theirs[name]
        assert (name, unit or "") == (name, other[0] or "")
        assert (name, utype.lower()) == (name, other[2].lower())  # capitals do not count
        assert (name, ucd) == (name, other[1])
        assert _kind(datatype) == _kind(other[3])


def _kind(datatype):
    words = {"float": "double", "short": "int", "long": "int", "unicodeChar": "char"}
    return words.get(datatype, datatype)


def test_both_describe_themselves_by_the_same_tables(both):
    for query in (
        "SELECT schema_name, description FROM TAP_SCHEMA.schemas WHERE schema_name = 'astrid'",
        "SELECT table_name, table_type FROM TAP_SCHEMA.tables WHERE table_name = 'astrid.objects'",
        "SELECT column_name, unit, ucd, datatype FROM TAP_SCHEMA.columns"
        " WHERE table_name = 'astrid.objects' AND column_name IN ('ra', 'dec')",
        "SELECT key_id, from_table, target_table FROM TAP_SCHEMA.keys",
        "SELECT key_id, from_column, target_column FROM TAP_SCHEMA.key_columns",
    ):
        ours, theirs = (each.tables.search(query) for each in both)
        assert ours.fieldnames == theirs.fieldnames
        assert len(ours) > 0
        if "columns WHERE" in query:
            check_alike(ours, theirs, in_order=False)


def test_capabilities_and_availability_are_understood(both):
    for server in both:
        told = server.session.get(f"{server.tap}/availability").content
        assert b"available>true<" in told
        adql = server.tables.get_tap_capability().get_adql()
        assert adql.get_udf("ivo_nocasematch") is not None
        formats = {alias for each in server.tables.get_tap_capability().outputformats
                   for alias in each.aliases}  # fmt: skip
        assert {"votable", "votable/td", "csv", "tsv", "json"} <= formats
