"""The files of a difference: FITS images with WCS and provenance, and an ECSV of candidates."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from differencing.extraction import forced
from differencing.extraction.brightness import MAGNITUDES
from differencing.extraction.extract import DTYPE, FIELDS, Candidates
from differencing.extraction.forced import Forced
from differencing.parameters import Algorithm
from differencing.psf import stored as stored_psf
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import native, verify, wcs_header
from preprocessing.photometry.header_zero_point import read_cards, write_cards

Provenance = Mapping[str, str | int | float | bool]
StoredDifference = Difference  # what from_fits gives back: nothing is lost on the way

# The planes of the storage file, the field each one fills, its unit and meaning.
PLANES = {
    "DIFF": ("difference", "adu", "proper difference, science flux scale"),
    "SCORR": ("significance", "", "S_corr, sigma"),
    "FLUX": ("flux", "adu", "flux of a point source at each pixel"),
    "FLUXERR": ("flux_error", "adu", "1-sigma error of FLUX"),
    "MASK": ("mask", "", "mask bits of both frames"),
}
NOTHING: Provenance = {}
NO_FIGURES: Mapping[str, float] = {}
PAPERS = {
    Algorithm.ZOGY: "Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27",
    Algorithm.CLASSIC: "Alard & Lupton 1998, ApJ 503, 325",
    Algorithm.HOTPANTS: "Becker 2015, ASCL 1504.004",
}
KEYWORD_LENGTH = 8
COLUMNS = {"x": "pixel_x", "y": "pixel_y"}  # where the database calls a field otherwise


def difference_fits(difference: Difference, provenance: Provenance = NOTHING) -> bytes:
    """Give ``difference.fits``: D in science ADU, with the WCS and where it comes from."""
    return _image(difference, "DIFF", provenance)


def significance_fits(difference: Difference, provenance: Provenance = NOTHING) -> bytes:
    """Give ``significance.fits``: S_corr in sigma, with the WCS and where it comes from."""
    return _image(difference, "SCORR", provenance)


def psf_fits(difference: Difference, provenance: Provenance = NOTHING) -> bytes:
    """Give ``psf.fits``: the PSF of D at the centre of the frame, which sums to 1."""
    unit = fits.PrimaryHDU(difference.psf)
    unit.header["EXTNAME"] = ("PSF", "PSF of the difference, sums to 1")
    _describe(unit.header, difference, provenance, difference.figures)
    return _bytes(unit)


def to_fits(difference: Difference, provenance: Provenance = NOTHING) -> bytes:
    """Give one file with every plane and figure of a difference, for storage."""
    primary = fits.PrimaryHDU()
    _describe(primary.header, difference, provenance)
    celestial = wcs_header(difference.wcs)
    units = [_plane(fits.ImageHDU, difference, name, celestial) for name in PLANES]
    names, values = list(difference.figures), list(difference.figures.values())
    figures = Table([names, values], names=("name", "value"), dtype=(str, float))
    if difference.science_psf is not None:
        units += stored_psf.to_hdus(difference.science_psf)
    return _bytes(
        primary,
        *units,
        fits.ImageHDU(difference.psf, name="PSF"),
        fits.BinTableHDU(figures, name="FIGURES"),
    )


def from_fits(content: bytes) -> StoredDifference:
    """Read what :func:`to_fits` wrote; checksums are verified.

    Raises
    ------
    ValueError
        If a plane is missing or does not match its checksum.
    """
    with fits.open(io.BytesIO(content), memmap=False) as units:
        for name in (*PLANES, "PSF", "FIGURES"):
            verify(units, name)
        for name in (stored_psf.NAME, stored_psf.COVARIANCE):
            if name in units:
                verify(units, name)
        planes = {
            field: native(units[name].data, np.uint16 if name == "MASK" else np.float32)
            for name, (field, _, _) in PLANES.items()
        }
        return StoredDifference(
            **planes,
            psf=native(units["PSF"].data, np.float32),
            science_psf=stored_psf.from_hdus(units),
            wcs=WCS(units["DIFF"].header),
            figures={str(name): float(value) for name, value in units["FIGURES"].data},
            algorithm=Algorithm(units[0].header["METHOD"].lower()),
            zero_point=read_cards(units[0].header),
        )


def candidates_ecsv(candidates: Candidates, provenance: Provenance = NOTHING) -> bytes:
    """Give ``candidates.ecsv``: one row per candidate, columns with units and descriptions."""
    return _ecsv(_described(candidates, FIELDS), provenance)


def forced_ecsv(fluxes: Forced, provenance: Provenance = NOTHING) -> bytes:
    """Give ``forced.ecsv``: one row per place, its mask bits also by name."""
    table = _described(fluxes, forced.FIELDS)
    table["flags"] = [forced.names_of(int(bits)) for bits in fluxes["mask_bits"]]
    return _ecsv(table, provenance)


def _described(rows: NDArray[np.void], fields: tuple[tuple[str, str, str, str], ...]) -> Table:
    table = Table(rows)
    for name, _, unit, meaning in fields:
        table[name].unit = unit or None
        table[name].description = meaning
    return table


def _ecsv(table: Table, provenance: Provenance) -> bytes:
    table.meta.update(provenance)
    stream = io.StringIO()
    table.write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def candidates_from_ecsv(content: bytes) -> Candidates:
    """Read what :func:`candidates_ecsv` wrote.

    Raises
    ------
    ValueError
        If columns are missing.
    """
    table = Table.read(content.decode(), format="ascii.ecsv")
    missing = [name for name, *_ in FIELDS if name not in table.colnames]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}: this is no table of candidates")
    found = np.zeros(len(table), DTYPE)
    for name, *_ in FIELDS:
        found[name] = table[name]
    return found


def columns(candidates: Candidates) -> dict[str, NDArray[Any]]:
    """Give candidates as columns of the database; a magnitude or limit that is none is masked."""
    return {
        COLUMNS.get(name, name): (
            np.ma.masked_invalid(candidates[name]) if name in MAGNITUDES else candidates[name]
        )
        for name, *_ in FIELDS
    }


def rows(candidates: Candidates) -> list[dict[str, Any]]:
    """Give each candidate as plain numbers under the column names of the database.

    A magnitude or limit that there is not is None.
    """
    names = [name for name, *_ in FIELDS]
    return [{COLUMNS.get(name, name): _plain(row, name) for name in names} for row in candidates]


def _plain(row: np.void, name: str) -> Any:
    value = row[name].item()
    return None if name in MAGNITUDES and np.isnan(value) else value


def zero_point_facts(difference: Difference) -> Provenance:
    """Give what turns the fluxes of a difference into magnitudes, as keywords."""
    header = fits.Header()
    write_cards(header, difference.zero_point)
    return dict(header)


def _image(difference: Difference, name: str, provenance: Provenance) -> bytes:
    unit = _plane(fits.PrimaryHDU, difference, name, wcs_header(difference.wcs))
    _describe(unit.header, difference, provenance, difference.figures)
    return _bytes(unit)


def _plane(kind: Any, difference: Difference, name: str, celestial: fits.Header) -> Any:
    """Give one plane as a header unit of ``kind`` with its WCS, unit and meaning."""
    field, unit, meaning = PLANES[name]
    values: NDArray = getattr(difference, field)
    plane = kind(values, header=celestial)
    plane.header["EXTNAME"] = (name, meaning)
    if unit:
        plane.header["BUNIT"] = unit
    return plane


def _describe(
    header: fits.Header,
    difference: Difference,
    provenance: Provenance,
    figures: Mapping[str, float] = NO_FIGURES,
) -> None:
    """Write the method, the provenance keywords and the measured figures into ``header``.

    Raises
    ------
    ValueError
        If a keyword is too long for FITS.
    """
    header["METHOD"] = (difference.algorithm.value.upper(), PAPERS[difference.algorithm])
    for keyword, value in provenance.items():
        if len(keyword) > KEYWORD_LENGTH:
            raise ValueError(f"keyword {keyword!r} is longer than the 8 characters FITS allows")
        header[keyword.upper()] = value
    write_cards(header, difference.zero_point)
    for name, number in figures.items():
        header.add_history(f"{name} = {number:.9g}")


def _bytes(*units: Any) -> bytes:
    stream = io.BytesIO()
    fits.HDUList(list(units)).writeto(stream, checksum=True)
    return stream.getvalue()
