"""Where a frame lies on the sky, or why its header cannot tell."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.wcs import WCS, WcsError
from astropy.wcs.utils import pixel_to_skycoord

from observations.fits_blocks import Hdu, card, quiet_astropy
from observations.fits_wcs_checks import (
    ADVICE,
    check_distortion,
    check_statements,
    without_leftovers,
)

# Coarser than any survey camera: an all-sky camera has about 400 arcsec per pixel.
MAX_SCALE_ARCSEC = 1000.0
LINEAR = ("CD1_1", "CD1_2", "CD2_1", "CD2_2")


@dataclass(frozen=True)
class Place:
    """Centre, corners (degrees ICRS) and scale of a frame."""

    ra: float
    dec: float
    pixel_scale_arcsec: float
    footprint: tuple[tuple[float, float], ...]


NOWHERE = Place(ra=np.nan, dec=np.nan, pixel_scale_arcsec=np.nan, footprint=())


def names_axes(header: fits.Header) -> bool:
    """Tell whether a header says, rightly or not, what its axes are."""
    return any(str(card(header, key) or "").strip() for key in ("CTYPE1", "CTYPE2"))


def celestial_wcs(hdu: Hdu, header: fits.Header, shape: tuple[int, ...]) -> WCS:
    """Build the celestial WCS of an image.

    Parameters
    ----------
    hdu : Hdu
        Named in messages.
    header : Header
        Holds the WCS keywords.
    shape : (ny, nx)

    Raises
    ------
    BadImage
        When CTYPE names no pair of celestial axes, there is no scale or two that differ, or the
        numbers make no projection that can be inverted.
    """
    for keyword in ("CTYPE1", "CTYPE2"):
        if not str(card(header, keyword) or "").strip():
            raise hdu.refuse(keyword, "is missing, so the frame has no celestial WCS", ADVICE)
    check_scale(hdu, header)
    check_statements(hdu, header)
    try:
        with quiet_astropy():
            wcs = WCS(without_leftovers(header), naxis=2, fix=True)
            wcs.wcs.set()
    except (WcsError, ValueError, TypeError, KeyError, MemoryError, VerifyError) as error:
        reason = " ".join(str(error).split())[:120]
        raise hdu.refuse(
            "CTYPE1", f"starts a WCS that cannot be used ({reason})", ADVICE
        ) from error
    if not wcs.has_celestial:
        types = " and ".join(repr(card(header, key)) for key in ("CTYPE1", "CTYPE2"))
        raise hdu.refuse("CTYPE1", f"and CTYPE2 are {types}, which is no place in the sky", ADVICE)
    check_distortion(hdu, wcs, shape)
    wcs.array_shape = shape
    return wcs


def check_scale(hdu: Hdu, header: fits.Header) -> None:
    """Refuse a header whose linear part is absent or all zero; astropy would assume 1 deg/px."""
    given = {key: card(header, key) for key in (*LINEAR, "CDELT1", "CDELT2")}
    matrix = [given[key] for key in LINEAR if given[key] is not None]
    if not matrix and given["CDELT1"] is None:
        raise hdu.refuse("CD1_1", "is missing (nor is there CDELT1)", ADVICE)
    if matrix and not any(matrix):
        raise hdu.refuse("CD1_1", "and the rest of the CD matrix are zero", ADVICE)


def place_of(hdu: Hdu, wcs: WCS, shape: tuple[int, ...]) -> Place:
    """Work out the centre, scale and corners of a frame of ``shape`` (ny, nx).

    Raises
    ------
    BadImage
        When the WCS gives no finite positions or an impossible scale there.
    """
    ny, nx = shape
    x, y = (nx - 1) / 2, (ny - 1) / 2
    corners_x, corners_y = [-0.5, nx - 0.5, nx - 0.5, -0.5], [-0.5, -0.5, ny - 0.5, ny - 0.5]
    sky = to_icrs(
        hdu,
        wcs,
        np.array([x, x - 0.5, x + 0.5, x, x, *corners_x]),
        np.array([y, y, y, y - 0.5, y + 0.5, *corners_y]),
    )
    ra, dec = sky.ra.deg % 360.0, sky.dec.deg
    if not (np.isfinite(ra).all() and np.isfinite(dec).all()):
        raise hdu.refuse("CRVAL1", "and the other WCS keywords give no finite position", ADVICE)
    scale = pixel_scale(sky)
    if not 0 < scale < MAX_SCALE_ARCSEC:
        raise hdu.refuse("CD1_1", f"makes pixels of {scale:g} arcsec", ADVICE)
    footprint = tuple(zip(ra[5:].tolist(), dec[5:].tolist(), strict=True))
    return Place(float(ra[0]), float(dec[0]), scale, footprint)


def to_icrs(hdu: Hdu, wcs: WCS, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> SkyCoord:
    """ICRS positions of 0-based pixels, distortion included."""
    try:
        with quiet_astropy():
            return pixel_to_skycoord(x, y, wcs, origin=0, mode="all").icrs
    except (WcsError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise hdu.refuse("CTYPE1", f"gives no position in the sky ({reason})", ADVICE) from error


def pixel_scale(sky: SkyCoord) -> float:
    """Square root of a pixel's area, arcsec, from the ends of its middle lines in ``sky[1:5]``."""
    width, height = sky[1].separation(sky[2]).arcsec, sky[3].separation(sky[4]).arcsec
    angle = sky[1].position_angle(sky[2]) - sky[3].position_angle(sky[4])
    return float(np.sqrt(width * height * abs(np.sin(angle.rad))))
