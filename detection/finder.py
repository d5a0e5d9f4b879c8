"""What lies around a place, for a finder chart: stars of a catalogue, or sources of a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from detection import context
from preprocessing.calibrated import CalibratedFrame
from preprocessing.photometry.magnitudes import magnitudes
from preprocessing.photometry.star_catalog import StarCatalog, chosen

Floats = NDArray[np.float64]

SOURCE_SIGMA = 3.0  # per pixel; fainter sources help nobody to find a place
LEAST_OFFSET_ARCSEC = 3.0  # what is nearer is the target itself, or blended with it
LEAST_WINDOW_PX = 8


@dataclass(frozen=True)
class Star:
    """Something that shines near a place; offsets are from the place, arcsec."""

    ra: float
    dec: float
    east: float
    north: float
    magnitude: float | None
    is_point: bool
    is_variable: bool = False


def offsets(ra0: float, dec0: float, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    """Give the offsets of positions to the east and to the north of a place.

    Parameters
    ----------
    ra0, dec0 : float
        The place, degrees.
    ra, dec : (n,) arrays
        Positions, degrees.

    Returns
    -------
    (n,), (n,) float arrays
        Arcsec, along the great circles through the place.
    """
    place = SkyCoord(ra0 * u.deg, dec0 * u.deg)
    east, north = place.spherical_offsets_to(SkyCoord(ra * u.deg, dec * u.deg))
    return east.to_value(u.arcsec), north.to_value(u.arcsec)


def stars_of_catalog(
    catalog: StarCatalog, ra: float, dec: float, *, radius_arcsec: float, band: str, mjd: float
) -> list[Star]:
    """Give the stars of a catalogue around a place at a date, brightest first.

    ``band`` is the filter whose magnitudes are given; none where the catalogue does not have it.
    """
    there, up = catalog.at(mjd)
    # A square of the sky first: great circles over a whole catalogue take too long for a page.
    wide = radius_arcsec / 3600 / max(np.cos(np.radians(dec)), 1e-6)
    apart = np.abs((there - ra + 180) % 360 - 180)
    index = np.flatnonzero((apart <= wide) & (np.abs(up - dec) <= radius_arcsec / 3600))
    near = chosen(catalog, index)
    try:
        values = near.magnitudes(band).value
    except ValueError:  # the catalogue has other bands; the stars are there all the same
        values = np.full(len(near), np.nan)
    east, north = offsets(ra, dec, there[index], up[index])
    columns = (there[index], up[index], east, north, values, near.is_variable)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    stars = [Star(a, d, e, n, _finite(m), True, bool(varies)) for a, d, e, n, m, varies in rows]
    return _brightest_first(stars)


def stars_of_frame(
    frame: CalibratedFrame, ra: float, dec: float, *, radius_arcsec: float, scale: float
) -> list[Star]:
    """Find the sources of a frame around a place, brightest first.

    Parameters
    ----------
    frame : CalibratedFrame
        With a celestial WCS.
    ra, dec : float
        Degrees.
    radius_arcsec : float
        Half the side of the square that is looked at.
    scale : float
        Arcsec per pixel.
    """
    x, y = (float(each) for each in frame.wcs.all_world2pix(ra, dec, 0))
    rows, columns = _window(frame.shape, x, y, np.sqrt(2) * radius_arcsec / scale)
    pixels = frame.pixels[rows, columns]
    if min(pixels.shape) < LEAST_WINDOW_PX:
        return []
    found = context.find_reference_sources(
        np.ascontiguousarray(pixels),
        float(np.nanmedian(frame.noise[rows, columns])),
        frame.mask[rows, columns],
        threshold=SOURCE_SIGMA,
    )
    return _brightest_first(_as_stars(frame, found, (columns.start, rows.start), (ra, dec)))


def _window(shape: tuple[int, int], x: float, y: float, half: float) -> tuple[slice, slice]:
    ny, nx = shape
    if not (np.isfinite(x) and np.isfinite(y)):
        return slice(0, 0), slice(0, 0)
    rows = slice(int(np.clip(y - half, 0, ny)), int(np.clip(y + half + 1, 0, ny)))
    return rows, slice(int(np.clip(x - half, 0, nx)), int(np.clip(x + half + 1, 0, nx)))


def _as_stars(
    frame: CalibratedFrame,
    found: context.ReferenceSources,
    corner: tuple[int, int],
    place: tuple[float, float],
) -> list[Star]:
    there, up = frame.wcs.all_pix2world(found.x + corner[0], found.y + corner[1], 0)
    east, north = offsets(*place, there, up)
    values = (
        np.full(len(found), np.nan)
        if frame.zero_point is None
        else magnitudes(found.flux, frame.zero_point)
    )
    columns = (there, up, east, north, values, found.is_point)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Star(a, d, e, n, _finite(m), bool(p)) for a, d, e, n, m, p in rows]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _brightest_first(stars: list[Star]) -> list[Star]:
    return sorted(stars, key=lambda star: np.inf if star.magnitude is None else star.magnitude)


def offset_stars(stars: Sequence[Star], number: int, radius_arcsec: float) -> list[Star]:
    """Choose the brightest point sources of the chart from which one can step to the place."""
    usable = [
        star
        for star in stars
        if star.is_point
        and star.magnitude is not None
        and np.hypot(star.east, star.north) > LEAST_OFFSET_ARCSEC
        and max(abs(star.east), abs(star.north)) <= radius_arcsec
    ]
    return usable[:number]
