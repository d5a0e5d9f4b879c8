"""Files of light curves as their makers write them, of any numbers."""

import numpy as np
from astropy.io import fits

SPOC = {
    "TELESCOP": "TESS", "ORIGIN": "NASA/Ames", "TICID": 1234, "SECTOR": 1, "CAMERA": 4, "CCD": 1,
}  # fmt: skip
QLP = SPOC | {"ORIGIN": "MIT/QLP"}
TGLC = SPOC | {"ORIGIN": "UCSB/TGLC", "TICID": "1234"}
KEPLER = {
    "TELESCOP": "Kepler", "KEPLERID": 77, "QUARTER": 3, "CHANNEL": 58, "OBSMODE": "long cadence",
}  # fmt: skip
COUNT = {"BJDREFI": 2457000, "BJDREFF": 0.0, "TIMESYS": "TDB", "TIMEDEL": 120 / 86_400}


def spoc_columns(n=6):
    """Give the columns of a SPOC light curve that is as it should be."""
    flux = np.linspace(100, 105, n).astype(np.float32)
    return {
        "TIME": 1325.0 + np.arange(n) / 720,
        "CADENCENO": np.arange(70_444, 70_444 + n, dtype=np.int32),
        "SAP_FLUX": flux,
        "SAP_FLUX_ERR": np.full(n, 0.5, np.float32),
        "PDCSAP_FLUX": flux * 2,
        "PDCSAP_FLUX_ERR": np.full(n, 0.25, np.float32),
        "QUALITY": np.arange(n, dtype=np.int32),
    }


def write(path, columns, primary=SPOC, table=COUNT, units=None, **options):
    """Write columns and keywords as a light curve; None leaves one out."""
    formats = {"f8": "D", "f4": "E", "i4": "J", "i2": "I", "i8": "K", "b1": "L", "u1": "B"}
    parts = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([
        fits.Column(name, formats[array.dtype.str[1:]], array=array, unit=(units or {}).get(name))
        for name, array in columns.items() if array is not None
    ], name="LIGHTCURVE")]  # fmt: skip
    for part, header in zip(parts, (primary, table), strict=True):
        part.header.update({name: value for name, value in header.items() if value is not None})
    fits.HDUList(parts).writeto(path, **options)
    return path
