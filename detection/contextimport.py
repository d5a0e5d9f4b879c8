"""Catalogues of others taken into the sky index of this site."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from django.db import transaction

from astrid.core.errors import AstridError
from detection.models import ContextCatalog, ContextKind, ContextSource
from preprocessing.photometry.catalog_columns import bands_of, places, plain
from preprocessing.photometry.table_parts import parts

SHOWN_REFUSALS = 20
MJD_OF_JD = 2_400_000.5

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class BadCatalog(AstridError):
    """A file that cannot be taken in as a catalogue, with the reason."""


@dataclass(frozen=True)
class Layout:
    """What a catalogue is of, and what its columns may be called: the first that is there."""

    kind: ContextKind
    names: tuple[str, ...]
    magnitudes: tuple[str, ...]
    types: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


LAYOUTS = {
    "gaia": Layout(
        ContextKind.STAR,
        ("source_id", "SOURCE_ID", "Source", "designation", "DR3Name", "id"),
        ("phot_g_mean_mag", "Gmag", "mag"),
    ),
    "vsx": Layout(
        ContextKind.VARIABLE,
        ("Name", "name", "OID", "AUID"),
        ("max", "MaxMag", "maxmag", "mag"),
        ("Type", "VarType", "var_type", "type"),
        ("Period", "period"),
    ),
    "asteroids": Layout(
        ContextKind.ASTEROID,
        ("Name", "name", "designation", "targetname", "Number", "number"),
        ("V", "Vmag", "V_mag", "mag"),
        times=("mjd_utc", "mjd", "MJD", "datetime_jd", "JD", "jd"),
    ),
}


@dataclass(frozen=True)
class Taken:
    """What became of a file."""

    catalog: ContextCatalog
    is_new: bool


def take_in(name: str, path: Path, *, release: str = "", replaces: bool = False) -> Taken:
    """Take a file of a catalogue in; one that was taken in before changes nothing.

    Parameters
    ----------
    name : str
        One of :data:`LAYOUTS`.
    path : path
        CSV, ECSV, VOTable, FITS or Parquet, as the services export it.
    release : str
        Of the catalogue, for the record.
    replaces : bool
        Remove what other files of this name gave before.

    Raises
    ------
    BadCatalog
        If it is no such table, or no row of it can be used.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    before = ContextCatalog.objects.filter(name=name)
    if known := before.filter(sha256=sha256).first():
        return Taken(known, is_new=False)
    layout = LAYOUTS[name]
    catalog = ContextCatalog(
        name=name, kind=layout.kind, release=release, file_name=path.name[:300], sha256=sha256,
        sources=0, refused=0, refusals=[],
    )  # fmt: skip
    with transaction.atomic():
        if replaces:
            _remove(before)
        _take_rows(catalog, layout, path)
        # The last, with its counts: the database asks for it when the transaction ends.
        catalog.save(force_insert=True)
    return Taken(catalog, is_new=True)


def _remove(catalogs: Any) -> None:
    # One statement for millions of rows; nothing refers to them.
    rows = ContextSource.objects.filter(catalog__in=catalogs)
    rows._raw_delete(rows.db)
    catalogs.delete()


def _take_rows(catalog: ContextCatalog, layout: Layout, path: Path) -> None:
    """Write the rows of a file part by part, and count them on the record of the file."""
    try:
        for table in parts(path):
            columns, refusals = _read(layout, table, path.name, catalog.sources + catalog.refused)
            catalog.sources += len(columns["ra"])
            catalog.refused += len(refusals)
            catalog.refusals += refusals[: SHOWN_REFUSALS - len(catalog.refusals)]
            ContextSource.objects.copy_columns(columns | {"catalog_id": catalog.pk})
    except ValueError as error:
        raise BadCatalog(str(error)) from error
    if not catalog.sources:
        first = catalog.refusals[0].partition(": ")[2] if catalog.refusals else "there is none"
        raise BadCatalog(f"{path.name}: none of {catalog.refused} rows can be used; {first}")


def _read(layout: Layout, table: Table, name: str, before: int) -> tuple[dict[str, Any], list[str]]:
    """Give the columns of the rows that can be used, and why others cannot.

    So many rows as ``before`` says came in parts before this one.
    """
    ra, dec = places(table, name)
    ra = np.where((ra < 0) & (ra >= -180), ra + 360, ra)  # as files in radians have it
    times = _times(table, layout)
    reasons = _reasons(ra, dec, times if layout.times else None)
    good = np.array([not reason for reason in reasons], bool)
    magnitudes, band = _magnitudes(table, layout)
    columns = {
        "ra": ra[good],
        "dec": dec[good],
        "name": _texts(table, layout.names, good, 100),
        "magnitude": np.ma.masked_invalid(magnitudes[good]),
        "magnitude_band": [band if known else "" for known in np.isfinite(magnitudes[good])],
        "variable_type": _texts(table, layout.types, good, 50),
        "period_days": np.ma.masked_invalid(_numbers(table, layout.periods)[good]),
        "mjd_utc": np.ma.masked_invalid(times[good]),
    }
    numbered = enumerate(reasons, before + 1)
    return columns, [f"row {number}: {reason}" for number, reason in numbered if reason]


def _reasons(ra: Floats, dec: Floats, times: Floats | None) -> list[str]:
    """Say of each row why it cannot be used; nothing where it can."""
    reasons = []
    for number, (lon, lat) in enumerate(zip(ra.tolist(), dec.tolist(), strict=True)):
        if not 0 <= lon <= 360:
            reasons.append(f"ra is {lon}; it must lie in 0 to 360 degrees")
        elif not -90 <= lat <= 90:
            reasons.append(f"dec is {lat}; it must lie in -90 to 90 degrees")
        elif times is not None and not np.isfinite(times[number]):
            reasons.append("no time says when the asteroid was there")
        else:
            reasons.append("")
    return reasons


def _times(table: Table, layout: Layout) -> Floats:
    found = _numbers(table, layout.times)
    return np.where(found > MJD_OF_JD, found - MJD_OF_JD, found)


def _column_of(table: Table, names: Sequence[str]) -> str:
    return next((name for name in names if name in table.colnames), "")


def _numbers(table: Table, names: Sequence[str]) -> Floats:
    column = _column_of(table, names)
    return plain(table[column]) if column else np.full(len(table), np.nan)


def _magnitudes(table: Table, layout: Layout) -> tuple[Floats, str]:
    """Give the magnitudes and their band: the usual column, else the first that is one."""
    column = _column_of(table, layout.magnitudes)
    if column:
        return plain(table[column]), _BANDS.get(column, "")
    for band, found in bands_of(table):
        return found.value, band[:20]
    return np.full(len(table), np.nan), ""


_BANDS = {"phot_g_mean_mag": "G", "Gmag": "G", "V": "V", "Vmag": "V", "V_mag": "V"}


def _texts(table: Table, names: Sequence[str], good: Bools, longest: int) -> list[str]:
    column = _column_of(table, names)
    if not column:
        return [""] * int(good.sum())
    values = table[column][good].tolist()  # None where it is masked
    return ["" if value is None else _text(value)[:longest] for value in values]


def _text(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip().replace("\x00", "")
