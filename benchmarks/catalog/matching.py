"""The detections of an image matched with the objects of the archive."""

from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import connection

from astrid.core import crossmatch
from astrid.core.healpix import healpix
from benchmarks.catalog.filling import TABLE, Floats
from benchmarks.spending import Server, spending
from detection.models import SkyObject

POINTS, FIELD_DEG, RADIUS_DEG = 10_000, 1.0, 2 / 3600
TIMES = 5
# The planner takes cells of q3c for dear and reads the whole table again for each position.
FORCED = ("enable_material", "enable_seqscan", "enable_indexonlyscan")


def measure(seed: int, *, has_q3c: bool) -> dict[str, Any]:
    """Match positions of a field by both ways; give microseconds per position.

    Raises
    ------
    ValueError
        If the two ways find different pairs.
    """
    ra, dec = _field(np.random.default_rng(seed))
    ways: dict[str, Callable[[Floats, Floats], int]] = {"AstrID, per image": ours}
    if has_q3c:
        ways["q3c_join"] = theirs
    server = Server.found()
    spent: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, int] = {}
    for _ in range(TIMES):
        for name, match in ways.items():
            with spending(server) as cost:
                found[name] = match(ra, dec)
            spent[name].append(cost.seconds)
    if len(set(found.values())) > 1:
        raise ValueError(f"the ways of matching find different numbers of pairs: {found}")
    costs = {name: 1e6 * float(np.median(each)) / POINTS for name, each in spent.items()}
    return {"us_per_point": costs, "points": POINTS, "pairs": found["AstrID, per image"]}


def _field(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Give positions in a field round some object: near objects as far as there are, and others."""
    first = SkyObject.objects.order_by("id")[:1].get()
    dec0 = float(np.clip(first.dec, -80, 80))
    rows = SkyObject.objects.cone_search(first.ra, dec0, FIELD_DEG / 2)
    near = np.array(list(rows.values_list("ra", "dec")[: POINTS // 2])).reshape(-1, 2).T
    number = POINTS - near.shape[1]
    half = FIELD_DEG / 2
    wide = half / np.cos(np.radians(dec0))
    ra = np.concatenate([near[0], first.ra + rng.uniform(-wide, wide, number)]) % 360
    dec = np.concatenate([near[1], dec0 + rng.uniform(-half, half, number)])
    return ra, np.clip(dec + rng.normal(0, 0.3 / 3600, dec.size), -90, 90)


def ours(ra: Floats, dec: Floats) -> int:
    """Read what lies near once, and match it here; count the pairs."""
    return int(crossmatch.pairs(SkyObject, ra, dec, RADIUS_DEG)[0].size)


def theirs(ra: Floats, dec: Floats) -> int:
    """Join with a table of the positions, in the order of the sky, as q3c does best."""
    order = np.argsort(healpix(ra, dec))
    with connection.cursor() as cursor:
        for setting in FORCED:
            cursor.execute(f"SET {setting} = off")
        cursor.execute("CREATE TEMP TABLE points (ra float8, dec float8)")
        with cursor.copy("COPY points FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["float8", "float8"])
            for place in zip(ra[order].tolist(), dec[order].tolist(), strict=True):
                copy.write_row(place)
        cursor.execute("ANALYZE points")
        cursor.execute(
            f"SELECT p.ra, t.id FROM points p JOIN {TABLE} t "  # noqa: S608 - our table
            "ON q3c_join(p.ra, p.dec, t.ra, t.dec, %s)",
            [RADIUS_DEG],
        )
        number = len(cursor.fetchall())
        cursor.execute("DROP TABLE points")
        for setting in FORCED:
            cursor.execute(f"RESET {setting}")
    return number
