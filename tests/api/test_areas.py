"""Areas of the sky: what lies in a polygon, and which frames show it; truth by hand and numpy."""

import numpy as np
import pytest

from detection.models import SkyObject
from tests.factories import FIRST_NIGHT, make_observation

pytestmark = pytest.mark.django_db

OBJECTS = "/api/v1/sky-objects/"
OBSERVATIONS = "/api/v1/observations/"


def vectors(ra, dec):
    lon, lat = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def in_convex(corners, ra, dec):
    """Whether places lie on one side of every edge of a convex area."""
    outline = vectors(*np.transpose(corners))
    sides = vectors(ra, dec) @ np.cross(outline, np.roll(outline, -1, axis=0)).T
    ahead = vectors(ra, dec) @ outline.mean(axis=0) > 0
    return ((sides > 0).all(axis=1) | (sides < 0).all(axis=1)) & ahead


@pytest.mark.parametrize(
    "corners",
    [
        [(10, 10), (20, 12), (15, 25)],
        [(350, -10), (10, -12), (12, 8), (352, 10)],
        [(0, 70), (90, 72), (180, 68), (270, 75)],
        [(300, -40), (340, -70), (280, -80), (240, -50)],
    ],
    ids=["plain", "across RA 0", "round the pole", "far south"],
)
def test_rows_in_a_polygon_are_those_on_the_inner_side_of_every_edge(admin_client, corners):
    rng = np.random.default_rng(7)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    rows = SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"AstrID J{n:06d}", ra=ra[n], dec=dec[n], first_seen=FIRST_NIGHT,
            last_seen=FIRST_NIGHT, number_of_detections=1,
        )
        for n in range(3000)
    )  # fmt: skip
    wanted = {str(rows[n].pk) for n in np.flatnonzero(in_convex(corners, ra, dec))}
    assert wanted
    query = {
        "polygon": ",".join(str(angle) for corner in corners for angle in corner),
        "page_size": 1000,
    }
    found = admin_client.get(OBJECTS, query).json()["results"]
    assert {row["id"] for row in found} == wanted


def frame(ra, dec, half=0.5):
    """An exposure whose corners lie half a degree to each side."""
    wide = half / np.cos(np.radians(dec))
    corners = [
        [(ra + x * wide) % 360, dec + y * half] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return make_observation(ra=ra, dec=dec, footprint=corners, radius_deg=half * 1.5)


def names(client, **query):
    return {row["id"] for row in client.get(OBSERVATIONS, query).json()["results"]}


def test_frames_that_show_a_position_are_known_by_their_corners(admin_client):
    here, there = frame(0.2, 30), frame(1.5, 30)
    whole = make_observation(ra=0.2, dec=30, radius_deg=0.4)  # a circle is all that is known
    assert names(admin_client, covers="359.8,30.1") == {str(here.pk), str(whole.pk)}
    assert names(admin_client, covers="1.4,30.4") == {str(there.pk)}
    # inside the circle round its corners, outside of them
    assert names(admin_client, covers="0.2,30.6") == set()


def test_frames_that_meet_a_polygon_are_found(admin_client):
    here, there = frame(0.2, 30), frame(3.5, 30)
    assert names(admin_client, polygon="0.5,29.9,5,29.9,5,30.1") == {str(here.pk), str(there.pk)}
    assert names(admin_client, polygon="1,29.9,2,29.9,2,30.1") == set()
    assert names(admin_client, polygon="0.19,30,0.21,30,0.2,30.01") == {str(here.pk)}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"polygon": "1,2,3,4"}, "POLYGON has 2 corners; 3 to 200 are served"),
        ({"polygon": "1,2,3,4,5"}, "polygon has 5 numbers; each corner takes two"),
        ({"polygon": "1,2,3,4,400,6"}, "ra is 400.0"),
        ({"polygon": "0,0,120,0,240,0"}, "POLYGON is too wide"),
        ({"polygon": "a,b"}, "polygon is 'a'; it must be a number"),
        ({"covers": "1"}, "covers has 1 numbers; it takes ra,dec"),
        ({"covers": "nan,0"}, "ra is nan"),
    ],
)
def test_an_area_that_cannot_be_is_refused_with_the_reason(admin_client, query, words):
    answer = admin_client.get(OBSERVATIONS, query)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
