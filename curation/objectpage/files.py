"""What can be taken away from the page: the light curve as a table, the cutouts as FITS."""

import io

import numpy as np
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid import __version__
from curation.objectpage.subject import Subject
from curation.series import History
from detection import cutouts
from detection.models import Detection
from differencing.origin import printable

# Ending of the name: astropy's format, and what the file is.
FORMATS = {
    "csv": ("ascii.csv", "text/csv"),
    "ecsv": ("ascii.ecsv", "application/x-ecsv"),
    "vot": ("votable", "application/x-votable+xml"),
}


def light_curve(subject: Subject, history: History) -> Table:
    """Give the light curve as a table: one row per point, limits without an error."""
    points = history.epochs
    mjd = np.array([point.mjd for point in points], float)
    table = Table(
        {
            "mjd": mjd,
            "time_utc": np.array(Time(mjd, format="mjd", scale="utc").isot, "U23"),
            "band": np.array([point.band for point in points], "U50"),
            "magnitude": _magnitudes([None if p.is_limit else p.value for p in points]),
            "magnitude_error": _magnitudes([point.error for point in points]),
            "upper_limit": _magnitudes([p.value if p.is_limit else None for p in points]),
            "system": np.array([point.system for point in points], "U20"),
            "exposure": np.array([point.exposure for point in points], "U255"),
            "detection": np.array([str(point.detection or "") for point in points], "U36"),
        }
    )
    for name, (unit, meaning) in _MEANINGS.items():
        table[name].unit, table[name].description = unit or None, meaning
    ra, dec = subject.place
    table.meta = {"object": subject.name, "ra": ra, "dec": dec, "made_by": f"AstrID {__version__}"}
    return table


_MEANINGS = {
    "mjd": ("d", "start of the exposure, modified Julian date, UTC"),
    "time_utc": ("", "the same as a date"),
    "band": ("", "filter"),
    "magnitude": ("mag", "of the change against the reference"),
    "magnitude_error": ("mag", "1 sigma, flux and zero point together"),
    "upper_limit": ("mag", "5 sigma, where nothing was measured"),
    "system": ("", "photometric system of the magnitude"),
    "exposure": ("", "the survey's name of the exposure"),
    "detection": ("", "id of the detection; empty where nothing was found"),
}


def _magnitudes(values: list[float | None]) -> MaskedColumn:
    known = [value is not None for value in values]
    numbers = [np.nan if value is None else value for value in values]
    return MaskedColumn(numbers, mask=~np.array(known, bool), dtype=float)


def written(table: Table, ending: str) -> bytes:
    """Write a table in one of :data:`FORMATS`."""
    kind, _ = FORMATS[ending]
    if ending == "vot":
        binary = io.BytesIO()
        table.write(binary, format=kind)
        return binary.getvalue()
    text = io.StringIO()
    table.write(text, format=kind)
    return text.getvalue().encode()


def cutouts_fits(detection: Detection, stamps: NDArray[np.float16]) -> bytes:
    """Give the four cutouts of a detection as one FITS file, with a WCS where one is known.

    The WCS is the tangent plane at the detection, from pixel scale and directions of the sky: good
    to a fraction of a pixel over a cutout.
    """
    primary = fits.PrimaryHDU()
    frame = detection.observation
    primary.header["MJD-OBS"] = (frame.mjd_utc, "start of the exposure, UTC")
    primary.header["FILTER"] = printable(frame.filter_band)
    primary.header["EXPOSURE"] = (printable(frame.observation_id)[:60], "name of the exposure")
    primary.header["DETID"] = (str(detection.pk), "detection")
    primary.header["CREATOR"] = f"AstrID {__version__}"
    celestial = _celestial(detection, stamps.shape[-1])
    units = [
        fits.ImageHDU(plane.astype(np.float32), celestial, name=name.upper())
        for name, plane in zip(cutouts.PLANES, stamps, strict=True)
    ]
    stream = io.BytesIO()
    fits.HDUList([primary, *units]).writeto(stream, checksum=True)
    return stream.getvalue()


def _celestial(detection: Detection, side: int) -> fits.Header | None:
    facts = detection.prediction_metadata or {}
    north, east = facts.get("north"), facts.get("east")
    scale = detection.observation.pixel_scale
    if not (north and east and scale and np.isfinite([*north, *east]).all()):
        return None
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [detection.ra, detection.dec]
    # The middle pixel is the nearest one to the detection; FITS counts from 1.
    shift = [each - round(each) for each in (detection.pixel_x, detection.pixel_y)]
    wcs.wcs.crpix = [side // 2 + 1 + each for each in shift]
    # Columns: where a step to the east and one to the north lead, in pixels.
    wcs.wcs.cd = np.linalg.inv(np.array([east, north]).T) * scale / 3600
    return wcs.to_header()
