"""Cones and images, asked of AstrID and of a server of GAVO DaCHS."""

import io

import numpy as np
import pytest
from astropy.io.votable import parse
from astropy.time import Time

from astrid.core.sky import separation_deg
from tests.catalog.vo.peer.answers import plain
from tests.catalog.vo.skies import CENTRES

pytestmark = [
    pytest.mark.django_db,
    # pyvo knows neither the type nor the parameters of SIA 2 capabilities, which the peer names
    pytest.mark.filterwarnings("ignore:Unknown xsi.type:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*Unknown element"),
]


def keys(found, name):
    return sorted(found.to_table()[name].tolist())


def test_cones_find_the_same(both):
    ours, theirs = (each.cones for each in both)
    some = 0
    for centre in CENTRES:
        for radius in (1e-3, 0.3, 5.0, 100.0):
            found = [keys(each.search(pos=centre, radius=radius), "object_id")
                     for each in (ours, theirs)]  # fmt: skip
            assert found[0] == found[1]
            some += len(found[0])
    assert some > 1000


def test_the_edge_of_a_cone_is_the_same(both):
    """A hair more than the distance of the fifth nearest finds it, a hair less does not."""
    ours, theirs = (each.cones for each in both)
    places = np.array(plain(both[0].tables.search("SELECT ra, dec FROM astrid.objects")))
    for centre in CENTRES:
        fifth = np.sort(separation_deg(*centre, *places.T))[4]
        for radius, number in ((fifth * (1 + 1e-7), 5), (fifth * (1 - 1e-7), 4)):
            counts = [len(each.search(pos=centre, radius=radius)) for each in (ours, theirs)]
            assert counts == [number, number]


def test_verbosity_and_empty_cones_are_understood(both):
    for server in both:
        columns = [len(server.cones.search(pos=(0, 0), radius=1, verbosity=k).fieldnames)
                   for k in (1, 2, 3)]  # fmt: skip
        assert columns == sorted(columns)
        assert columns[0] >= 3
        assert len(server.cones.search(pos=(77, -77), radius=1e-6)) == 0
        nothing = server.cones.search(pos=(0, 0), radius=0)
        assert len(nothing) == 0
        assert {"object_id", "ra", "dec"} <= set(nothing.fieldnames)
        told = {nothing.getdesc(name).ucd.upper() for name in ("object_id", "ra", "dec")}
        assert told == {"ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"}


@pytest.mark.parametrize("asked", [{"RA": 0}, {"RA": "x", "DEC": 0, "SR": 1}, {}])
def test_cones_that_make_no_sense_are_refused_with_an_error_in_the_document(both, asked):
    for server in both:
        answer = server.session.get(server.scs, params=asked)
        assert b"VOTABLE" in answer.content
        assert b"rror" in answer.content


IMAGES = [
    *({"pos": (*centre, radius)} for centre in CENTRES for radius in (0.05, 0.4, 1.2)),
    {"pos": (44, 46, 41, 42)},
    {"pos": (170, 190, -36, -34.2)},
    {"pos": (170, 190, 80, 88)},
    {"pos": (44, 41, 46, 41, 46, 43, 44, 43)},
    {"pos": (0, 89, 120, 89, 240, 89)},
    {"band": (5.5e-7, 6.7e-7)},
    {"band": 4.7e-7},
    {"time": (Time(60002.5, format="mjd"), Time(60004.5, format="mjd"))},
    {"time": Time(60002.0001, format="mjd")},
    {"field_of_view": (0.8, 0.9)},
    {"spatial_resolution": (2, 3)},
    {"exptime": (59, 61)},
    {"calib_level": 2},
    {"calib_level": 3},
    {"collection": "wide"},
    {"facility": "Dale"},
    {"data_type": "image"},
    {"pos": (45, 41.81, 1.2), "band": (5.5e-7, 6.7e-7), "exptime": (1, 100)},
]


def test_images_are_found_by_the_same_parameters(both):
    ours, theirs = (each.images() for each in both)
    counts = []
    for asked in IMAGES:
        found = [keys(each.search(**asked), "obs_id") for each in (ours, theirs)]
        assert found[0] == found[1], asked
        counts.append(len(found[0]))
    assert 0 in counts
    assert 48 in counts
    assert sum(0 < each < 48 for each in counts) > 10


def test_images_are_limited_and_described_alike(both):
    found = [each.images().search(maxrec=3) for each in both]
    assert [(len(each), each.status[0]) for each in found] == [(3, "OVERFLOW")] * 2
    ours, theirs = (each.images().search(collection="wide") for each in both)
    for name in set(ours.fieldnames) & set(theirs.fieldnames) - {"s_region"}:
        one, other = ours.getdesc(name), theirs.getdesc(name)
        # capitals of utypes do not count
        described = [(str(each.unit), each.ucd, each.utype.lower()) for each in (one, other)]
        assert described[0] == described[1]
    a, b = (sorted(plain_of(each)) for each in (ours, theirs))
    assert a == b


def plain_of(found):
    return [(row["obs_id"], row["obs_publisher_did"], row["access_url"]) for row in found]


@pytest.mark.parametrize("asked", [{"POS": "CIRCLE 400"}, {"TIME": "x"}, {"POS": "SQUARE 1 2 3"}])
def test_searches_for_images_that_make_no_sense_are_refused_in_a_document(both, asked):
    for server in both:
        address = server.sia + ("/query" if server.name == "astrid" else "/siap2.xml")
        answer = server.session.get(address, params=asked)
        assert answer.status_code in (200, 400)
        tree = parse(io.BytesIO(answer.content), verify="ignore")
        assert {info.value for each in tree.resources for info in each.infos} >= {"ERROR"}
