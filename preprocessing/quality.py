"""How good a calibrated frame is, in figures."""

import numpy as np

from preprocessing.calibrated import CalibratedFrame
from preprocessing.stars import SIGMA_TO_FWHM, Stars, find_stars, seeing

LIMIT_SIGMA = 5.0


def assess(frame: CalibratedFrame) -> dict[str, float]:
    """Find the stars of a frame and give its figures, as :func:`measure_quality` does."""
    found = find_stars(frame.pixels, frame.noise, frame.mask, gain=frame.gain)
    return measure_quality(frame, found)


def measure_quality(frame: CalibratedFrame, stars: Stars) -> dict[str, float]:
    """Give seeing, sky, noise, depth and losses of a frame.

    Parameters
    ----------
    frame : CalibratedFrame
    stars : structured array
        From :func:`preprocessing.stars.find_stars` on this frame.

    Returns
    -------
    dict
        ``seeing_px`` (FWHM), ``ellipticity`` (median), ``sky_level`` and ``noise`` (ADU per
        pixel), ``limiting_flux`` (ADU, 5 sigma for a point source against the sky),
        ``masked_fraction``, ``n_stars``, ``n_objects``.

    Raises
    ------
    ValueError
        If the frame has no star or no good pixel.
    """
    good = frame.mask == 0
    if not good.any():
        raise ValueError(f"all {good.size} pixels are masked: nothing to measure")
    on_locus = stars["is_star"]
    width, noise = seeing(stars), float(np.median(frame.noise[good]))
    return {
        "seeing_px": width,
        "ellipticity": float(np.median(stars["ellipticity"][on_locus])),
        "sky_level": frame.sky_level,
        "noise": noise,
        "limiting_flux": LIMIT_SIGMA * noise * noise_pixels(width) ** 0.5,
        "masked_fraction": float(1 - good.mean()),
        "n_stars": float(on_locus.sum()),
        "n_objects": float(stars.size),
    }


def noise_pixels(fwhm: float) -> float:
    """Give the number of pixels whose noise a matched filter for a Gaussian collects.

    References
    ----------
    King 1983, PASP 95, 163: 4 pi sigma^2.
    """
    return float(4 * np.pi * (fwhm / SIGMA_TO_FWHM) ** 2)
