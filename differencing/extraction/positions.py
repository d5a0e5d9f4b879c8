"""Tables of places at which fluxes are wanted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io.ascii import InconsistentTableError
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.photometry.catalog_columns import PLACES

# names of the two columns, as people and our own tables write them; the first pair that is there
SKY = (*PLACES, ("ra_deg", "dec_deg"))
PIXELS = (("x", "y"), ("pixel_x", "pixel_y"), ("X", "Y"))
BY_SUFFIX = {".fits": "fits", ".fit": "fits", ".vot": "votable", ".xml": "votable"}
TEXT = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv"}


@dataclass(frozen=True)
class Positions:
    """Places in the sky (degrees ICRS) or in the image (pixels from 0)."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    is_sky: bool

    def pixels(self, wcs: WCS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give x and y, 0-based; NaN where the sky has no place in the image.

        Raises
        ------
        ValueError
            If places in the sky meet an image without a celestial WCS.
        """
        if not self.is_sky:
            return self.first, self.second
        if not wcs.has_celestial:
            raise ValueError(
                "the positions are right ascensions and declinations, but the frames have no WCS: "
                "give x and y in pixels instead"
            )
        x, y = wcs.all_world2pix(self.first, self.second, 0, quiet=True)
        return np.asarray(x), np.asarray(y)


def read(path: Path) -> Positions:
    """Read a table with columns ra and dec, or x and y: ECSV, CSV, FITS, VOTable or plain text.

    Raises
    ------
    ValueError
        If it is no table, has no such columns, or angles that no place in the sky has.
    """
    suffix = path.suffix.lower()
    kind = BY_SUFFIX.get(suffix) or TEXT.get(suffix, "ascii")
    try:
        table = Table.read(path, format=kind)
    except (InconsistentTableError, ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{path.name} cannot be read as a table ({kind}): {reason}") from error
    for names, is_sky in [(pair, True) for pair in SKY] + [(pair, False) for pair in PIXELS]:
        if all(name in table.colnames for name in names):
            first, second = (_numbers(path, table, name) for name in names)
            if is_sky:
                _check_range(path, names[0], first, (-360.0, 360.0))
                _check_range(path, names[1], second, (-90.0, 90.0))
            return Positions(first, second, is_sky)
    raise ValueError(
        f"{path.name} has the columns {', '.join(table.colnames)}: ra and dec (degrees), or x and "
        "y (pixels from 0) are needed"
    )


def _check_range(
    path: Path, name: str, angles: NDArray[np.float64], limits: tuple[float, float]
) -> None:
    wrong = angles[(angles < limits[0]) | (angles > limits[1])]
    if len(wrong):
        raise ValueError(
            f"column {name} of {path.name} holds {wrong[0]:g} degrees ({len(wrong)} such rows): "
            f"{limits[0]:g} to {limits[1]:g} is possible"
        )


def _numbers(path: Path, table: Table, name: str) -> NDArray[np.float64]:
    """Give a column as numbers, NaN where it is empty."""
    column = table[name]
    if column.dtype.kind not in "iuf":
        raise ValueError(
            f"column {name} of {path.name} holds {column.dtype}: decimal numbers are needed"
        )
    return np.asarray(np.ma.filled(np.ma.asarray(column, dtype=float), np.nan), np.float64)
