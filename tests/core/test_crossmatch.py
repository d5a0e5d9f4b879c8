import uuid

import numpy as np
import pytest
from django.utils import timezone

from astrid.core import crossmatch
from astrid.core.sky import separation_deg
from detection.models import SkyObject

ARCSEC = 1 / 3600
# Where sky searches go wrong: poles, right ascension 0, a corner of three HEALPix cells.
CENTRES = [
    (0.0, 0.0),
    (359.9999, 12.0),
    (123.0, 90.0),
    (45.0, -90.0),
    (45.0, 41.81),
    (180.0, -35.0),
]


@pytest.fixture
def catalog(db):
    """Objects within some arcseconds of the centres, and all over the sky."""
    rng = np.random.default_rng(7)
    places = [
        (
            (ra + rng.normal(0, 10 * ARCSEC) / max(np.cos(np.radians(dec)), 1e-3)) % 360,
            np.clip(dec + rng.normal(0, 10 * ARCSEC), -90, 90),
        )
        for ra, dec in CENTRES
        for _ in range(40)
    ]
    places += list(zip(rng.uniform(0, 360, 300), rng.uniform(-90, 90, 300), strict=True))
    return SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"thing {number}",
            ra=ra,
            dec=dec,
            first_seen=timezone.now(),
            last_seen=timezone.now(),
        )
        for number, (ra, dec) in enumerate(places)
    )


def asked(catalog):
    """Give positions near objects, far from all, and on one."""
    rng = np.random.default_rng(8)
    near = [
        (
            (one.ra + rng.normal(0, 3 * ARCSEC)) % 360,
            np.clip(one.dec + rng.normal(0, 3 * ARCSEC), -90, 90),
        )
        for one in catalog[::3]
    ]
    return np.array([*near, (200.0, 77.0), (catalog[5].ra, catalog[5].dec)]).T


@pytest.mark.parametrize("radius", [0.0, 2 * ARCSEC, 10 * ARCSEC, 0.5])
def test_the_nearest_row_is_that_of_brute_force(catalog, radius):
    ra, dec = asked(catalog)
    found = crossmatch.nearest(SkyObject, ra, dec, radius)
    for number, (key, apart) in enumerate(zip(found.keys, found.separation_deg, strict=True)):
        distances = separation_deg(
            ra[number], dec[number], [one.ra for one in catalog], [one.dec for one in catalog]
        )
        best = int(np.argmin(distances))
        if distances[best] > radius + 1e-11:
            assert (key, apart) == (None, np.inf)
        else:
            assert key == catalog[best].pk
            assert apart == pytest.approx(distances[best], abs=1e-11)


def test_all_pairs_are_those_of_brute_force(catalog):
    ra, dec = asked(catalog)
    index, keys, apart = crossmatch.pairs(SkyObject, ra, dec, 5 * ARCSEC)
    found = {
        (int(number), crossmatch.key_of(SkyObject, key))
        for number, key in zip(index, keys, strict=True)
    }
    expected = {
        (number, one.pk)
        for number in range(len(ra))
        for one in catalog
        if separation_deg(ra[number], dec[number], one.ra, one.dec) <= 5 * ARCSEC
    }
    assert found == expected
    assert len(apart) == len(expected) > 100


def test_positions_all_over_the_sky_read_hardly_more_than_their_surroundings(catalog, monkeypatch):
    monkeypatch.setattr(crossmatch, "RANGES_PER_QUERY", 7)  # several queries, one answer
    monkeypatch.setattr(crossmatch, "ROWS_PER_RANGE", 0)
    ra, dec = asked(catalog)
    rows = crossmatch.positions_near(SkyObject, ra, dec, 1 * ARCSEC)
    near = separation_deg(ra[:, None], dec[:, None], rows.ra, rows.dec).min(axis=0)
    assert near.max() < 20 * ARCSEC
    assert crossmatch.key_of(SkyObject, rows.keys[0]) in {one.pk for one in catalog}


def test_an_empty_table_and_no_positions_match_nothing(db):
    assert crossmatch.nearest(SkyObject, [10.0], [20.0], 1 * ARCSEC).keys == [None]
    assert crossmatch.nearest(SkyObject, [], [], 1 * ARCSEC).keys == []
    assert crossmatch.pairs(SkyObject, [], [], 1 * ARCSEC)[0].size == 0


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "words"),
    [
        ([10, 400], [0, 0], 0.1, "ra is 400.0"),
        ([10], [np.nan], 0.1, "dec is nan"),
        ([10], [0], 2, "radius is 2; it must lie in 0 to 1 degree"),
    ],
)
def test_what_is_not_on_the_sky_is_refused(db, ra, dec, radius, words):
    with pytest.raises(ValueError, match=words):
        crossmatch.nearest(SkyObject, ra, dec, radius)


def test_keys_are_read_as_they_are_stored(catalog):
    found = crossmatch.nearest(SkyObject, [catalog[0].ra], [catalog[0].dec], 1 * ARCSEC)
    assert isinstance(found.keys[0], uuid.UUID)
    assert SkyObject.objects.get(pk=found.keys[0]) == catalog[0]
