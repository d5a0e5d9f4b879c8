"""Circles on the sky by every way to search them, one after another in one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from astrid.core.healpix import cone_ranges
from astrid.core.sky import haversine, haversine_of
from benchmarks.catalog.filling import TABLE, random_places
from benchmarks.spending import Server, spending
from detection.models import SkyObject

Place = tuple[float, float]
Search = Callable[[float, float, float], list[Any]]

RADII = {'1"': 1 / 3600, '5"': 5 / 3600, "1'": 1 / 60, "1 deg": 1.0}
WARMING = 5  # searches that count for nothing
RAW, ORM, RADIAL, JOIN = "AstrID, raw", "AstrID, ORM", "q3c_radial_query", "q3c_join, prepared"


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
    ways: dict[str, Search] = {RAW: raw, ORM: orm}
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
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for ra, dec in places:
        answers = {}
        for name, search in ways.items():
            before = server.seconds()
            with spending(server) as cost:
                found = search(ra, dec, radius)
            served = server.seconds() - before
            spent[name].append((cost.seconds, cost.seconds - served))
            answers[name] = {str(one) for one in found}
        _check(answers, (ra, dec), radius)
    return {name: _cone(costs[WARMING:]) for name, costs in spent.items()}


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


def raw(ra: float, dec: float, radius: float) -> list[Any]:
    """Search by the ranges of cells, through a bare cursor."""
    return _bare(statement(ra, dec, radius))


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
    cursor = connection.connection.cursor()
    query = (
        f"SELECT id FROM {TABLE} t WHERE "  # noqa: S608 - our table
        "q3c_join(%s::float8, %s::float8, t.ra, t.dec, %s::float8)"
    )
    return [key for (key,) in cursor.execute(query, (ra, dec, radius), prepare=True).fetchall()]


def _bare(query: str) -> list[Any]:
    return [key for (key,) in connection.connection.cursor().execute(query).fetchall()]
