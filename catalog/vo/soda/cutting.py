"""Images in FITS, cut to what a region of the sky covers of them."""

import io
import math

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS

from catalog.vo.soda.regions import Region
from observations.fits_blocks import quiet_astropy

# So many places each way of an image are asked whether the region holds them.
_GRID = 65
Box = tuple[slice, slice]


def cut(content: bytes, region: Region) -> bytes | None:
    """Cut every image of a file that has coordinates; the rest stays as it is.

    Parameters
    ----------
    content : bytes
        FITS.
    region : Region

    Returns
    -------
    bytes or None
        FITS with the smaller images, or nothing where no image shows any of the region.
    """
    made, some = [], False
    with quiet_astropy(), fits.open(io.BytesIO(content), memmap=False) as units:
        for unit in units:
            wcs = _coordinates(unit)
            box = None if wcs is None else covered(wcs, unit.shape, region)
            if wcs is None:
                made.append(unit.copy())
            elif box is not None:
                made.append(_part(unit, box, is_first=not made))
                some = True
        if not some:
            return None
        if not isinstance(made[0], fits.PrimaryHDU):
            made.insert(0, fits.PrimaryHDU())
        stream = io.BytesIO()
        fits.HDUList(made).writeto(stream, checksum=True, output_verify="silentfix")
    return stream.getvalue()


def _coordinates(unit: fits.hdu.base.ExtensionHDU) -> WCS | None:
    is_image = isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)
    if not is_image or len(unit.shape) != 2:
        return None
    wcs = WCS(unit.header)
    return wcs if wcs.has_celestial and wcs.wcs.lng < wcs.wcs.lat else None


def covered(wcs: WCS, shape: tuple[int, int], region: Region) -> Box | None:
    """Give the rows and columns of an image that a region covers; nothing where it covers none.

    The edges are exact for regions that are small in the image; of large ones, whose outline
    leaves it, they are good to a 64th of the image, and never too narrow.
    """
    height, width = shape
    columns, rows = np.linspace(-0.5, width - 0.5, _GRID), np.linspace(-0.5, height - 0.5, _GRID)
    x, y = (each.ravel() for each in np.meshgrid(columns, rows))
    ra, dec = wcs.all_pix2world(x, y, 0)
    inside = region.holds(np.asarray(ra) % 360, np.asarray(dec))
    step_x, step_y = width / (_GRID - 1), height / (_GRID - 1)
    spans_x = [x[inside] - step_x, x[inside] + step_x]
    spans_y = [y[inside] - step_y, y[inside] + step_y]
    edge_x, edge_y = _on_image(wcs, shape, region)
    # Where the outline lies in the image altogether, it says exactly how far the region goes.
    if edge_x.size and edge_x.size == len(region.outline()):
        spans_x, spans_y = [], []
    return _box(np.hstack([*spans_x, edge_x]), np.hstack([*spans_y, edge_y]), shape)


def _on_image(
    wcs: WCS, shape: tuple[int, int], region: Region
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give where the outline of a region crosses an image, pixels from 0."""
    height, width = shape
    # Distortion is undone by steps that lead nowhere far outside of the image.
    places = region.outline()
    x, y = wcs.wcs_world2pix(*places.T, 0)
    places = places[(np.abs(x - width / 2) < width) & (np.abs(y - height / 2) < height)]
    if not len(places):
        return np.empty(0), np.empty(0)
    x, y = wcs.all_world2pix(*places.T, 0, quiet=True)
    within = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    # What lies behind the plane of projection can fall on it: only what leads back is there.
    within[within] = _returns(wcs, x[within], y[within], places[within])
    return x[within], y[within]


def _returns(
    wcs: WCS,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    places: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    ra, dec = wcs.all_pix2world(x, y, 0)
    near = np.abs(np.asarray(dec) - places[:, 1]) < _SAME_DEG
    around = (np.asarray(ra) - places[:, 0] + 180) % 360 - 180
    return near & (np.abs(around) * np.cos(np.radians(places[:, 1])) < _SAME_DEG)


_SAME_DEG = 1e-3


def _box(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], shape: tuple[int, int]
) -> Box | None:
    if not x.size:
        return None
    return _span(y, shape[0]), _span(x, shape[1])


def _span(along: npt.NDArray[np.float64], length: int) -> slice:
    """Give the pixels that positions lie on; a pixel reaches half a pixel to each side."""
    first, last = math.floor(along.min() + 0.5), math.floor(along.max() + 0.5)
    return slice(max(0, min(first, length - 1)), min(length, last + 1))


def _part(
    unit: fits.hdu.base.ExtensionHDU, box: Box, *, is_first: bool
) -> fits.PrimaryHDU | fits.ImageHDU:
    header = unit.header.copy(strip=True)
    for axis, along in ((1, box[1]), (2, box[0])):
        header[f"CRPIX{axis}"] = header.get(f"CRPIX{axis}", 0.0) - along.start
    for name in ("CHECKSUM", "DATASUM"):
        header.remove(name, ignore_missing=True)
    made = fits.PrimaryHDU if is_first else fits.ImageHDU
    return made(np.ascontiguousarray(unit.data[box]), header)
