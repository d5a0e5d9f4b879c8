"""Light curves as files: CSV, ECSV, Parquet, VOTable and FITS, exact to the bit of every number.

References
----------
ECSV: Astropy Proposal for Enhancement 6. VOTable 1.4 (Ochsenbein et al. 2019): TIMESYS.
FITS Standard 4.0, section 9 (time); Kepler Archive Manual, KDMC-10008-006 (BJDREF).
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.io import fits
from astropy.io.votable.tree import CooSys, Info, TimeSys
from astropy.io.votable.tree import VOTableFile as Document
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from lightcurves.exporting.tables import Column, CurveTable, as_text

_LINES = 5_000  # of text that are in memory at once
_COOSYS = "icrs"
# In the files of TESS and Kepler, which many programs read.
_FITS_NAMES = {
    "time": "TIME",
    "cadence": "CADENCENO",
    "flux": "FLUX",
    "flux_err": "FLUX_ERR",
    "magnitude": "MAG",
    "magnitude_err": "MAG_ERR",
}
_FITS_FORMATS = {"float64": "D", "float32": "E", "int64": "K", "int32": "J"}
# fact: keyword and what it is
_KEYWORDS = {
    "dataset": ("DATASET", "id of the light curve in the store"),
    "ra": ("RA_OBJ", "[deg] right ascension, ICRS"),
    "dec": ("DEC_OBJ", "[deg] declination, ICRS"),
    "instrument": ("INSTRUME", "telescope, camera, detector"),
    "sector": ("SECTOR", "observing sector"),
    "quarter": ("QUARTER", "observing quarter"),
    "campaign": ("CAMPAIGN", "observing campaign"),
    "filter_name": ("FILTER", "band"),
    "exposure_s": ("CADENCE", "[s] from one cadence to the next"),
    "product": ("PRODUCT", "whose light curve it was"),
    "photometric_source": ("PHOTSRC", "how it was taken from pixels"),
    "processing_method": ("PROCMETH", "how it was processed afterwards"),
    "derived_from": ("PARENTS", "what it was derived from"),
    "stored_at": ("STORED", "when it was stored"),
    "made_by": ("CREATOR", "what wrote this file"),
}


def csv(table: CurveTable) -> Iterator[bytes]:
    """Give comma-separated values below one line of names."""
    yield (",".join(column.name for column in table.columns) + "\n").encode()
    yield from _lines(table)


def ecsv(table: CurveTable) -> Iterator[bytes]:
    """Give the same below a header of units, meanings and origin."""
    head = io.StringIO()
    empty = Table([_astropy(each, slice(0)) for each in table.columns], meta=dict(table.facts))
    empty.write(head, format="ascii.ecsv", delimiter=",")
    yield head.getvalue().encode()
    yield from _lines(table)


def _lines(table: CurveTable) -> Iterator[bytes]:
    for first in range(0, table.dataset.n, _LINES):
        part = slice(first, first + _LINES)
        texts = [as_text(column.values[part]) for column in table.columns]
        yield ("\n".join(map(",".join, zip(*texts, strict=True))) + "\n").encode()


def _astropy(column: Column, part: slice = slice(None)) -> AstropyColumn:
    return AstropyColumn(
        column.values[part],
        name=column.name,
        unit=units.Unit(column.unit) if column.unit else None,
        description=column.description,
    )


def parquet(table: CurveTable) -> Iterator[bytes]:
    """Give Parquet, with unit and meaning as metadata of a column, the rest as the file's."""
    fields = [
        pa.field(each.name, pa.from_numpy_dtype(each.values.dtype), metadata=_about(each))
        for each in table.columns
    ]
    schema = pa.schema(fields, metadata={"astrid": json.dumps(dict(table.facts))})
    arrays = [pa.array(each.values) for each in table.columns]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    yield sink.getvalue().to_pybytes()


def _about(column: Column) -> dict[str, str]:
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return {name: text for name, text in about.items() if text}


def votable(table: CurveTable) -> Iterator[bytes]:
    """Give a VOTable in BINARY2, with its count of time as TIMESYS."""
    document = Document.from_table(Table({each.name: each.values for each in table.columns}))
    document.version = "1.4"
    resource = document.resources[0]
    system = table.system
    resource.time_systems.append(
        TimeSys(
            ID=system.name,
            timeorigin=float(system.origin_jd),
            timescale=system.scale.upper(),
            refposition=system.place,
            config={"version_1_4_or_later": True},
        )
    )
    resource.coordinate_systems.append(CooSys(ID=_COOSYS, system="ICRS"))
    resource.infos.extend(Info(name=name, value=str(value)) for name, value in table.facts.items())
    for field, column in zip(document.get_first_table().fields, table.columns, strict=True):
        field.ucd, field.description = column.ucd, column.description
        field.unit = _vo_unit(column.unit) if column.unit else None
        field.ref = system.name if column.name == "time" else None
    stream = io.BytesIO()
    document.to_xml(stream, tabledata_format="binary2")
    yield stream.getvalue()


def _vo_unit(unit: str) -> str:
    """Write a unit as the VO does; what it does not know, such as electrons, in quotes.

    Reference: Gray et al. 2023, Units in the VO 1.1, section 2.8.
    """
    found = units.Unit(unit)
    parts = zip(found.bases, found.powers, strict=True)
    words = (f"{_vo_base(base)}**{power}" if power != 1 else _vo_base(base)
             for base, power in parts)  # fmt: skip
    scale = "" if found.scale == 1 else f"{found.scale:g}"
    return scale + ".".join(words)


def _vo_base(base: Any) -> str:
    try:
        return str(base.to_string("vounit"))
    except ValueError:
        return f"'{base}'"


def fits_file(table: CurveTable) -> Iterator[bytes]:
    """Give a FITS table as those of TESS and Kepler: LIGHTCURVE, TIME, FLUX, QUALITY, BJDREF."""
    primary = fits.PrimaryHDU()
    curve = fits.BinTableHDU.from_columns([_fits_column(each, table) for each in table.columns])
    primary.header["TELESCOP"] = (table.facts["mission"], "mission")
    primary.header["OBJECT"] = (table.facts["target"], "target")
    curve.header["EXTNAME"], curve.header["EXTVER"] = "LIGHTCURVE", 1
    curve.header["OBJECT"] = primary.header["OBJECT"]
    for place, column in enumerate(table.columns, start=1):
        curve.header[f"TUCD{place}"] = column.ucd
        curve.header[f"TCOMM{place}"] = _ascii(column.description)
    _tell(primary.header, table.facts)
    _tell_time(curve.header, table)
    stream = io.BytesIO()
    fits.HDUList([primary, curve]).writeto(stream, checksum=True)
    yield stream.getvalue()


def _fits_column(column: Column, table: CurveTable) -> fits.Column:
    flags = [each for each in table.columns if each.ucd == "meta.code.qual"]
    is_only_flags = len(flags) == 1 and column is flags[0]
    name = "QUALITY" if is_only_flags else _FITS_NAMES.get(column.name, column.name.upper())
    unit = _fits_unit(column.unit) if column.unit else None
    form = _FITS_FORMATS[column.values.dtype.name]
    return fits.Column(name, form, unit=unit, array=column.values)


def _fits_unit(unit: str) -> str:
    """Write a unit as FITS knows it; electrons, which it does not, as Kepler and TESS do."""
    try:
        return str(units.Unit(unit).to_string("fits"))
    except ValueError:
        return "e-/s" if units.Unit(unit) == units.electron / units.s else unit


def _tell(header: fits.Header, facts: Mapping[str, Any]) -> None:
    header["RADESYS"] = ("ICRS", "reference frame of the position")
    for name, (keyword, meaning) in _KEYWORDS.items():
        if name in facts:
            value = facts[name]
            header[keyword] = (_ascii(value) if isinstance(value, str) else value, meaning)
    for name in sorted(facts.keys() - _KEYWORDS.keys()):
        header.add_history(_ascii(f"{name}: {facts[name]}"))


def _tell_time(header: fits.Header, table: CurveTable) -> None:
    system = table.system
    whole, rest = divmod(system.origin_jd, Decimal(1))
    header["TIMEUNIT"] = (system.unit, "unit of TIME")
    header["TIMESYS"] = (system.scale.upper(), "scale of TIME")
    header["TREFPOS"] = (system.place, "where the clock stands")
    header["JDREFI"] = (int(whole), "zero of TIME, days, whole")
    header["JDREFF"] = (float(rest), "zero of TIME, days, the rest")
    if system.place == "BARYCENTER":
        header["BJDREFI"] = (int(whole), "the same, as Kepler and TESS call it")
        header["BJDREFF"] = (float(rest), "the same, as Kepler and TESS call it")
    dataset = table.dataset
    if dataset.t_first is not None:
        header["TSTART"] = (dataset.t_first, "first time")
        header["TSTOP"] = (dataset.t_last, "last time")


def _ascii(text: str) -> str:
    """Give text as FITS can say it."""
    return " ".join(text.split()).encode("ascii", "replace").decode()


@dataclass(frozen=True)
class Format:
    """A way to write a light curve: ending of its name, type of its content."""

    ending: str
    content_type: str
    write: Callable[[CurveTable], Iterator[bytes]]


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8", csv),
    "ecsv": Format("ecsv", "application/x-ecsv; charset=utf-8", ecsv),
    "parquet": Format("parquet", "application/vnd.apache.parquet", parquet),
    "votable": Format("vot", "application/x-votable+xml", votable),
    "fits": Format("fits", "application/fits", fits_file),
}
