"""What a WCS in a header must not say: two things at once, or what folds the frame."""

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS

from observations.fits_blocks import Hdu, card

ADVICE = "solve the frame astrometrically and write the solution into its header"
MATRIX = ("1_1", "1_2", "2_1", "2_2")
# Two matrices of one frame agree to the digits that a header writes.
MATRIX_AGREES = 1e-3
# Pixels at which the distortion is looked at, along each side.
LOOKS = 9
# A wide-angle lens has pixels that differ by less; polynomials outside the frame that they were
# fitted to, by more.
LARGEST_AREA_RATIO = 10.0
# Square arcseconds: rounding.
LEAST_AREA = 1e-9

Floats = npt.NDArray[np.float64]


def check_statements(hdu: Hdu, header: fits.Header) -> None:
    """Refuse a header that states its scale in two ways, or a place that is none.

    Raises
    ------
    BadImage
        Two matrices that differ, a declination beyond the poles.
    """
    given, other = matrix(header, "CD"), matrix(header, "PC")
    if given is not None and other is not None:
        other = other * [[number(header, "CDELT1", 1.0)], [number(header, "CDELT2", 1.0)]]
        if np.abs(given - other).max() > MATRIX_AGREES * np.abs(given).max():
            raise hdu.refuse(
                "CD1_1",
                f"and the matrix {words(given)} contradict PC times CDELT, {words(other)} deg",
                "remove the wrong one",
            )
    declination = number(header, "CRVAL2", 0.0)
    if str(card(header, "CTYPE2")).startswith("DEC") and abs(declination) > 90:
        raise hdu.refuse("CRVAL2", f"is {declination:g} deg, beyond the pole", ADVICE)


def without_leftovers(header: fits.Header) -> fits.Header:
    """Leave SCAMP's PV cards out of a header that states its distortion as SIP.

    Surveys that turn SCAMP's solution into SIP leave them there, and wcslib refuses them.
    """
    if not str(card(header, "CTYPE1")).endswith("-SIP") or card(header, "A_ORDER") is None:
        return header
    cleaned = header.copy()
    for keyword in [name for name in header if name.startswith(("PV1_", "PV2_"))]:
        cleaned.remove(keyword, remove_all=True)
    return cleaned


def matrix(header: fits.Header, name: str) -> Floats | None:
    """Give the matrix CD or PC, None when the header has no element of it."""
    given = [card(header, name + index) for index in MATRIX]
    if all(value is None for value in given):
        return None
    unit = (1.0, 0.0, 0.0, 1.0) if name == "PC" else (0.0,) * 4
    values = [number(header, name + index, unit[i]) for i, index in enumerate(MATRIX)]
    return np.array(values).reshape(2, 2)


def number(header: fits.Header, keyword: str, default: float) -> float:
    """Give the value of a keyword, the default when it has none or is no number."""
    value = card(header, keyword)
    return float(value) if isinstance(value, int | float) else default


def words(values: Floats) -> str:
    """Give the elements of a matrix."""
    return "(" + ", ".join(f"{value:.4g}" for value in values.ravel()) + ")"


def check_distortion(hdu: Hdu, wcs: WCS, shape: tuple[int, ...]) -> None:
    """Refuse a distortion that folds the frame, or stretches its pixels beyond belief.

    Raises
    ------
    BadImage
        With the smallest and the largest pixel.
    """
    sides = (np.linspace(0, size - 1, LOOKS) for size in (shape[1], shape[0]))
    x, y = (side.ravel() for side in np.meshgrid(*sides))
    here, right, up = (vectors(wcs, x + dx, y + dy) for dx, dy in ((0, 0), (1, 0), (0, 1)))
    area = np.einsum("ij,ij->i", np.cross(right - here, up - here), here)
    area = area[np.isfinite(area)] * np.degrees(3600.0) ** 2
    if np.abs(area).max(initial=0.0) < LEAST_AREA:
        return  # no scale at all, which is refused where the scale is worked out
    smallest, largest = sorted((float(area.min()), float(area.max())), key=abs)
    if smallest * largest <= 0 or largest / smallest > LARGEST_AREA_RATIO:
        raise hdu.refuse(
            "CTYPE1",
            f"starts a solution with pixels from {smallest:.3g} to {largest:.3g} square arcsec "
            "within the frame (the sign is the handedness)",
            "its polynomial is not that of this frame: " + ADVICE,
        )


def vectors(wcs: WCS, x: Floats, y: Floats) -> Floats:
    """Give the unit vectors (n, 3) of 0-based pixels, in the WCS's own frame."""
    lon, lat = np.radians(wcs.all_pix2world(x, y, 0))
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
