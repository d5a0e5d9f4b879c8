"""Raw FITS files made by hand, whose every number is known."""

import io

import numpy as np
from astropy.io import fits

from observations.raw import read_raw


def raw_bytes(images, *, primary=None, **cards):
    """One file: a single image in the primary unit, or several in extensions.

    ``images`` is an array, or a list of (array, header cards).
    """
    stream = io.BytesIO()
    shared = {"DATE-OBS": "2024-03-05T02:00:00", "EXPTIME": 10.0, "IMAGETYP": "Light Frame"}
    shared |= {"INSTRUME": "camera", "FILTER": "r"} | cards
    if isinstance(images, np.ndarray):
        units = [fits.PrimaryHDU(images.astype(np.float32), fits.Header(shared))]
    else:
        units = [fits.PrimaryHDU(header=fits.Header(shared | (primary or {})))]
        units += [fits.ImageHDU(a.astype(np.float32), fits.Header(own)) for a, own in images]
    fits.HDUList(units).writeto(stream)
    return stream.getvalue()


def raw(images, **cards):
    """The same, read."""
    return read_raw(raw_bytes(images, **cards), name="hand.fits")


def section(left, right, bottom, top):
    """A FITS section of 0-based, half-open limits; first > second runs backwards."""
    x = (left + 1, right) if left < right else (left, right + 1)
    y = (bottom + 1, top) if bottom < top else (bottom, top + 1)
    return f"[{x[0]}:{x[1]},{y[0]}:{y[1]}]"


def poisson_flat(rng, sensitivity, level, *, gain, noise_adu, bias=0.0):
    """A flat: photons through a sensitivity, read out; ADU."""
    electrons = rng.poisson(sensitivity * level * gain)
    return (electrons / gain + rng.normal(bias, noise_adu, sensitivity.shape)).astype(np.float32)
