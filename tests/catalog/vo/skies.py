"""A small sky for the Virtual Observatory: objects where searches go wrong, some published."""

import numpy as np
from django.contrib.auth.models import Group

from catalog.models import CatalogEntry, PublicationState
from detection.models import SkyObject
from tests.factories import FIRST_NIGHT, make_user

CENTRES = [(0.0, 0.0), (359.999, 12.0), (123.0, 90.0), (45.0, -90.0), (45.0, 41.81), (180.0, -35.0)]
PHRASE = "a long enough pass phrase"


def around(rng, ra, dec, distance):
    """Go so many degrees from a position in a random direction (spherical trigonometry)."""
    phi, d, t = np.radians(dec), np.radians(distance), rng.uniform(0, 2 * np.pi)
    sin_phi = np.sin(phi) * np.cos(d) + np.cos(phi) * np.sin(d) * np.cos(t)
    turn = np.arctan2(np.sin(t) * np.sin(d) * np.cos(phi), np.cos(d) - np.sin(phi) * sin_phi)
    return (ra + np.degrees(turn)) % 360, np.degrees(np.arcsin(np.clip(sin_phi, -1, 1)))


def make_sky(number=40, seed=3):
    """Make so many objects round each centre and as many all over; every second is published."""
    rng = np.random.default_rng(seed)
    places = [
        around(rng, ra, dec, 10 ** rng.uniform(-4, 1)) for ra, dec in CENTRES for _ in range(number)
    ]
    uniform = np.degrees(np.arcsin(rng.uniform(-1, 1, number)))
    places += list(zip(rng.uniform(0, 360, number), uniform, strict=True))
    things = SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"AstrID J{k:05d}",
            ra=float(ra),
            dec=float(dec),
            first_seen=FIRST_NIGHT,
            last_seen=FIRST_NIGHT,
            number_of_detections=k % 7,
        )
        for k, (ra, dec) in enumerate(places)
    )
    CatalogEntry.objects.bulk_create(
        CatalogEntry(
            sky_object=thing,
            designation=thing.designation,
            object_class="supernova",
            posterior=0.9,
            ra=thing.ra,
            dec=thing.dec,
            publication_state=PublicationState.PUBLISHED if k % 2 else PublicationState.DRAFT,
        )
        for k, thing in enumerate(things)
    )
    return things


def make_viewer(name="vera"):
    """Make somebody who may look at everything."""
    user = make_user(name, password=PHRASE)
    user.groups.add(Group.objects.get(name="viewer"))
    return user
