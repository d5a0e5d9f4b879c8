"""What the columns of star catalogues mean, whatever they are called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import Column, Table
from numpy.typing import NDArray

from preprocessing.photometry.bands import usual_system

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# The first name that a table has wins; VizieR's, Gaia's and Rubin's are among them.
PLACES = (
    ("ra", "dec"),
    ("RA", "DEC"),
    ("RA_ICRS", "DE_ICRS"),
    ("RAJ2000", "DEJ2000"),
    ("_RAJ2000", "_DEJ2000"),
    ("coord_ra", "coord_dec"),
    ("raMean", "decMean"),
    ("ALPHA_J2000", "DELTA_J2000"),
)
MOTIONS = (("pmRA", "pmDE"), ("pmra", "pmdec"), ("pm_ra", "pm_dec"))
PLACE_ERRORS = ("e_RAJ2000", "e_RA_ICRS", "ra_error", "coord_raErr")
MAGNITUDES = (
    re.compile(r"(?P<band>[A-Za-z]{1,2})'?_?mag"),
    re.compile(r"(?:psfM|m)ag_(?P<band>[A-Za-z]{1,2})"),
    re.compile(r"phot_(?P<band>g|bp|rp)_mean_mag"),
    re.compile(r"(?P<band>[grizy])MeanPSFMag"),
    re.compile(r"(?P<band>[ugrizyUBVRIJHK])"),
)
FLUXES = re.compile(r"phot_(?P<band>g|bp|rp)_mean_flux")
ERROR_NAMES = ("e_{}", "{}_error", "{}_err", "{}err", "{}Err")
YEAR = re.compile(r"epoch\W*J?(\d{4}(?:\.\d+)?)", re.IGNORECASE)
AB_OF_ONE_NJY = 31.4
DAYS_PER_YEAR, MJD_OF_J2000 = 365.25, 51544.5
ANY_BAND = "mag"


@dataclass(frozen=True)
class Magnitudes:
    """Magnitudes of all stars of a catalogue in one band; NaN where it has none.

    Attributes
    ----------
    value, error : (n,) arrays
        mag; the error is NaN where it is not known.
    system : str
        "AB" or "Vega"; empty where that follows from the band that is asked for.
    """

    value: Floats
    error: Floats
    system: str


def places(table: Table, name: str) -> tuple[Floats, Floats]:
    """Give the columns of places, degrees."""
    for ra, dec in PLACES:
        if ra in table.colnames and dec in table.colnames:
            return in_unit(table[ra], u.deg), in_unit(table[dec], u.deg)
    raise ValueError(
        f"star catalogue {name} has no columns ra and dec among {', '.join(table.colnames)}: "
        "name its columns of places ra and dec, in degrees"
    )


def motions(table: Table) -> tuple[Floats, Floats]:
    """Give proper motions, mas/yr; zero where they are not known."""
    for names in MOTIONS:
        if all(name in table.colnames for name in names):
            ra, dec = (
                np.nan_to_num(in_unit(table[name], _motion_unit(table, name))) for name in names
            )
            return ra, dec
    return np.zeros(len(table)), np.zeros(len(table))


def _motion_unit(table: Table, name: str) -> u.UnitBase:
    """Give the unit of motions; Rubin's catalogues leave "per year" out."""
    per_year = table[name].unit is not None and table[name].unit.is_equivalent(u.mas)
    return u.mas if per_year else u.mas / u.yr


def place_errors(table: Table) -> Floats:
    """Give the errors of places, arcsec; NaN without a column that has a unit."""
    for name in PLACE_ERRORS:
        if name in table.colnames and table[name].unit is not None:
            return in_unit(table[name], u.arcsec)
    return np.full(len(table), np.nan)


def epoch_of(table: Table) -> float | None:
    """Give the Julian year of the places, from a column or from what is written about them."""
    if "ref_epoch" in table.colnames:
        return float(np.nanmedian(plain(table["ref_epoch"])))
    if "epoch" in table.colnames and table["epoch"].unit == u.day:
        days = float(np.nanmedian(plain(table["epoch"])))
        return julian_year(days)
    for names in PLACES:
        if names[0] in table.colnames:
            said = YEAR.search(table[names[0]].description or "")
            return float(said[1]) if said else 2000.0 if "J2000" in names[0] else None
    return None


def julian_year(mjd: float) -> float:
    """Give the Julian year of a modified Julian date."""
    return 2000 + (mjd - MJD_OF_J2000) / DAYS_PER_YEAR


def variables(table: Table) -> Bools:
    """Mark the stars that are said to vary or to be double."""
    if "dupvar" in table.colnames:
        # of RefCat2: 0 is constant, 1 varies, 2 is not known; 4 more says double
        # (Tonry et al. 2018, ApJ 867, 105)
        flag = np.nan_to_num(plain(table["dupvar"]))
        return np.asarray((flag % 4 == 1) | (flag >= 4))
    for name in ("phot_variable_flag", "is_variable"):
        if name in table.colnames:
            words = np.char.upper(np.asarray(table[name]).astype(str))
            return np.asarray((words == "VARIABLE") | (words == "TRUE"))
    return np.zeros(len(table), bool)


def bands_of(table: Table) -> Iterator[tuple[str, Magnitudes]]:
    """Give every column of magnitudes under the name of its band."""
    for name in table.colnames:
        if table[name].dtype.kind != "f":
            continue
        error = errors_of(table, name)
        if name == ANY_BAND or any(pattern.fullmatch(name) for pattern in MAGNITUDES):
            value = plain(table[name])
            yield in_band(table, name), Magnitudes(value, error, system_of(table, name))
        elif FLUXES.fullmatch(name) and table[name].unit == u.nJy:
            yield in_band(table, name), from_fluxes(plain(table[name]), error)


def in_band(table: Table, column: str) -> str:
    """Give the band that a column of magnitudes or fluxes is about."""
    if column == ANY_BAND:
        return ANY_BAND
    found = next(p.fullmatch(column) for p in (*MAGNITUDES, FLUXES) if p.fullmatch(column))
    band = str(found["band"]) if found else column
    return band.upper() if column.startswith("phot_") else band


def system_of(table: Table, column: str) -> str:
    """Give the photometric system: what the file says, else that of the band's name."""
    said = str(table.meta.get("photometric_system", ""))
    if said in ("AB", "Vega"):
        return said
    return "" if column == ANY_BAND else usual_system(in_band(table, column))


def errors_of(table: Table, name: str) -> Floats:
    """Give the column of errors that belongs to a column; NaN without one."""
    for pattern in ERROR_NAMES:
        if pattern.format(name) in table.colnames:
            return plain(table[pattern.format(name)])
    return np.full(len(table), np.nan)


def from_fluxes(flux: Floats, error: Floats) -> Magnitudes:
    """Turn fluxes in nJy into AB magnitudes."""
    light = np.where(flux > 0, flux, np.nan)
    relative = 2.5 / np.log(10) * error / light
    return Magnitudes(AB_OF_ONE_NJY - 2.5 * np.log10(light), relative, "AB")


def plain(column: Column) -> Floats:
    """Give a column as plain numbers, NaN where it is masked."""
    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan))


def in_unit(column: Column, unit: u.UnitBase) -> Floats:
    """Give a column in a unit; without one of its own it is in that unit already."""
    factor = 1.0 if column.unit is None else u.Unit(column.unit).to(unit)
    return plain(column) * factor
