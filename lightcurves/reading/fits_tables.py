"""FITS tables as plain arrays, or a sentence about what is wrong with the file."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units
from astropy.io import fits
from astropy.io.fits.verify import VerifyError, VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning

from lightcurves.errors import BadLightCurve
from lightcurves.reading.curves import MissionFacts


@dataclass(frozen=True)
class FITSTable:
    """The first table of a file, with the headers that describe it.

    Attributes
    ----------
    header : mapping
        Keywords of the primary header, and over them those of the table.
    columns : mapping
        (n,) arrays of this machine's byte order by upper-case name.
    units : mapping
        What the file says of units, by upper-case name; those without one are not there.
    """

    header: Mapping[str, Any]
    columns: Mapping[str, npt.NDArray[Any]]
    units: Mapping[str, str]

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give a column; BadLightCurve names those there are."""
        if name.upper() not in self.columns:
            raise BadLightCurve(f"there is no column {name}; there are {', '.join(self.columns)}")
        return self.columns[name.upper()]

    def keyword(self, name: str) -> Any:
        """Give a keyword's value; BadLightCurve if it has none."""
        if self.header.get(name) in (None, ""):
            raise BadLightCurve(f"there is no keyword {name} in the headers")
        return self.header[name]

    def number(self, name: str) -> int:
        """Give a keyword as a whole number, also where it is written as text."""
        value = self.keyword(name)
        try:
            return int(value)
        except ValueError as error:
            raise BadLightCurve(f"{name} is {value!r}; it must be a whole number") from error

    def unit(self, name: str) -> str:
        """Give a column's unit as astropy writes it; empty where there is none it can read."""
        said = self.units.get(name.upper(), "")
        found = units.Unit(_ELECTRONS.get(said, said), parse_strict="silent")
        return "" if isinstance(found, units.UnrecognizedUnit) else found.to_string()


# As the pipelines of Kepler and TESS write it, which no standard knows.
_ELECTRONS = {"e-/s": "electron / s"}


def read_table(path: Path) -> FITSTable:
    """Read the first table of a FITS file, and check its checksums if it has any.

    Raises
    ------
    BadLightCurve
        If the file is no FITS, is cut off, damaged, or has no table.
    """
    try:
        with warnings.catch_warnings():
            # A file cut off or with a wrong sum of its data is read with a warning only. Odd
            # keywords do no harm, nor do headers that were edited after the file was summed.
            warnings.simplefilter("error", AstropyUserWarning)
            warnings.simplefilter("ignore", VerifyWarning)
            warnings.filterwarnings("ignore", "Checksum verification failed")
            # Opened here: astropy leaves a file open in which it finds such damage.
            with path.open("rb") as stream, fits.open(stream, checksum=True) as parts:
                return _taken(parts)
    except FileNotFoundError:
        raise
    except TypeError as error:  # numpy's, of a table that wants more bytes than there are
        raise BadLightCurve(f"cut off: {_words(error)}") from error
    except (OSError, ValueError, IndexError, KeyError, VerifyError) as error:
        raise BadLightCurve(f"not readable as FITS: {_words(error)}") from error
    except AstropyUserWarning as error:
        raise BadLightCurve(f"damaged: {_words(error)}") from error


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _taken(parts: fits.HDUList) -> FITSTable:
    table = next((part for part in parts if isinstance(part, fits.BinTableHDU)), None)
    if table is None:
        raise BadLightCurve("there is no table in the file")
    header = _values(parts[0].header) | _values(table.header)
    data = {name: np.asarray(table.data[name]) for name in table.columns.names}
    return FITSTable(
        header,
        {name.upper(): native(array) for name, array in data.items() if array.ndim == 1},
        {each.name.upper(): str(each.unit) for each in table.columns if each.unit},
    )


def _values(header: fits.Header) -> dict[str, Any]:
    return {
        name: value
        for name, value in header.items()
        if name not in ("COMMENT", "HISTORY", "") and not isinstance(value, fits.card.Undefined)
    }


def native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give an array in this machine's byte order, bit for bit, and apart from the file."""
    if array.dtype.isnative:
        return array.copy()
    return array.byteswap().view(array.dtype.newbyteorder("="))


def check_epoch(table: FITSTable, mission: MissionFacts) -> None:
    """Refuse times that are not counted as the mission counts.

    Raises
    ------
    BadLightCurve
        If the reference date or the scale of the times is another one.
    """
    days = Decimal(str(table.keyword("BJDREFI"))) + Decimal(str(table.header.get("BJDREFF", 0)))
    if days != Decimal(mission.time_epoch):
        raise BadLightCurve(
            f"times count from BJD {days}; those of {mission.name} count from {mission.time_epoch}"
        )
    scale = str(table.header.get("TIMESYS", mission.time_scale)).strip().lower()
    if scale != mission.time_scale:
        raise BadLightCurve(
            f"times are in {scale}; those of {mission.name} are in {mission.time_scale}"
        )
