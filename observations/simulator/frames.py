"""Write simulated exposures as FITS files whose bytes depend on the seed alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.time import Time

from observations.simulator.exposure import Exposure

# Written into the comments of CHECKSUM and DATASUM, which would else hold the time of writing.
CHECKSUM_NOTE = "set by the simulator"


@dataclass(frozen=True)
class Label:
    """What a frame is called and when it was taken."""

    field: str
    epoch: str
    observed_at: datetime
    airmass: float


def header(exposure: Exposure, label: Label) -> fits.Header:
    """Give the header of one frame, as a survey's reduction pipeline would write it."""
    conditions = exposure.conditions
    parameters = conditions.parameters
    cards: dict[str, tuple[str | int | float, str]] = {
        "OBJECT": (label.field, "field"),
        "EPOCH-ID": (label.epoch, "epoch of this field"),
        "OBSTYPE": (conditions.role, "role in difference imaging"),
        "FILTER": (parameters.filter_band, ""),
        "EXPTIME": (parameters.exposure_s, "[s] of one exposure"),
        "NCOMBINE": (conditions.exposures, "exposures averaged"),
        "DATE-OBS": (label.observed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "UTC, start"),
        "TIMESYS": ("UTC", ""),
        "MJD-OBS": (round(float(Time(label.observed_at).mjd), 8), "[d] UTC, start"),
        "AIRMASS": (label.airmass, ""),
        "GAIN": (conditions.gain, "[e-/ADU] of this averaged frame"),
        "RDNOISE": (round(conditions.read_noise_e, 4), "[e-] of this averaged frame"),
        "SATURATE": (parameters.saturation_adu, "[ADU]"),
        "BUNIT": ("adu", ""),
        "SEEING": (round(seeing_arcsec(exposure), 3), "[arcsec] FWHM at the centre"),
        "RA": (parameters.ra, "[deg] ICRS, requested"),
        "DEC": (parameters.dec, "[deg] ICRS, requested"),
        "ORIGIN": ("AstrID simulator", "not the sky"),
    }
    made = fits.Header()
    for keyword, card in cards.items():
        made[keyword] = card
    made.update(exposure.wcs.to_header())
    return made


def seeing_arcsec(exposure: Exposure) -> float:
    """FWHM in the middle of the frame."""
    parameters = exposure.conditions.parameters
    middle = np.array([parameters.size / 2])
    return float(exposure.psf.shapes(middle, middle)[0][0] * parameters.pixel_scale_arcsec)


def write_frame(path: Path, exposure: Exposure, label: Label) -> None:
    """Write ``exposure`` as 32-bit floats with checksums; an existing file is replaced."""
    hdu = fits.PrimaryHDU(exposure.pixels, header=header(exposure, label))
    hdu.add_checksum(when=CHECKSUM_NOTE)
    hdu.writeto(path, overwrite=True, output_verify="exception")


# The reference epoch of every simulated night.
FIRST_NIGHT = datetime(2024, 3, 10, 3, 0, tzinfo=UTC)


def observed_at(field: int, epoch: int, spacing_days: float) -> datetime:
    """Start time: the reference (epoch 0) a month early, then one epoch every few days."""
    days = 0.0 if epoch == 0 else 30 + (epoch - 1) * spacing_days
    return FIRST_NIGHT + timedelta(days=days, minutes=10 * field)
