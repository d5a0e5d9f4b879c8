"""Circles on the sky by every way to search them, one after another in one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from astrid.core.conekeys import keys_within
from astrid.core.healpix import cone_ranges
from astrid.core.prepared import fetch_prepared
from astrid.core.sky import haversine, haversine_of
from benchmarks.catalog.filling import TABLE, random_places
from benchmarks.spending import Server, spending
from detection.models import SkyObject

Place = tuple[float, float]
Search = Callable[[float, float, float], list[Any]]

RADII = {'1"': 1 / 3600, '5"': 5 / 3600, "1'": 1 / 60, "1 deg": 1.0}
WARMING = 5  # places that count for nothing
# Each way searches each circle so often in a row, and the least counts. What other ways and other
# work leave in the processor's caches would else make up half of what is measured.
TIMES = 3
KEYS, RAW, ORM = "AstrID, prepared", "AstrID, raw", "AstrID, ORM"
RADIAL, JOIN = "q3c_radial_query", "q3c_join, prepared"
FLOOR = "a number asked for, prepared (the floor)"


@dataclass(frozen=True)
class Cone:
    """What a way of searching costs, milliseconds of both processors."""

    median_ms: float
    mean_ms: float
    client_ms: float  # median


def measure(cones: int, seed: int, *, has_q3c: bool) -> dict[str, dict[str, Cone]]:
    """Search circles of every radius by every way; all must find the same.

    Raises
    ------
    ValueError
        If two ways find different rows.
    """
    ways: dict[str, Search] = {KEYS: keys, RAW: raw, ORM: orm}
    if has_q3c:
        ways |= {RADIAL: q3c_radial, JOIN: q3c_join}
    rng = np.random.default_rng(seed)
    return {name: _of_radius(ways, _places(rng, cones), radius) for name, radius in RADII.items()}


def _places(rng: np.random.Generator, number: int) -> list[Place]:
    """Give positions: half on rows, a quarter anywhere, the rest where searches go wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            # rising keys were written in random places of the sky
            f"SELECT ra, dec FROM {TABLE} ORDER BY id LIMIT %s",  # noqa: S608 - our table
            [10 * number],
        )
        rows = cursor.fetchall()
    some = [rows[one] for one in rng.integers(0, len(rows), number // 2)]
    anywhere = list(zip(*(each.tolist() for each in random_places(rng, number // 4)), strict=True))
    left = number - len(some) - len(anywhere)
    polar = [(float(rng.uniform(0, 360)), 90 - abs(rng.normal(0, 0.1))) for _ in range(left // 2)]
    wrapped = [(rng.normal(0, 0.01) % 360, rng.uniform(-80, 80)) for _ in range(left - left // 2)]
    return [*some, *anywhere, *polar, *wrapped]


def _of_radius(ways: dict[str, Search], places: Sequence[Place], radius: float) -> dict[str, Cone]:
    server = Server.found()
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in (*ways, FLOOR)}
    for turn, (ra, dec) in enumerate(places):
        answers = {}
        for name in _in_turn([*ways, FLOOR], turn):
            search, costs = ways.get(name, floor), []
            for _ in range(TIMES):
                with spending(server) as cost:
                    found = search(ra, dec, radius)
                costs.append((cost.seconds, cost.own_s))
            spent[name].append(min(costs))
            answers[name] = {str(one) for one in found}
        answers.pop(FLOOR)
        _check(answers, (ra, dec), radius)
    return {name: _cone(costs[WARMING:]) for name, costs in spent.items()}


def _in_turn(names: Sequence[str], turn: int) -> list[str]:
    """Let each way be the first, which fetches what the others find in memory, as often."""
    first = turn % len(names)
    return [*names[first:], *names[:first]]


def _check(answers: dict[str, set[str]], place: Place, radius: float) -> None:
    first, *others = answers
    for name in others:
        if answers[name] != answers[first]:
            raise ValueError(
                f"{first} finds {len(answers[first])} rows within {radius} degrees of {place}, "
                f"{name} {len(answers[name])}"
            )


def _cone(costs: Sequence[tuple[float, float]]) -> Cone:
    total, client = 1000 * np.array(costs).T
    return Cone(float(np.median(total)), float(total.mean()), float(np.median(client)))


def keys(ra: float, dec: float, radius: float) -> list[Any]:
    """Search as the product does where it needs no more than keys."""
    return keys_within(SkyObject, ra, dec, radius)


def raw(ra: float, dec: float, radius: float) -> list[Any]:
    """Search as the manager does, through a cursor."""
    with connection.cursor() as cursor:
        cursor.execute(statement(ra, dec, radius))
        return [key for (key,) in cursor.fetchall()]


def statement(ra: float, dec: float, radius: float) -> str:
    """Write the search by ranges of cells as SQL."""
    inside = f"{haversine(ra, dec, 'ra', 'dec')} <= {haversine_of(radius)!r}"
    near = " OR ".join(f"hpx BETWEEN {a} AND {b}" for a, b in cone_ranges(ra, dec, radius))
    return f"SELECT id FROM {TABLE} WHERE ({near}) AND {inside}"  # noqa: S608 - numbers


def orm(ra: float, dec: float, radius: float) -> list[Any]:
    """Search by the manager of the model."""
    return list(
        SkyObject.objects.cone_search(ra, dec, radius).order_by().values_list("pk", flat=True)
    )


def q3c_radial(ra: float, dec: float, radius: float) -> list[Any]:
    """Search as q3c's manual says."""
    return _bare(
        f"SELECT id FROM {TABLE} WHERE q3c_radial_query(ra, dec, {ra!r}, {dec!r}, {radius!r})"  # noqa: S608
    )


def q3c_join(ra: float, dec: float, radius: float) -> list[Any]:
    """Search as q3c does best: a prepared join with one position."""
    query = (
        f"SELECT id FROM {TABLE} t WHERE "  # noqa: S608 - our table
        "q3c_join(%s::float8, %s::float8, t.ra, t.dec, %s::float8)"
    )
    return [key for (key,) in fetch_prepared(query.encode(), (ra, dec, radius))]


def floor(ra: float, dec: float, radius: float) -> list[Any]:
    """Ask the database for no more than to answer."""
    return fetch_prepared(b"SELECT %s::float8", (ra,))


def _bare(query: str) -> list[Any]:
    return [key for (key,) in connection.connection.cursor().execute(query).fetchall()]
