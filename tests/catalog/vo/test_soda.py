"""Parts of images, as pyvo asks for them."""

import io

import numpy as np
import pytest
import pyvo
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS
from pyvo.dal.adhoc import DatalinkResults, SodaQuery

from astrid.core.sky import separation_deg
from catalog.vo.soda.cutting import covered
from catalog.vo.soda.regions import Circle, Polygon, Range, read
from tests.catalog.vo.images import make_found
from tests.catalog.vo.skies import CENTRES, around, make_viewer
from tests.catalog.vo.wire import ROOT, session_of

SODA = "ivo://ivoa.net/std/SODA#sync-1.0"
SIDE = 200
PIXEL_DEG = 1e-3


def coordinates(ra, dec, angle):
    """Give the coordinates of an image that is turned by an angle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [ra, dec]
    wcs.wcs.crpix, wcs.wcs.cdelt = [SIDE / 2 + 0.5] * 2, [-PIXEL_DEG, PIXEL_DEG]
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return wcs


def lit(wcs, region):
    """Give the pixels whose middle lies in a region, by asking every one."""
    y, x = np.mgrid[:SIDE, :SIDE]
    ra, dec = wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    return region.holds(ra % 360, dec).reshape(SIDE, SIDE)


def regions_near(rng, ra, dec):
    yield Circle(*around(rng, ra, dec, rng.uniform(0, 0.15)), float(10 ** rng.uniform(-2.5, 0.3)))
    if abs(dec) < 80 and 1 < ra < 359:
        width, height = rng.uniform(0.01, 0.4, 2)
        yield Range(ra - width, ra + width / 3, dec - height / 2, dec + height)
    turn = np.sort(rng.uniform(0, 2 * np.pi, 5))
    size = 10 ** rng.uniform(-2, 0.5)
    flat = coordinates(*around(rng, ra, dec, 0.05), 0.0)
    x, y = (SIDE / 2 + size / PIXEL_DEG * f(turn) for f in (np.cos, np.sin))
    yield Polygon(tuple(zip(*flat.all_pix2world(x, y, 0), strict=True)))


def test_a_region_is_covered_and_not_much_more_than_it():
    rng = np.random.default_rng(4)
    step, some, none = SIDE / 64, 0, 0
    for ra, dec in CENTRES * 5:
        wcs = coordinates(ra, dec, rng.uniform(0, 2 * np.pi))
        for region in regions_near(rng, ra, dec):
            inside, box = lit(wcs, region), covered(wcs, (SIDE, SIDE), region)
            if box is None:
                none += 1
                assert not inside.any()
                continue
            if not inside.any():  # it touches a pixel, but not its middle
                continue
            some += 1
            for axis, along in enumerate(box):
                full = np.flatnonzero(inside.any(axis=1 - axis))
                assert along.start <= full[0]
                assert full[-1] < along.stop
                # one step of the grid beyond, and the pixels whose middle is just outside
                assert along.start >= full[0] - 2 * step - 1
                assert along.stop <= full[-1] + 2 * step + 2
    assert some > 40
    assert covered(coordinates(10, 0, 0), (SIDE, SIDE), Circle(190, 0, 1)) is None


def test_polygons_hold_what_lies_on_the_inner_side_of_all_edges():
    rng = np.random.default_rng(6)
    corners = [(355.0, -5.0), (6.0, -4.0), (3.0, 7.0), (357.0, 4.0)]
    ra, dec = rng.uniform(0, 360, 4000), np.degrees(np.arcsin(rng.uniform(-1, 1, 4000)))
    ra, dec = np.hstack([ra, (ra / 18 - 10) % 360]), np.hstack([dec, dec / 9])
    lon, lat = np.radians(np.transpose(corners))
    v = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    lon, lat = np.radians(ra), np.radians(dec)
    p = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    inside = np.all(np.cross(v, np.roll(v, -1, axis=0)) @ p > 0, axis=0)
    assert 100 < inside.sum() < 4000
    assert (Polygon(tuple(corners)).holds(ra, dec) == inside).all()


@pytest.fixture
def session():
    return session_of(make_viewer())


def opened(stream):
    return fits.open(io.BytesIO(stream if isinstance(stream, bytes) else stream.read()))


@pytest.mark.django_db
def test_a_part_of_a_difference_is_cut_by_what_an_image_search_says(session):
    found, wcs = make_found()
    images = pyvo.dal.SIA2Service(f"{ROOT}/vo/sia2", session=session)
    rows = images.search()
    (row,) = (each for each in rows if each["dataproduct_subtype"] == "difference")
    service = rows.get_adhocservice_by_ivoid(SODA)
    radius = 5.2e-4
    for asked in (
        {"circle": (found.ra, found.dec, radius) * u.deg},
        {"polygon": [found.ra - 4e-4, found.dec - 4e-4, found.ra + 4e-4, found.dec - 4e-4,
                     found.ra, found.dec + 5e-4] * u.deg},
        {"range": [found.ra - 4e-4, found.ra + 4e-4, found.dec - 4e-4, found.dec + 4e-4] * u.deg},
    ):  # fmt: skip
        # as row.processed() does, which leaves the session out
        query = SodaQuery.from_resource([row], service, session=session, **asked)
        with opened(query.execute_stream()) as units:
            part = units["DIFF"]
            assert 7 <= part.data.shape[0] <= 12
            y, x = np.mgrid[: part.data.shape[0], : part.data.shape[1]]
            places = WCS(part.header).all_pix2world(x, y, 0)
            # the pixels of the whole count themselves: each is where it says
            px, py = wcs.all_world2pix(*places, 0)
            assert part.data == pytest.approx(py * 100 + px, abs=1e-3)
            apart = separation_deg(found.ra, found.dec, *places)
            assert apart.min() < 1e-4
            assert apart.max() < 2 * radius


@pytest.mark.django_db
def test_links_offer_to_cut_the_image(session):
    found, _ = make_found()
    key = found.model_run.difference_run_id
    links = DatalinkResults.from_result_url(
        f"{ROOT}/vo/datalink/links?ID=ivo://astrid.local/difference%3F{key}", session=session
    )
    (row,) = (each for each in links if each["service_def"] == "soda")
    assert row["semantics"] == "#cutout"
    service = links.get_adhocservice_by_ivoid(SODA)
    query = SodaQuery.from_resource([row], service, session=session,
                                    circle=(found.ra, found.dec, 3e-4) * u.deg)  # fmt: skip
    with opened(query.execute_stream()) as units:
        assert units["DIFF"].shape == (7, 7)


@pytest.mark.django_db
def test_what_cannot_be_cut_is_said_in_words_of_the_standard(client):
    found, _ = make_found()
    key = found.model_run.difference_run_id
    name = f"ivo://astrid.local/difference?{key}"
    circle = f"{found.ra} {found.dec} 0.001"
    client.force_login(make_viewer())
    cases = [
        ({"CIRCLE": circle}, 400, "UsageFault: ID is missing"),
        ({"ID": "x", "CIRCLE": circle}, 404, "UsageFault: 'x' is no identifier"),
        ({"ID": name, "CIRCLE": "1 2"}, 400, "UsageFault: CIRCLE is '1 2'"),
        ({"ID": name, "CIRCLE": "1 99 1"}, 400, "UsageFault: 1 99 is no place"),
        ({"ID": name, "CIRCLE": "1 nan 1"}, 400, "must be a finite number"),
        ({"ID": name, "POS": "SQUARE 1 2 3"}, 400, "UsageFault: SQUARE is '1 2 3'"),
        ({"ID": name, "POLYGON": "0 0 90 0 180 0 270 0"}, 400, "POLYGON is too wide"),
        ({"ID": name, "CIRCLE": circle, "POS": "RANGE 1 2 3 4"}, 400, "MultiValuedParam"),
        ({"ID": name, "CIRCLE": "10 10 0.1"}, 204, ""),
    ]
    for asked, status, words in cases:
        answer = client.get("/vo/soda/sync", asked)
        assert answer.status_code == status, asked
        assert words in answer.content.decode()
    assert client.get("/vo/soda/sync", {"ID": str(key)}).content[:6] == b"SIMPLE"
    client.logout()
    answer = client.get("/vo/soda/sync", {"ID": name, "CIRCLE": circle})
    assert answer.status_code == 401
    assert answer.content.startswith(b"AuthenticationFault")


def test_regions_are_read_as_they_are_written():
    assert read("CIRCLE", "10 -20 0.5") == Circle(10, -20, 0.5)
    assert read("RANGE", "1 2 3 4") == Range(1, 2, 3, 4)
    assert read("POLYGON", "1 1 2 1 2 2") == Polygon(((1, 1), (2, 1), (2, 2)))
