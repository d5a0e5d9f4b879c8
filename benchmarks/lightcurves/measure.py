"""The same curves through every way to keep them, on one database."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.test import override_settings

from astrid.core.array_stores import STORES
from benchmarks.lightcurves import doors, ours, peers
from benchmarks.lightcurves.ours import Place
from benchmarks.lightcurves.peers import Curve
from benchmarks.spending import Spent, spending
from lightcurves.moving import move

PART = 100


@dataclass(frozen=True)
class Amount:
    """How much is measured: a slow peer gets fewer curves."""

    curves: int
    array_curves: int
    point_curves: int
    points: int
    reads: int
    seed: int


def measure(amount: Amount) -> dict[str, Any]:
    """Write, read, slice and move curves; give what each cost per curve, and bytes per number."""
    curves = ours.make_curves(amount.curves, amount.points, amount.seed)
    storages = settings.STORAGES
    with tempfile.TemporaryDirectory() as folder, peers.tables():
        local = {
            "BACKEND": "astrid.core.files.WholeFiles",
            "OPTIONS": {"location": folder},
        }
        with override_settings(STORAGES=storages | {"products": local}):
            places = {name: ours.make_place(name, amount.points) for name in STORES}
            written = _write(curves, places, amount)
            read = _read(places, amount)
            single = _single(places["database"], amount)
            parts = _parts(places["database"], amount)
            sent = _sent(places["database"], curves[0], amount)
            moved = _moved(places["database"], amount)
    return {**asdict(amount), **written, "read": read, **single, **parts, **sent, **moved}


def per_curve(work: Callable[[], Any], curves: int) -> dict[str, float | None]:
    """Do work; give seconds per curve by the clock and by processors."""
    with spending() as spent:
        work()
    return shares(spent, curves)


def shares(spent: Spent, curves: int) -> dict[str, float | None]:
    """Give seconds per curve."""
    cpu = None if spent.cpu_s is None else spent.cpu_s / curves
    return {"wall_s": spent.wall_s / curves, "cpu_s": cpu}


def _write(curves: list[Curve], places: dict[str, Place], amount: Amount) -> dict[str, Any]:
    few, fewer = curves[: amount.array_curves], curves[: amount.point_curves]
    small = ours.rounded(curves)
    found: dict[str, Any] = {}
    sizes = {}

    def one(name: str, table: str, some: Sequence[Curve], work: Callable[[], None]) -> None:
        before = ours.table_bytes(table)
        found[name] = per_curve(work, len(some))
        sizes[name] = (ours.table_bytes(table) - before) / (2 * amount.points * len(some))

    own = "lightcurves_dataset"
    one("copy", own, curves, lambda: ours.write(places["database"], curves, "database"))
    one("packed", own, small, lambda: ours.write(places["packed"], small, "packed"))
    one("shards", own, curves, lambda: ours.write(places["shards"], curves, "shards"))
    one("insert", own, few, lambda: ours.insert(ours.make_place("insert", amount.points), few))
    one("array column", "benchmarks_arraycurve", few, lambda: peers.write_arrays(few))
    one("row per point", "benchmarks_point", fewer, lambda: peers.write_points(fewer, 0))
    return {"write": found, "bytes_per_number": sizes}


def _read(places: dict[str, Place], amount: Amount) -> dict[str, Any]:
    found = {
        name: per_curve(lambda place=place: ours.read_all(place), amount.curves)  # type: ignore[misc]
        for name, place in places.items()
    }
    found["array column"] = per_curve(peers.read_arrays, amount.array_curves)
    found["row per point"] = per_curve(
        lambda: [peers.read_points(n) for n in range(amount.point_curves)], amount.point_curves
    )
    return found


def _single(place: Place, amount: Amount) -> dict[str, Any]:
    """Read one vector after another from the database, in an order by chance."""
    keys = _drawn(place, amount)
    return {
        "single": {
            "database, ORM": per_curve(lambda: ours.read_rows(keys), len(keys)),
            "database, plain query": per_curve(lambda: ours.read_columns(keys), len(keys)),
        }
    }


def _drawn(place: Place, amount: Amount) -> list[int]:
    rng = np.random.default_rng(amount.seed)
    known = sorted(ours.held(place))
    return [int(key) for key in rng.choice(known, amount.reads)]


def _parts(place: Place, amount: Amount) -> dict[str, Any]:
    start = amount.points // 2
    keys = _drawn(place, amount)
    arrays = list(peers.ArrayCurve.objects.values_list("pk", flat=True))
    whole, part = ours.pages(keys[0], start, start + PART)
    return {
        "part": {
            "database": per_curve(lambda: ours.read_parts(keys, start, start + PART), len(keys)),
            "array column": per_curve(
                lambda: [peers.read_array_part(key, start, start + PART) for key in arrays],
                len(arrays),
            ),
        },
        "pages": {"whole": whole, "part": part},
    }


def _sent(place: Place, curve: Curve, amount: Amount) -> dict[str, Any]:
    """Send one curve to the page of its target, and many in one stream and in other ways."""
    client, few = doors.reader(), amount.array_curves
    costs = doors.open_pages(client, doors.make_page(curve))
    pages = {name: shares(spent, doors.PAGES) for name, spent in costs}
    works: dict[str, tuple[Callable[[], int], int]] = {
        "arrow stream": (lambda: doors.stream(client, place, "arrow"), amount.curves),
        "parquet stream": (lambda: doors.stream(client, place, "parquet"), amount.curves),
        "JSON, a list per curve": (lambda: doors.one_by_one(client, place, few), few),
        "JSON, an object per point": (lambda: doors.stream_json(place, few), few),
    }
    return {
        "plot": pages,
        "send": {name: per_curve(work, number) for name, (work, number) in works.items()},
    }


def _moved(place: Place, amount: Amount) -> dict[str, Any]:
    """Move to shards, then read one vector after another from them, in the same order as before."""
    keys = _drawn(place, amount)
    moved = per_curve(lambda: move([place.observation.pk], "shards"), amount.curves)
    held = ours.held(place)
    ours.forget()
    first = per_curve(lambda: ours.read_held(list(held.values())), len(held))
    contents = [held[key] for key in keys]
    return {
        "move": moved,
        "shard": {
            "first read": first,
            "later reads": per_curve(lambda: ours.read_held(contents), len(contents)),
            "ORM": per_curve(lambda: ours.read_rows(keys), len(keys)),
        },
    }
