"""Images and links, as pyvo asks for them."""

import io

import numpy as np
import pytest
import pyvo
from astropy.io import fits
from astropy.io.votable import parse
from astropy.time import Time
from astropy.wcs import WCS
from pyvo.dal.adhoc import DatalinkResults

from astrid.core.sky import separation_deg
from detection.cutouts import PLANES
from tests.catalog.vo.images import HALF_DEG, make_found, make_frames, outline
from tests.catalog.vo.skies import CENTRES, around, make_viewer
from tests.catalog.vo.wire import ROOT, session_of

pytestmark = pytest.mark.django_db
SERVICE = f"{ROOT}/vo/sia2"
GRID = 60


@pytest.fixture
def session():
    return session_of(make_viewer())


@pytest.fixture
def images(session):
    return pyvo.dal.SIA2Service(SERVICE, session=session)


@pytest.fixture
def frames():
    """Give exposures near the places where outlines go wrong, and the turn of each."""
    rng = np.random.default_rng(8)
    places = [around(rng, *c, rng.uniform(0, 1.5)) for c in CENTRES for _ in range(8)]
    angles = rng.uniform(0, np.pi, len(places))
    return make_frames(places, angles), angles


def ids(found):
    return set(found["obs_id"].tolist())


def test_circles_find_the_frames_that_they_touch(images, frames):
    rows, angles = frames
    # the nearest of a grid of places is at most half its diagonal from the nearest of all
    slack = HALF_DEG / GRID * 2**0.5
    some = 0
    for centre in CENTRES:
        for radius in (0.05, 0.4, 1.2):
            found = ids(images.search(pos=(*centre, radius)))
            for row, angle in zip(rows, angles, strict=True):
                grid = outline(row.ra, row.dec, angle, steps=GRID)
                nearest = separation_deg(*centre, *grid.T).min()
                if abs(nearest - radius) > slack:
                    assert (row.observation_id in found) == (nearest < radius)
                    some += nearest < radius
    assert some > 30


def test_ranges_and_polygons_find_the_frames_that_they_touch(images, frames):
    rows, angles = frames
    ranges = [(0, 1, -0.5, 0.5), (358, 360, 11, 13), (0, 360, 89.5, 90), (170, 190, -36, -34.2)]
    for left, right, low, high in ranges:
        found = ids(images.search(pos=(left, right, low, high)))
        corners = (left, low, right, low, right, high, left, high)
        narrow = right - left < 3
        by_polygon = ids(images.search(pos=corners)) if narrow else found
        for row, angle in zip(rows, angles, strict=True):
            ra, dec = outline(row.ra, row.dec, angle, steps=GRID).T
            # with a margin: what nearly touches may do so or not, between the places of the grid
            margin = 2 * HALF_DEG / GRID
            across = margin / np.cos(np.radians(np.minimum(np.abs(dec), 89.9)))
            surely = ((ra > left) & (ra < right) & (dec > low) & (dec < high)).any()
            perhaps = (
                (ra > left - across) & (ra < right + across)
                & (dec > low - margin) & (dec < high + margin)
            ).any()  # fmt: skip
            if surely or not perhaps:
                assert (row.observation_id in found) == surely
                assert (row.observation_id in by_polygon) == surely


def test_every_other_parameter_narrows_the_answer(images, frames):
    rows, _ = frames
    everything = images.search()
    assert len(everything) == len(rows)
    assert len(images.search(band=(5.5e-7, 6.7e-7))) == len(rows[1::3])
    days = (Time(60002.5, format="mjd"), Time(60004.5, format="mjd"))
    assert ids(images.search(time=days)) == {"exposure 3", "exposure 4"}
    assert ids(images.search(time=Time(60002.0001, format="mjd"))) == {"exposure 2"}
    one = everything[5]
    assert len(images.search(id=one["obs_publisher_did"])) == 1
    counts = {
        "field_of_view": [((0.8, 0.9), len(rows)), ((2, 3), 0)],
        "spatial_resolution": [((1, 2), len(rows)), ((2, 3), 0)],
        "exptime": [((59, 61), len(rows)), ((61, 70), 0)],
        "collection": [("wide", len(rows)), ("deep", 0)],
        "facility": [("Hill", len(rows)), ("Dale", 0)],
        "instrument": [("", len(rows)), ("Eye", 0)],
        "data_type": [("image", len(rows)), ("cube", 0)],
        "calib_level": [(2, len(rows)), (3, 0)],
        "pol": [("I", 0)],
        "target_name": [("M 31", 0)],
        "res_format": [("application/fits", len(rows))],
    }
    for name, cases in counts.items():
        for given, number in cases:
            if given != "":
                assert len(images.search(**{name: given})) == number, (name, given)
    few = images.search(maxrec=3)
    assert (len(few), few.status[0]) == (3, "OVERFLOW")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("POS=CIRCLE 400 0 1", "right ascension is 400"),
        ("POS=CIRCLE 0 0 -1", "radius is -1"),
        ("POS=CIRCLE 0 nan 1", "POS is 'nan'; it must be a finite number"),
        ("POS=RANGE 5 1 0 1", "it must rise"),
        ("POS=SQUARE 1 2 3", "POS is 'SQUARE 1 2 3'"),
        ("POS=POLYGON 0 0 90 0 180 0 270 0", "POLYGON is too wide"),
        ("BAND=red", "BAND is 'red'"),
        ("TIME=2 1", "it must rise"),
        ("CALIB=9", "CALIB is '9'"),
        ("POL=Z", "POL is 'Z'"),
        ("&".join(["ID=x"] * 101), "ID is given 101 times"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(client, query, reason):
    client.force_login(make_viewer())
    answer = client.get(f"/vo/sia2/query?{query}")
    assert answer.status_code == 400
    (info,) = parse(io.BytesIO(answer.content), verify="exception").resources[0].infos
    assert info.value == "ERROR"
    assert reason in info.content


def test_images_are_for_people_who_may_see_them(client):
    assert client.get("/vo/sia2/query").status_code == 401
    found, _ = make_found()
    assert client.get(f"/vo/files/cutout/{found.pk}").status_code == 401


def test_difference_frame_and_cutout_of_a_detection_are_found_and_fetched(images, session):
    found, wcs = make_found()
    rows = {row["dataproduct_subtype"]: row for row in images.search(pos=(150, 2, 0.1))}
    assert set(rows) == {"frame", "difference", "cutout"}
    cutout = rows["cutout"]
    assert cutout["target_name"] == found.sky_object.designation
    content = session.get(cutout["access_url"]).content
    with fits.open(io.BytesIO(content)) as units:
        assert [each.name.lower() for each in units[1:]] == list(PLANES)
        # pixel (40, 60) of an image that counts its pixels; half precision has 11 bits
        assert units["DIFFERENCE"].data[5, 5] == pytest.approx(4060, rel=1e-3)
        x, y = WCS(units["DIFFERENCE"].header).world_to_pixel_values(found.ra, found.dec)
    assert (x, y) == pytest.approx((5.2, 4.8), abs=1e-6)
    place = tuple(float(each) for each in wcs.pixel_to_world_values(60.2, 39.8))
    assert (cutout["s_ra"], cutout["s_dec"]) == pytest.approx(place, abs=1e-9)


def test_links_lead_from_images_and_objects_to_their_files(images, session):
    found, _ = make_found()
    (row,) = (r for r in images.search() if r["dataproduct_subtype"] == "difference")
    links = row.getdatalink()
    assert [each["semantics"] for each in links] == [
        "#this", "#progenitor", "#progenitor", "#cutout",
    ]  # fmt: skip
    assert session.get(links[0]["access_url"]).content[:6] == b"SIMPLE"
    cones = pyvo.dal.SCSService(f"{ROOT}/vo/scs", session=session)
    (thing,) = cones.search(pos=(found.ra, found.dec), radius=0.001)
    ways = thing.getdatalink()
    assert [each["semantics"] for each in ways] == ["#cutout", "#preview-image"]
    assert session.get(ways[1]["access_url"]).content == b"\x89PNG"
    address = f"{ROOT}/vo/datalink/links?ID=ivo://astrid.local/cutout%3F{found.pk}"
    again = DatalinkResults.from_result_url(address, session=session)
    assert {each["content_qualifier"] for each in again} == {
        "cutout", "preview", "difference", "frame",
    }  # fmt: skip


def test_an_unknown_or_hidden_id_is_answered_with_a_fault(client):
    found, _ = make_found()
    for name, fault in (
        ("nonsense", "NotFoundFault"),
        (f"ivo://elsewhere/frame?{found.pk}", "NotFoundFault"),
        (f"ivo://astrid.local/frame?{found.pk}", "NotFoundFault"),
        (f"ivo://astrid.local/cutout?{found.pk}", "AuthorizationFault"),
    ):
        content = client.get("/vo/datalink/links", {"ID": name}).content
        (row,) = parse(io.BytesIO(content)).get_first_table().array
        assert row["error_message"].startswith(fault)
