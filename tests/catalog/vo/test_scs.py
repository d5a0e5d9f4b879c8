"""Cone search, as pyvo asks it."""

import io
import warnings

import numpy as np
import pytest
import pyvo
from astropy.io.votable import parse
from astropy.io.votable.exceptions import W06

from astrid.core.sky import separation_deg
from tests.catalog.vo.skies import CENTRES, make_sky, make_viewer
from tests.catalog.vo.wire import ROOT, session_of

pytestmark = pytest.mark.django_db
SERVICE = f"{ROOT}/vo/scs"


def test_pyvo_finds_what_brute_force_finds_nearest_first():
    things = make_sky()
    ra, dec = np.array([(each.ra, each.dec) for each in things]).T
    search = pyvo.dal.SCSService(SERVICE, session=session_of(make_viewer()))
    for radius in (1e-3, 3.0, 180.0):
        for centre in CENTRES:
            found = search.search(pos=centre, radius=radius)
            within = np.flatnonzero(separation_deg(*centre, ra, dec) <= radius)
            assert {row.id for row in found} == {str(things[k].pk) for k in within}
            distances = separation_deg(*centre, found["ra"], found["dec"])
            assert np.all(np.diff(distances) > -1e-9)  # rounding of two ways to the same angle


def test_everybody_sees_published_objects_and_no_other(client):
    things = make_sky(number=5)
    found = pyvo.dal.SCSService(SERVICE, session=session_of()).search(pos=(0, 0), radius=180)
    assert set(found["designation"]) == {each.designation for each in things[1::2]}
    refused = client.get("/vo/scs/detections?RA=1&DEC=1&SR=1")
    assert refused.status_code == 401
    assert "Basic" in refused.headers["WWW-Authenticate"]


def test_an_answer_is_a_valid_votable_with_units_and_ucds(client):
    make_sky(number=2)
    content = client.get("/vo/scs/entries?RA=0&DEC=0&SR=180").content
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", W06)  # the protocol demands UCDs of before UCD1+
        table = parse(io.BytesIO(content), verify="warn").get_first_table()
    ra = table.get_field_by_id_or_name("ra")
    assert (str(ra.unit), ra.ucd, ra.ref) == ("deg", "POS_EQ_RA_MAIN", "icrs")
    assert all(field.ucd and field.description for field in table.fields)


def test_verbosity_and_zero_radius_are_those_of_the_protocol():
    make_sky(number=2)
    search = pyvo.dal.SCSService(SERVICE, session=session_of())
    few = search.search(pos=(0, 0), radius=180, verbosity=1)
    assert few.fieldnames == ("object_id", "designation", "ra", "dec", "hpx")
    none = search.search(pos=(0, 0), radius=0)
    assert len(none) == 0
    assert "designation" in none.fieldnames


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("RA=400&DEC=0&SR=1", "RA is 400; it must lie in 0 to 360"),
        ("RA=0&DEC=0&SR=-1", "SR is -1; it must lie in 0 to 180"),
        ("RA=nan&DEC=0&SR=1", "RA is 'nan'; it must be a finite number"),
        ("RA=0&DEC=0", "SR is missing"),
        ("RA=0&RA=1&DEC=0&SR=1", "RA is given 2 times"),
        ("RA=0&DEC=0&SR=1&VERB=9", "VERB is 9"),
        ("RA=0&DEC=0&SR=1&MAXREC=-1", "MAXREC is '-1'"),
        ("RA=0&DEC=0&SR=1&RESPONSEFORMAT=word", "format 'word' is not served"),
        ("RA=0%00&DEC=0&SR=1", "characters that no text has"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(client, query, reason):
    answer = client.get(f"/vo/scs?{query}")
    assert 400 <= answer.status_code < 500
    document = parse(io.BytesIO(answer.content), verify="exception")
    infos = {info.name: info for info in document.resources[0].infos}
    assert infos["QUERY_STATUS"].value == "ERROR"
    assert reason in infos["Error"].value


def test_a_cone_takes_seven_statements_however_many_rows(client, django_assert_num_queries):
    make_sky()
    # the setting; then the savepoint (3 statements), read only, limits, and the rows
    with django_assert_num_queries(7):
        assert client.get("/vo/scs?RA=0&DEC=0&SR=180").status_code == 200
