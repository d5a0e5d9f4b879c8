"""Any file of light curves."""

from pathlib import Path

from lightcurves.errors import BadLightCurve
from lightcurves.reading.curves import Curve
from lightcurves.reading.fits_tables import read_table
from lightcurves.reading.products import read_product
from lightcurves.reading.ztf import read_csv

FITS_ENDINGS = (".fits", ".fit", ".fits.gz", ".fit.gz")
ENDINGS = (*FITS_ENDINGS, ".csv")


def read_file(path: Path) -> list[Curve]:
    """Give the light curves of a file.

    Raises
    ------
    BadLightCurve
        If it is no light curve, or one that contradicts itself.
    OSError
        If it cannot be read at all.
    """
    name = path.name.lower()
    if name.endswith(FITS_ENDINGS):
        return [read_product(read_table(path))]
    if name.endswith(".csv"):
        return read_csv(path)
    raise BadLightCurve(f"the name ends in none of {', '.join(ENDINGS)}")
