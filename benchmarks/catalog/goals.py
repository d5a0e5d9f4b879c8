"""What the catalog must reach at ten million rows."""

from typing import Any

from benchmarks.catalog.cones import JOIN, KEYS, ORM, RADIAL, RAW

Figures = dict[str, Any]
BOUNDS = ["figure", "measured", "needed"]
_SMALL = ('1"', '5"', "1'")
# figure: (bound, is it the least)
WANTED = {
    "cone up to 1', q3c_radial_query takes times as long": (10.0, True),
    "cone up to 1', times q3c_join": (1.2, False),
    "cone up to 1', ORM times a raw cursor": (2.0, False),
    "cone 1 deg, q3c_radial_query takes times as long": (3.0, True),
    "match an image, q3c_join takes times as long": (3.0, True),
    "candidates of an image, rows per processor second": (75_000.0, True),
    "list of 1,000 rows, times the cursor": (1.4, False),
    "page of 100 rows over HTTP, queries": (4.0, False),
    "last page, times the first": (2.0, False),
    "export as CSV, times COPY": (1.3, False),
    "export 10,000 rows from asking to the stored file, s": (1.0, False),
}


def required(found: Figures) -> dict[str, dict[str, Any]]:
    """Give the figures that must be reached, and whether they are; those of q3c if it is here."""
    values = _ratios_to_q3c(found) | {
        "cone up to 1', ORM times a raw cursor": max(
            _cone(found, radius, ORM) / _cone(found, radius, RAW) for radius in _SMALL
        ),
        "candidates of an image, rows per processor second": found["candidates_per_s"][
            "AstrID, binary COPY"
        ],
        "list of 1,000 rows, times the cursor": _ratio(
            found["thousand_ms"], "AstrID", "cursor (the floor)"
        ),
        "page of 100 rows over HTTP, queries": found["page_queries"],
        "last page, times the first": _ratio(found["page_ms"], "last, by key", "first, by key"),
        "export as CSV, times COPY": _ratio(found["export"]["csv_s"], "AstrID", "COPY (the floor)"),
        "export 10,000 rows from asking to the stored file, s": found["export"]["few_s"],
    }
    return {
        name: {"value": values[name], "bound": bound, "reached": _reaches(values[name], *wanted)}
        for name, wanted in WANTED.items()
        if name in values
        for bound in wanted[:1]
    }


def _ratios_to_q3c(found: Figures) -> dict[str, float]:
    if RADIAL not in found["cone_ms"]["1'"]:
        return {}
    return {
        "cone up to 1', q3c_radial_query takes times as long": min(
            _cone(found, radius, RADIAL) / _cone(found, radius, KEYS) for radius in _SMALL
        ),
        "cone up to 1', times q3c_join": max(
            _cone(found, radius, KEYS) / _cone(found, radius, JOIN) for radius in _SMALL
        ),
        "cone 1 deg, q3c_radial_query takes times as long": _cone(found, "1 deg", RADIAL)
        / _cone(found, "1 deg", KEYS),
        "match an image, q3c_join takes times as long": _ratio(
            found["matching"]["us_per_point"], "q3c_join", "AstrID, per image"
        ),
    }


def _cone(found: Figures, radius: str, way: str) -> float:
    return float(found["cone_ms"][radius][way]["median_ms"])


def _ratio(ways: dict[str, float], one: str, other: str) -> float:
    return ways[one] / ways[other]


def _reaches(value: float, bound: float, is_least: bool) -> bool:
    return value == bound or (value > bound) is is_least


def bounds(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Lay out what must be reached."""
    return [
        [
            name,
            f"{one['value']:,.3g}" if one["value"] < 1000 else f"{one['value']:,.0f}",
            f"{'≥' if WANTED[name][1] else '≤'} {one['bound']:,g} {'✓' if one['reached'] else '✗'}",
        ]
        for name, one in found.items()
    ]
