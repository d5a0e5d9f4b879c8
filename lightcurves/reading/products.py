"""Light-curve FITS of TESS (SPOC, QLP, TGLC), Kepler and K2.

References
----------
TESS Science Data Products Description Document, EXP-TESS-ARC-ICD-0014 Rev F.
Kepler Archive Manual, KDMC-10008-006, section 2.3.1.
Huang et al. 2020, RNAAS 4, 204 (QLP); Han & Brandt 2023, AJ 165, 71 (TGLC).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightcurves.errors import BadLightCurve
from lightcurves.reading.curves import Curve, Floats, Integers, Measured, MissionFacts, usable
from lightcurves.reading.fits_tables import FITSTable, check_epoch

TESS = MissionFacts("TESS", "TIC", "btjd", "2457000", "tdb")
KEPLER = MissionFacts("Kepler", "KIC", "bkjd", "2454833", "tdb")
K2 = MissionFacts("K2", "EPIC", "k2_bkjd", "2454833", "tdb")
SECONDS = 86_400


@dataclass(frozen=True)
class Flux:
    """A column of flux: where its errors stand, and how it was made."""

    column: str
    source: str
    method: str | None = None
    errors: str | None = None  # a column, or a keyword with one error for all
    derived_from: str | None = None


@dataclass(frozen=True)
class Product:
    """What one maker calls the columns of its light curves."""

    name: str
    cadence: str
    flags: Mapping[str, str]  # column: kind of flags
    fluxes: tuple[Flux, ...]
    describe: Callable[[FITSTable], dict[str, Any]]


def _tess(table: FITSTable) -> dict[str, Any]:
    parts = (f"Camera {table.number('CAMERA')}", f"CCD {table.number('CCD')}")
    found = {
        "sector": table.number("SECTOR"),
        "exposure_s": _exposure_s(table),
        "cosmic_ray_mitigation": table.header.get("CRMITEN"),
    }
    facts = {name: value for name, value in found.items() if value is not None}
    return {
        "mission": TESS,
        "target": table.number("TICID"),
        "instrument": ("TESS", *parts),
        "kind": "tess",
        "facts": facts,
    }


def _exposure_s(table: FITSTable) -> float | None:
    """Give the time between cadences: TGLC states it in seconds and something else in days."""
    if "XPTIME" in table.header:
        return float(table.header["XPTIME"])
    days = table.header.get("TIMEDEL")
    return None if days is None else round(float(days) * SECONDS, 1)


def _kepler(table: FITSTable) -> dict[str, Any]:
    is_k2 = "CAMPAIGN" in table.header
    when = "campaign" if is_k2 else "quarter"
    facts = {when: table.number(when.upper()), "mode": str(table.keyword("OBSMODE"))}
    mission = K2 if is_k2 else KEPLER
    return {
        "mission": mission,
        "target": table.number("KEPLERID"),
        "instrument": ("Kepler", f"Channel {table.number('CHANNEL')}"),
        "kind": "kepler",
        "facts": facts,
    }


def _apertures(maker: str) -> tuple[Flux, ...]:
    """Give the columns of NASA's pipelines, which are alike."""
    source = f"{maker} aperture photometry"
    return (
        Flux("SAP_FLUX", source, errors="SAP_FLUX_ERR"),
        Flux("PDCSAP_FLUX", source, f"{maker} PDC", "PDCSAP_FLUX_ERR", "SAP_FLUX"),
        Flux("SAP_BKG", f"{maker} aperture background", errors="SAP_BKG_ERR"),
    )


SPOC = Product("SPOC", "CADENCENO", {"QUALITY": "tess_quality"}, _apertures("SPOC"), _tess)
KEPLER_SOC = Product(
    "Kepler SOC", "CADENCENO", {"SAP_QUALITY": "kepler_quality"}, _apertures("Kepler"), _kepler
)
QLP = Product(
    "QLP",
    "CADENCENO",
    {"QUALITY": "tess_quality"},
    (
        Flux("SAP_FLUX", "QLP aperture photometry"),
        Flux("SYS_RM_FLUX", "QLP aperture photometry", "QLP systematics removed", None, "SAP_FLUX"),
        Flux("KSPSAP_FLUX", "QLP aperture photometry", "QLP KSP", "KSPSAP_FLUX_ERR", "SAP_FLUX"),
        Flux("DET_FLUX", "QLP aperture photometry", "QLP detrending", "DET_FLUX_ERR", "SAP_FLUX"),
        Flux("SAP_BKG", "QLP aperture background", errors="SAP_BKG_ERR"),
    ),
    _tess,
)
TGLC = Product(
    "TGLC",
    "CADENCE_NUM",
    {"TESS_FLAGS": "tess_quality", "TGLC_FLAGS": "tglc_quality"},
    (
        Flux("PSF_FLUX", "TGLC PSF photometry", errors="PSF_ERR"),
        Flux("APERTURE_FLUX", "TGLC aperture photometry", errors="APER_ERR"),
        Flux("CAL_PSF_FLUX", "TGLC PSF photometry", "TGLC biweight", "CPSF_ERR", "PSF_FLUX"),
        Flux(
            "CAL_APER_FLUX", "TGLC aperture photometry", "TGLC biweight", "CAPE_ERR",
            "APERTURE_FLUX",
        ),
        Flux("BACKGROUND", "TGLC background"),
    ),
    _tess,
)  # fmt: skip


def product_of(table: FITSTable) -> Product:
    """Tell who made a light curve.

    Raises
    ------
    BadLightCurve
        If the headers name no telescope that is known here.
    """
    telescope = str(table.keyword("TELESCOP")).strip().upper()
    origin = str(table.header.get("ORIGIN", "")).upper()
    if telescope == "TESS":
        return next((one for one in (TGLC, QLP) if one.name in origin), SPOC)
    if telescope == "KEPLER":
        return KEPLER_SOC
    raise BadLightCurve(f"TELESCOP is {telescope!r}; light curves of TESS, Kepler and K2 are known")


def read_product(table: FITSTable) -> Curve:
    """Give the light curve of a table.

    Raises
    ------
    BadLightCurve
        If a column or keyword is missing, or the curve contradicts itself.
    """
    product = product_of(table)
    times = table.column("TIME").astype(np.float64)
    described = product.describe(table)
    check_epoch(table, described["mission"])
    cadences, facts, assumed = _cadences(table.column(product.cadence))
    measured, left = usable([_measured(table, flux) for flux in _fluxes(table, product)])
    described["facts"] |= {"product": product.name, **facts}
    return Curve(
        **described,
        cadences=cadences,
        times=times,
        flags={kind: _bits(table.column(name)) for name, kind in product.flags.items()},
        measured=measured,
        notes=(*assumed, *left),
        position=_position(table),
    )


def _position(table: FITSTable) -> tuple[float, float] | None:
    """Give where the target is, if the file says so; at its own epoch, no motion is put on."""
    stated = [table.header.get(name) for name in ("RA_OBJ", "DEC_OBJ")]
    if any(one in (None, "") for one in stated):
        return None
    try:
        ra, dec = map(float, stated)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadLightCurve(f"RA_OBJ and DEC_OBJ are {stated}; they must be degrees") from error
    return ra, dec


def _cadences(found: Integers) -> tuple[Integers, dict[str, bool], tuple[str, ...]]:
    """Give the cadence numbers; count the rows where a file has the same number throughout."""
    if found.size < 2 or (found != found[0]).any():
        return found.astype(np.int64), {}, ()
    note = f"the cadence number is {found[0]} throughout: rows are counted from 0 instead"
    return np.arange(found.size), {"numbered_by_row": True}, (note,)


def _fluxes(table: FITSTable, product: Product) -> list[Flux]:
    found = [flux for flux in product.fluxes if flux.column in table.columns]
    if not found:
        wanted = ", ".join(flux.column for flux in product.fluxes)
        raise BadLightCurve(f"there is no column of flux; {product.name} has {wanted}")
    return found


def _measured(table: FITSTable, flux: Flux) -> Measured:
    values = table.column(flux.column)
    return Measured(
        column=flux.column,
        source=flux.source,
        method=flux.method,
        values=values,
        errors=_errors(table, flux, values),
        derived_from=flux.derived_from,
        unit=table.unit(flux.column),
    )


def _errors(table: FITSTable, flux: Flux, values: Floats) -> Floats:
    """Give the errors of a column: of each value, one for all, or NaN where none is stated."""
    if flux.errors in table.columns:
        return table.column(str(flux.errors))
    return np.full_like(values, table.header.get(str(flux.errors), np.nan))


def _bits(found: Integers) -> Integers:
    """Give bits as numbers that are not negative, which the highest of 16 makes them in a file."""
    if found.dtype == np.int16:
        return found.view(np.uint16).astype(np.int32)
    return found.astype(np.int32) if found.dtype.itemsize < 4 else found
