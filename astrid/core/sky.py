"""Positions on the sky: one abstract base, one index, one cone search.

Every table with a position carries ``hpx``, the number of the HEALPix cell at order 29
(nested), which is 0.4 milliarcseconds wide. A cone is covered by a few ranges of such
numbers, so a plain B-tree serves it on any PostgreSQL; an exact great-circle test then
decides, at the poles and across right ascension 0 as everywhere.

Reference: Górski et al. 2005, ApJ 622, 759.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, Self, TypeVar

import cdshealpix.nested
import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.expressions import Func
from django.db.models.functions import ASin, Cos, Degrees, Power, Radians, Sin, Sqrt

ORDER = 29
WHOLE_SKY_DEG = 60.0  # from here on ranges no longer pay: look at every row
_MAX_RANGES = 24

FloatArray = npt.NDArray[np.float64]


def healpix(ra: npt.ArrayLike, dec: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Give the order-29 nested HEALPix cell of each position (degrees, ICRS)."""
    cells = cdshealpix.nested.lonlat_to_healpix(
        Longitude(ra, u.deg), Latitude(dec, u.deg), ORDER, num_threads=1
    )
    return np.asarray(cells).astype(np.int64)


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


def cone_ranges(ra: float, dec: float, radius_deg: float) -> list[tuple[int, int]]:
    """Cover a cone with ranges (first, last) of order-29 cells, never missing a piece of it."""
    # Cells about as wide as the cone: few ranges, and the exact test drops the surplus.
    depth = int(np.clip(np.floor(np.log2(58.6 / max(radius_deg, 1e-9))), 0, ORDER - 2))
    # A hair wider: the covering works in its own rounding, the exact test in another.
    wider = radius_deg * (1 + 1e-9) + 1e-9
    cells, depths, _ = cdshealpix.nested.cone_search(
        Longitude(ra, u.deg), Latitude(dec, u.deg), wider * u.deg, depth, depth_delta=2
    )
    shift = 2 * (ORDER - np.asarray(depths, dtype=np.int64))
    first = np.asarray(cells).astype(np.int64) << shift
    last = ((np.asarray(cells).astype(np.int64) + 1) << shift) - 1
    return _fewer(sorted(zip(first.tolist(), last.tolist(), strict=True)))


def _fewer(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted ranges across their smallest gaps until few enough are left."""
    if not ranges:
        return []
    gaps = sorted(b[0] - a[1] for a, b in pairwise(ranges))
    widest = max(1, gaps[-_MAX_RANGES] if len(gaps) >= _MAX_RANGES else 1)
    joined = [ranges[0]]
    for first, last in ranges[1:]:
        if first - joined[-1][1] <= widest:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def separation_from(ra: float, dec: float) -> Func:
    """Great-circle distance of a row from a position, in degrees, as an SQL expression."""
    hav_dec = Power(Sin(Radians(F("dec") - dec) / 2), 2)
    hav_ra = Power(Sin(Radians(F("ra") - ra) / 2), 2)
    hav = hav_dec + Cos(Radians(F("dec"))) * float(np.cos(np.radians(dec))) * hav_ra
    # LEAST: rounding may lift the antipode's haversine above 1, where ASIN has no answer.
    capped = Func(hav, 1.0, function="LEAST", output_field=models.FloatField())
    return Degrees(2.0 * ASin(Sqrt(capped)), output_field=models.FloatField())


_Row = TypeVar("_Row", bound="SkyPosition")


class SkyQuerySet(models.QuerySet[_Row]):
    """Rows that can be asked where they are."""

    def cone_search(self, ra: float, dec: float, radius_deg: float) -> Self:
        """Keep rows within ``radius_deg`` degrees of a position; annotates ``separation_deg``."""
        ra, dec = check_position(ra, dec)
        if not (0 <= radius_deg <= 180):
            raise ValueError(f"radius is {radius_deg}; it must lie in 0 to 180 degrees")
        rows = self.annotate(separation_deg=separation_from(ra, dec))
        if radius_deg < WHOLE_SKY_DEG:
            rows = rows.filter(_any_range(cone_ranges(ra, dec, radius_deg)))
        # The haversine carries rounding of about 1e-14 rad: a radius of 0 must find its own row.
        return rows.filter(separation_deg__lte=radius_deg + 1e-11)

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


def _any_range(ranges: Sequence[tuple[int, int]]) -> Q:
    found = Q()
    for pair in ranges:
        found |= Q(hpx__range=pair)
    return found


def place(rows: Collection["SkyPosition"]) -> None:
    """Check the positions of ``rows`` and fill in their cells, vectorised."""
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

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        """Work the cell out from ra and dec."""
        row: Any = model_instance
        if row.placed_at != (row.ra, row.dec):  # bulk_create has done it for the whole batch
            place([row])
        return int(row.hpx)


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
            models.Index(fields=["hpx"], include=["ra", "dec"], name="%(class)s_sky"),
        ]
