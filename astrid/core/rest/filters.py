"""How the rows of a list are chosen and ordered: cones, areas, names, columns; and nothing else."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend, OrderingFilter
from rest_framework.views import APIView

from astrid.core import areas
from astrid.core.corners import MOST_CORNERS
from astrid.core.models import Record
from astrid.core.rest.parameters import described
from astrid.core.searching import named

CONE = ("ra", "dec", "radius")
_DEGREES = {"type": "number", "format": "double"}
# Of each: what it is, the least and the greatest that it can be.
_ANGLES = {
    "ra": ("Right ascension of the centre, degrees ICRS, 0 to 360.", 0, 360),
    "dec": ("Declination of the centre, degrees ICRS, -90 to 90.", -90, 90),
    "radius": ("Radius of the cone, degrees, 0 to 180. Needs ra and dec.", 0, 180),
}


class ConeFilter(BaseFilterBackend):
    """Keep rows inside a cone: ``?ra=…&dec=…&radius=…``, all in degrees."""

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Search the cone that the query names; no parameter, no cone."""
        given = {name: request.query_params[name] for name in CONE if name in request.query_params}
        if not given:
            return queryset
        if missing := [name for name in CONE if name not in given]:
            raise ValidationError({name: ["A cone needs ra, dec and radius."] for name in missing})
        angles = [_angle(name, text) for name, text in given.items()]
        found: QuerySet[Any] = queryset.cone_search(*angles)  # type: ignore[attr-defined]
        return found

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters for OpenAPI."""
        return [
            described(name, meaning, {**_DEGREES, "minimum": low, "maximum": high})
            for name, (meaning, low, high) in _ANGLES.items()
        ]


def _angle(name: str, text: str) -> float:
    _, low, high = _ANGLES[name]
    angle = _number(name, text)
    if not low <= angle <= high:  # nor does NaN
        words = f"{name} is {angle}; it must lie in {low} to {high} degrees"
        raise ValidationError({name: [words]})
    return angle


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValidationError({name: [f"{name} is {text[:40]!r}; it must be a number"]}) from error


def _asked(name: str, ask: Callable[..., QuerySet[Any]], *values: Any) -> QuerySet[Any]:
    """Ask rows for something, and say which parameter it was that cannot be."""
    try:
        return ask(*values)
    except ValueError as error:
        raise ValidationError({name: [str(error)]}) from error


class AreaFilter(BaseFilterBackend):
    """Keep rows that lie in a polygon: ``?polygon=ra,dec,ra,dec,ra,dec``."""

    name = "polygon"
    meaning = (
        "Corners of an area, joined by great circles: `ra,dec,ra,dec,ra,dec`, degrees ICRS, 3 to "
        f"{MOST_CORNERS} of them. Rows that lie in it are kept."
    )

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Search what the query names, if it does."""
        text = request.query_params.get(self.name)
        return queryset if text is None else _asked(self.name, self.search, queryset, text)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Search the area."""
        return areas.within(rows, _corners(self.name, text))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        return [described(self.name, self.meaning, {"type": "string"})]


class FrameAreaFilter(AreaFilter):
    """Keep frames that show some of a polygon."""

    meaning = AreaFilter.meaning.replace("Rows that lie in it", "Frames that show some of it")

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Search the frames."""
        return areas.meeting(rows, _corners(self.name, text))


class CoversFilter(AreaFilter):
    """Keep frames that show a position: ``?covers=ra,dec``."""

    name = "covers"
    meaning = "A position, `ra,dec`, degrees ICRS: frames whose footprint holds it are kept."

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Search the frames."""
        numbers = _numbers(self.name, text)
        if len(numbers) != 2:
            raise ValueError(f"covers has {len(numbers)} numbers; it takes ra,dec")
        return areas.showing(rows, *numbers)


def _corners(name: str, text: str) -> list[tuple[float, float]]:
    numbers = _numbers(name, text)
    if len(numbers) % 2:
        raise ValueError(f"{name} has {len(numbers)} numbers; each corner takes two")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _numbers(name: str, text: str) -> list[float]:
    words = text.replace(",", " ").split()[: 2 * MOST_CORNERS + 2]
    return [_number(name, word) for word in words]


class SearchFilter(BaseFilterBackend):
    """Keep rows whose name begins with some words: ``?search=…``; the columns have an index.

    ``search_fields`` of the view names the columns.
    """

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Search by the words that the query names, if it does."""
        words = request.query_params.get("search", "").strip()
        lookups = [f"{name}__startswith" for name in _searched(view)]
        return named(queryset, lookups, words)[0] if words and lookups else queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        if not _searched(view):
            return []
        meaning = f"The start of {' or '.join(_searched(view))}, as written."
        return [described("search", meaning, {"type": "string"})]


def _searched(view: Any) -> list[str]:
    return list(getattr(view, "search_fields", None) or ())


class Ordering(OrderingFilter):
    """Order by a column that an index holds; equals by their keys, in the same direction.

    Several columns, or keys against the direction of the column, would be sorted for each page.
    """

    def get_ordering(self, request: Any, queryset: QuerySet[Any], view: Any) -> Any:
        """Give the order that is asked for, or that of the view."""
        text = request.query_params.get(self.ordering_param)
        if not text:
            return self.get_default_ordering(view)
        first, *rest = [part.strip() for part in text.split(",")]
        sign, name = "-" * first.startswith("-"), first.removeprefix("-")
        offered = offered_orders(view)
        if name not in offered:
            words = f"{first[:40]!r} is no order here; there are {', '.join(offered)}"
            raise ValidationError({self.ordering_param: [f"{words}, each with - for falling."]})
        key = f"{sign}id"
        if rest not in ([], [key]) or rest == [first]:
            words = f"{text[:40]!r} cannot be: order by one column"
            raise ValidationError({self.ordering_param: [f"{words}; {key} may follow {first}."]})
        return [key] if name in ("id", *risen_with(queryset.model)) else [first, key]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        offered = offered_orders(view)
        meaning = f"A column to order by, with - to fall: {', '.join(offered)}."
        columns = "|".join(name for name in offered if name != "id")
        also = f"|({columns})(,id)?|-({columns})(,-id)?" if columns else ""
        schema = {"type": "string", "pattern": f"^(-?id{also})$"}
        return [described(self.ordering_param, meaning, schema)]


def offered_orders(view: Any) -> list[str]:
    """Name the columns by which rows of a view may be ordered."""
    return list(dict.fromkeys([*(getattr(view, "ordering_fields", None) or ()), "id"]))


def risen_with(model: type[models.Model]) -> tuple[str, ...]:
    """Name the columns that rise as keys do: a key of version 7 begins with the time it is made."""
    return ("created_at",) if issubclass(model, Record) else ()
