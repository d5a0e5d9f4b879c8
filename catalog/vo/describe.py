"""Columns as the Virtual Observatory describes them, each with where its values come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Expression, F, QuerySet
from django.db.models.expressions import Combinable

from catalog.vo.adql.schema import Area, Column, Place, Table

HEALPIX_UCD = "pos.healpix"


@dataclass(frozen=True)
class Source:
    """A column, and the expression that gives it: a field's name, or what Django can compute."""

    column: Column
    expression: str | Combinable


def _source(
    name: str, expression: str | Combinable = "", *, datatype: str, **description: Any
) -> Source:
    return Source(Column(name, datatype, **description), expression or name)


number = partial(_source, datatype="double")
degrees = partial(_source, datatype="double", unit="deg")
whole = partial(_source, datatype="int")
long = partial(_source, datatype="long")
text = partial(_source, datatype="char", arraysize="*")
truth = partial(_source, datatype="boolean")
# UUIDs stay what they are, so that their indexes serve; answers write them as text.
identifier = partial(_source, datatype="char", arraysize="36")
moment = partial(_source, datatype="char", arraysize="*", xtype="timestamp")


def cell(**given: Any) -> Source:
    """Describe the indexed HEALPix number of a row."""
    meaning = "HEALPix cell of the position, order 29, nested; indexed."
    return long("hpx", description=meaning, ucd=HEALPIX_UCD, is_indexed=True, **given)


def position(ra: str = "ra", dec: str = "dec") -> tuple[Source, Source, Source]:
    """Describe a position with its cell, by which it is found."""
    return (
        degrees(
            "ra",
            ra,
            ucd="pos.eq.ra;meta.main",
            description="Right ascension, ICRS.",
            is_indexed=True,
        ),
        degrees(
            "dec",
            dec,
            ucd="pos.eq.dec;meta.main",
            description="Declination, ICRS.",
            is_indexed=True,
        ),
        cell(),
    )


PLACE = Place("ra", "dec", "hpx")


def table(
    name: str,
    description: str,
    rows: QuerySet[Any],
    sources: Sequence[Source],
    *,
    place: Place | None = PLACE,
    area: Area | None = None,
) -> Table:
    """Publish the rows of a query under the names of columns."""
    statement, parameters = statement_of(rows.order_by(), sources)
    columns = tuple(each.column for each in sources)
    return Table(
        name, columns, statement, parameters, description=description, place=place, area=area
    )


def statement_of(rows: QuerySet[Any], sources: Sequence[Source]) -> tuple[str, tuple[Any, ...]]:
    """Write the statement that gives the columns in their order."""
    chosen: list[Expression | Combinable] = [
        F(each.expression) if isinstance(each.expression, str) else each.expression
        for each in sources
    ]
    made = rows.values_list(*chosen)
    statement, parameters = made.query.sql_with_params()
    return statement, tuple(parameters)
