"""Cutouts as FITS: their planes, each with the coordinates of the difference they are from."""

import io
import math

from astropy.io import fits

from astrid.core import store
from astrid.core.errors import MissingFile
from catalog.vo.errors import NotFound
from detection import cutouts
from detection.models import Detection

_PLANE = "DIFF"


def as_fits(detection: Detection) -> bytes:
    """Give the cutouts of a detection as one FITS file with an image per plane.

    Raises
    ------
    NotFound
        If it has none, or the difference that knows their coordinates is gone.
    """
    difference = detection.model_run.difference_run
    if not detection.cutouts_path or difference is None or not difference.difference_image_path:
        raise NotFound(f"detection {detection.pk} has no cutouts")
    try:
        planes = cutouts.from_npz(store.get(detection.cutouts_path))
        whole = store.get(difference.difference_image_path)
    except MissingFile as error:
        raise NotFound(str(error)) from error
    header = _header(whole, detection, planes.shape[-1])
    units = [fits.PrimaryHDU()]
    for name, plane in zip(cutouts.PLANES, planes, strict=True):
        units.append(fits.ImageHDU(plane.astype("float32"), header, name=name.upper()))
    stream = io.BytesIO()
    fits.HDUList(units).writeto(stream, checksum=True)
    return stream.getvalue()


def _header(whole: bytes, detection: Detection, side: int) -> fits.Header:
    """Give the coordinates of a difference, moved to the corner of a cutout."""
    with fits.open(io.BytesIO(whole), memmap=False) as units:
        header = units[_PLANE].header.copy(strip=True)
    for axis, centre in ((1, detection.pixel_x), (2, detection.pixel_y)):
        # The nearest pixel is the middle of the square, as it was cut.
        header[f"CRPIX{axis}"] -= math.floor(centre + 0.5) - side // 2
    for name in ("EXTNAME", "CHECKSUM", "DATASUM"):
        header.remove(name, ignore_missing=True)
    return header
