"""Exposures with outlines, a difference with its files, and what was found in it."""

import io

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from astrid.core import store
from detection import cutouts
from observations.models import Observation
from tests.factories import make_detection, make_difference_run, make_model_run, make_survey

HALF_DEG = 0.3


def outline(ra, dec, angle, half=HALF_DEG, steps=1):
    """Give places on a square on the sky: its corners, or a grid of so many steps a side."""
    side = np.linspace(-half, half, steps + 1)
    x, y = (each.ravel() for each in np.meshgrid(side, side))
    if steps == 1:
        x, y = half * np.array([-1, 1, 1, -1]), half * np.array([-1, -1, 1, 1])
    turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    distance, bearing = np.hypot(*turned), np.degrees(np.arctan2(*turned))
    tangent = np.degrees(np.arctan(np.radians(distance)))
    found = SkyCoord(ra, dec, unit="deg").directional_offset_by(bearing * u.deg, tangent * u.deg)
    return np.stack([found.ra.deg, found.dec.deg], axis=1)


def make_frames(places, angles):
    """Make an exposure at each place, turned by an angle."""
    survey = make_survey(name="wide")
    shared = {
        "survey": survey, "fits_file_path": "cas/00/0", "exposure_time": 60.0, "gain": 1.0,
        "read_noise": 1.0, "saturation": 6e4, "image_width": 2000, "image_height": 2000,
        "pixel_scale": 1.08, "radius_deg": HALF_DEG * 2**0.5, "seeing": 1.5, "site": "Hill",
    }  # fmt: skip
    rows = [
        Observation(
            observation_id=f"exposure {k}",
            ra=ra,
            dec=dec,
            footprint=outline(ra, dec, angle).tolist(),
            mjd_utc=60000.0 + k,
            observation_time="2025-03-01T00:00Z",
            filter_band="gri"[k % 3],
            file_sha256=str(k),
            pixel_sha256=str(k),
            **shared,
        )
        for k, ((ra, dec), angle) in enumerate(zip(places, angles, strict=True))
    ]
    return Observation.objects.bulk_create(rows)


def make_found():
    """Make a detection in a difference whose pixels are kept; gives it and the coordinates."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [50.5, 50.5], [-1e-4, 1e-4]
    image = np.arange(100 * 100, dtype="float32").reshape(100, 100)
    stream = io.BytesIO()
    units = [fits.PrimaryHDU(), fits.ImageHDU(image, wcs.to_header(), name="DIFF")]
    fits.HDUList(units).writeto(stream)
    run = make_difference_run(difference_image_path=store.put(stream.getvalue()))
    frame = run.observation
    frame.fits_file_path = store.put(b"SIMPLE  =                    T")
    frame.save()
    ra, dec = (float(each) for each in wcs.pixel_to_world_values(60.2, 39.8))
    stamps = np.stack([image[40 - 5 : 40 + 6, 60 - 5 : 60 + 6]] * 4).astype("float16")
    found = make_detection(
        model_run=make_model_run(difference_run=run, parameters={"cutout_px": 11}),
        ra=ra,
        dec=dec,
        pixel_x=60.2,
        pixel_y=39.8,
        cutouts_path=store.put(cutouts.to_npz(stamps)),
        thumbnail_path=store.put(b"\x89PNG"),
    )
    return found, wcs
