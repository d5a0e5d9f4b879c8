"""Positions on the sky: one abstract base, one index, one cone search.

Every table with a position carries ``hpx``, the number of the HEALPix cell at order 29
(nested), which is 0.4 milliarcseconds wide. A cone is covered by a few ranges of such
numbers, so a plain B-tree serves it on any PostgreSQL; an exact great-circle test then
decides, at the poles and across right ascension 0 as everywhere.

Reference: Górski et al. 2005, ApJ 622, 759.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.expressions import Expression
from django.db.models.sql.where import AND

from astrid.core.copying import Columns, copy_columns
from astrid.core.healpix import cone_ranges, healpix

WHOLE_SKY_DEG = 60.0  # from here on ranges no longer pay: look at every row

FloatArray = npt.NDArray[np.float64]


def separation_deg(ra1: Any, dec1: Any, ra2: Any, dec2: Any) -> Any:
    """Give great-circle distances in degrees by the haversine formula; inputs in degrees."""
    phi1, phi2 = np.radians(dec1), np.radians(dec2)
    half_lon = np.radians(np.subtract(ra2, ra1)) / 2
    hav = np.sin((phi2 - phi1) / 2) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_lon) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(np.clip(hav, 0.0, 1.0))))


def check_position(ra: float, dec: float) -> tuple[float, float]:
    """Return the position with 360 written as 0, or raise ValueError saying what is wrong."""
    if not (0 <= ra <= 360):
        raise ValueError(f"ra is {ra}; it must lie in 0 to 360 degrees")
    if not (-90 <= dec <= 90):
        raise ValueError(f"dec is {dec}; it must lie in -90 to 90 degrees")
    return (0.0 if ra == 360 else float(ra)), float(dec)


def check_cone(ra: float, dec: float, radius_deg: float) -> tuple[float, float]:
    """Return the position as :func:`check_position` does, or say that the radius cannot be."""
    if not (0 <= radius_deg <= 180):
        raise ValueError(f"radius is {radius_deg}; it must lie in 0 to 180 degrees")
    return check_position(ra, dec)


def check_positions(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return positions with 360 written as 0, or raise ValueError saying what is wrong of one."""
    lon, lat = (np.atleast_1d(np.asarray(angle, float)) for angle in (ra, dec))
    good = (lon >= 0) & (lon <= 360) & (np.abs(lat) <= 90)
    for one in np.flatnonzero(~good)[:1]:
        check_position(lon[one], lat[one])
    return lon % 360, lat


class Haversine(Expression):
    """sin² of half the distance of a row from a position.

    One expression that prints its numbers, not a tree of Django's with parameters: the tree costs
    Python more than the whole search costs the database. It knows its columns to be those of the
    queryset's own table, and looks through no joins for them.
    """

    output_field: Any = models.FloatField()
    names: ClassVar[tuple[str, ...]] = ("ra", "dec")

    def __init__(self, ra: float, dec: float) -> None:
        super().__init__()
        self.centre = (float(ra), float(dec))
        self.columns: list[Any] = []

    def copy(self) -> Self:
        """Give another that may be resolved."""
        made = object.__new__(type(self))
        made.__dict__ = self.__dict__.copy()
        return made

    def resolve_expression(self, query: Any = None, *_: Any, **__: Any) -> Self:
        """Take the columns of the query's table; inside another query they stay those."""
        if self.columns:
            return self
        made, alias, meta = self.copy(), query.get_initial_alias(), query.get_meta()
        made.columns = [meta.get_field(name).get_col(alias) for name in self.names]
        return made

    def get_source_expressions(self) -> list[Any]:
        """Give the columns."""
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """Take the columns as the query knows them."""
        self.columns = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Print it."""
        return haversine(*self.centre, *(compiler.compile(one)[0] for one in self.columns)), ()


class Separation(Haversine):
    """Great-circle distance of a row from a position, degrees."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Print it."""
        # LEAST: rounding may lift the antipode's haversine above 1, where ASIN has no answer.
        half, values = super().as_sql(compiler, connection)
        return f"DEGREES(2 * ASIN(SQRT(LEAST(1, {half}))))", values


class InCone(Haversine):
    """Whether a row lies in a circle: ranges of cells for the index, the distance for the truth."""

    conditional = True
    output_field = models.BooleanField()
    names = ("ra", "dec", "hpx")

    def __init__(self, ra: float, dec: float, radius_deg: float) -> None:
        super().__init__(ra, dec)
        self.radius_deg = radius_deg

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Print it."""
        ra, dec, hpx = (compiler.compile(one)[0] for one in self.columns)
        inside = f"{haversine(*self.centre, ra, dec)} <= {haversine_of(self.radius_deg)!r}"
        if self.radius_deg >= WHOLE_SKY_DEG:
            return f"({inside})", ()
        ranges = cone_ranges(*self.centre, self.radius_deg)
        near = " OR ".join(f"{hpx} BETWEEN {first} AND {last}" for first, last in ranges)
        return f"(({near}) AND {inside})", ()


def haversine(ra: float, dec: float, ra_column: str, dec_column: str) -> str:
    """Print sin² of half the distance of a row from a position, both in degrees."""
    return (
        f"(POWER(SIN(RADIANS({dec_column} - ({dec!r})) / 2), 2) + COS(RADIANS({dec_column})) * "
        f"{math.cos(math.radians(dec))!r} * POWER(SIN(RADIANS({ra_column} - ({ra!r})) / 2), 2))"
    )


def haversine_of(radius_deg: float) -> float:
    """Give sin² of half a distance, a hair more."""
    # The sum carries rounding of about 1e-14 rad: a radius of 0 must find its own row.
    return math.sin(min(math.radians(radius_deg + 1e-11) / 2, math.pi / 2)) ** 2


_Row = TypeVar("_Row", bound="SkyPosition")


class SkyQuerySet(models.QuerySet[_Row]):
    """Rows that can be asked where they are."""

    def cone_search(self, ra: float, dec: float, radius_deg: float) -> Self:
        """Keep rows within ``radius_deg`` degrees of a position; annotates ``separation_deg``."""
        ra, dec = check_cone(ra, dec, radius_deg)
        if self.query.is_sliced:
            raise TypeError("a slice of rows cannot be searched: search first, then slice")
        # What annotate() and filter() do, in one copy of the query and without their search for
        # aggregates and joins: a third of what Python spends on a search.
        rows: Self = self.all()
        rows.query.add_annotation(Separation(ra, dec), "separation_deg")
        if radius_deg < 180:
            inside = InCone(ra, dec, float(radius_deg)).resolve_expression(rows.query)
            rows.query.where.add(inside, AND)
        return rows

    def nearest(self, ra: float, dec: float, radius_deg: float) -> _Row | None:
        """Give the row next to a position, if one lies within ``radius_deg`` degrees."""
        return self.cone_search(ra, dec, radius_deg).order_by("separation_deg", "pk").first()

    def covering(self, ra: float, dec: float, margin_deg: float = 0.0) -> Self:
        """Keep rows whose ``radius_deg``, widened by a margin, holds a position; nearest first."""
        widest = self.aggregate(widest=Max("radius_deg"))["widest"] or 0.0
        near = self.cone_search(ra, dec, min(widest + margin_deg, 180.0))
        inside = near.filter(separation_deg__lt=F("radius_deg") + margin_deg)
        return inside.order_by("separation_deg", "pk")

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        """Insert many rows; their cells are computed in one go."""
        objs = list(objs)
        place(objs)
        return super().bulk_create(objs, *args, **options)

    def copy_columns(self, columns: Columns) -> int:
        """Write new rows from columns, as :func:`astrid.core.copying.copy_columns` does.

        Positions are checked, and their cells computed in one go.
        """
        ra, dec = check_positions(columns["ra"], columns["dec"])
        placed = {"ra": ra, "dec": dec, "hpx": healpix(ra, dec)}
        return copy_columns(self.model, {**columns, **placed})


def place(rows: Collection["SkyPosition"]) -> None:
    """Check the positions of ``rows`` and fill in their cells, vectorised.

    A row whose table allows it may be without a position; it has no cell then.
    """
    nowhere: Any = (None, None)
    for row in rows:
        row.hpx, row.placed_at = nowhere
    rows = [row for row in rows if (row.ra, row.dec) != nowhere]
    if not rows:
        return
    for row in rows:
        row.ra, row.dec = check_position(row.ra, row.dec)
    cells = healpix([row.ra for row in rows], [row.dec for row in rows])
    for row, cell in zip(rows, cells, strict=True):
        row.hpx = int(cell)
        row.placed_at = (row.ra, row.dec)


class HealpixField(models.BigIntegerField):
    """The cell of the row's position, worked out whenever the row is written."""

    def pre_save(self, model_instance: models.Model, add: bool) -> int | None:
        """Work the cell out from ra and dec."""
        row: Any = model_instance
        if row.placed_at != (row.ra, row.dec):  # bulk_create has done it for the whole batch
            place([row])
        return None if row.hpx is None else int(row.hpx)


class SkyPosition(models.Model):
    """A row with a place on the sky."""

    ra = models.FloatField(help_text="Right ascension, degrees, ICRS, 0 to below 360.")
    dec = models.FloatField(help_text="Declination, degrees, ICRS, -90 to 90.")
    hpx = HealpixField(editable=False, help_text="HEALPix cell, order 29, nested.")

    placed_at: tuple[float, float] | None = None

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(ra__gte=0, ra__lt=360), name="%(app_label)s_%(class)s_ra"
            ),
            models.CheckConstraint(
                condition=Q(dec__range=(-90, 90)), name="%(app_label)s_%(class)s_dec"
            ),
        ]
        indexes = [
            models.Index(fields=["hpx"], include=["ra", "dec", "id"], name="%(class)s_sky"),
        ]
