"""Star catalogues: places and magnitudes of known stars."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from observations.fits_blocks import quiet_astropy
from preprocessing.photometry.bands import band_name, usual_system
from preprocessing.photometry.catalog_columns import (
    ANY_BAND,
    Magnitudes,
    bands_of,
    epoch_of,
    julian_year,
    motions,
    place_errors,
    places,
    variables,
)
from preprocessing.photometry.parquet import read_parquet

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# How a file begins, and what astropy calls its format.
BEGINNINGS = (
    (b"# %ECSV", "ascii.ecsv"),
    (b"SIMPLE  =", "fits"),
    (b"<?xml", "votable"),
    (b"<VOTABLE", "votable"),
    (b"PAR1", "parquet"),
)
MAS_PER_DEG = 3.6e6


@dataclass(frozen=True)
class StarCatalog:
    """Known stars.

    Attributes
    ----------
    name : str
        For messages.
    ra, dec : (n,) arrays
        Degrees, ICRS, at ``epoch``.
    pm_ra, pm_dec : (n,) arrays
        Proper motion, mas/yr, ``pm_ra`` with cos(dec) in it; zero where it is not known.
    position_error : (n,) array
        Arcseconds per axis; NaN where it is not known.
    epoch : float or None
        Julian year of the places; None when the file does not say it.
    is_variable : (n,) bool array
        Known to vary, or not to be one star.
    bands : mapping of str to Magnitudes
    """

    name: str
    ra: Floats
    dec: Floats
    pm_ra: Floats
    pm_dec: Floats
    position_error: Floats
    epoch: float | None
    is_variable: Bools
    bands: Mapping[str, Magnitudes]

    def __len__(self) -> int:
        return int(self.ra.size)

    def at(self, mjd: float) -> tuple[Floats, Floats]:
        """Give right ascension and declination, degrees, at a date, proper motion applied."""
        if self.epoch is None:
            return self.ra, self.dec
        years = julian_year(mjd) - self.epoch
        along = self.pm_ra * years / MAS_PER_DEG / np.cos(np.radians(self.dec))
        return (self.ra + along) % 360, self.dec + self.pm_dec * years / MAS_PER_DEG

    def magnitudes(self, filter_band: str) -> Magnitudes:
        """Give the magnitudes in the band of a filter.

        Raises
        ------
        ValueError
            If the catalogue has none; the message lists the bands that it has.
        """
        band = band_name(filter_band)
        found = self.bands.get(band) or self.bands.get(ANY_BAND)
        if found is None:
            has = ", ".join(sorted(self.bands)) or "no magnitudes"
            raise ValueError(
                f"star catalogue {self.name} has no magnitudes in filter {filter_band!r} "
                f"(it has {has}): give a catalogue of this band"
            )
        return found if found.system else replace(found, system=usual_system(band))


def read_star_catalog(source: Path | bytes, name: str = "") -> StarCatalog:
    """Read a star catalogue from ECSV, CSV, FITS, VOTable or Parquet.

    Parameters
    ----------
    source : path or bytes
        Columns of places (``ra``, ``dec``, ``RAJ2000``, ``RA_ICRS``, ...; degrees unless the file
        gives a unit) and magnitudes (``r``, ``rmag``, ``r'mag``, ``mag_r``, ...).
    name : str, optional
        What messages call it; the file's own name where it has one.

    Raises
    ------
    ValueError
        If it cannot be read, has no columns of places, or no star.
    """
    name = name or (source.name if isinstance(source, Path) else "(bytes)")
    table = read_table(source.read_bytes() if isinstance(source, Path) else source, name)
    ra, dec = places(table, name)
    known = np.isfinite(ra) & np.isfinite(dec)
    if not known.any():
        raise ValueError(f"star catalogue {name} has no star with a place among {len(table)} rows")
    pm_ra, pm_dec = motions(table)
    catalog = StarCatalog(
        name=name,
        ra=ra % 360,
        dec=dec,
        pm_ra=pm_ra,
        pm_dec=pm_dec,
        position_error=place_errors(table),
        epoch=epoch_of(table),
        is_variable=variables(table),
        bands=dict(bands_of(table)),
    )
    return catalog if known.all() else chosen(catalog, known)


def chosen(catalog: StarCatalog, index: NDArray) -> StarCatalog:
    """Give some of the stars, by a mask or by their numbers."""
    values = {
        each.name: value[index] if isinstance(value, np.ndarray) else value
        for each in fields(catalog)
        for value in [getattr(catalog, each.name)]
    }
    values["bands"] = {
        band: Magnitudes(of.value[index], of.error[index], of.system)
        for band, of in catalog.bands.items()
    }
    return StarCatalog(**values)


def kind_of(content: bytes) -> str:
    """Tell the format of a table by its first bytes, in the word of astropy; CSV if they do not."""
    start = content.lstrip()[:16]
    return next((kind for begin, kind in BEGINNINGS if start.startswith(begin)), "ascii.csv")


def read_table(content: bytes, name: str) -> Table:
    """Read the table of a file whose format its first bytes tell; CSV when they do not."""
    kind = kind_of(content)
    try:
        # of text, astropy takes lines; a single string without a line feed would be a file's name
        lines = content.decode().splitlines() if kind.startswith("ascii") else io.BytesIO(content)
        with quiet_astropy():
            return read_parquet(content) if kind == "parquet" else Table.read(lines, format=kind)
    except (ValueError, OSError, TypeError, KeyError, IndexError) as error:
        words = " ".join(str(error).split())[:200]
        raise ValueError(
            f"star catalogue {name} cannot be read as {kind.removeprefix('ascii.')}: {words}; "
            "give ECSV, CSV, FITS, VOTable or Parquet"
        ) from error
