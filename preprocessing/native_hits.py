"""Cosmic-ray hits of a frame on its own pixel grid, where they are still sharp."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.hits import NEIGHBOURS, find_cosmics, squares
from preprocessing.masks import Bools, MaskBit, mark
from preprocessing.resampling.resample import fill_false_light
from preprocessing.stars import Stars

Floats = NDArray[np.float64]

# Beside these a star looks sharper than it is; interpolation spoils their neighbours in any case.
NO_LIGHT = (
    MaskBit.NO_DATA | MaskBit.SATURATED | MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY | MaskBit.GROWN
)
BRIGHT_SNR = 100.0  # the fall of such a star is known to some 3 %
MOST_STARS = 300
LINEAR_SHARE = 0.7  # of saturation
SHARPEST_PERCENT = 5.0  # the few stars that look sharper still were struck themselves, or noise
LEAST_NEIGHBOUR, MOST_NEIGHBOUR = 0.01, 0.99
TURNS = 20  # of bisection: to a millionth


def mark_hits(frame: CalibratedFrame, stars: Stars) -> CalibratedFrame:
    """Mark the cosmic-ray hits of a frame that was not interpolated, COSMIC_RAY.

    How fast light can fall off is taken from the frame's sharpest stars. Where no star is bright
    and whole enough to tell, the frame is given as it is. Pixels beside one that holds no light
    of the sky, or is saturated, are not judged.
    """
    fall = sharpest_fall(frame, stars)
    if fall is None:
        return frame
    pixels = fill_false_light(frame.pixels, frame.mask)
    hits = find_cosmics(pixels, judging_noise(frame), fall=fall, gain=frame.gain)
    if not hits.any():
        return frame
    mask = frame.mask.copy()
    mark(mask, hits, MaskBit.COSMIC_RAY)
    return replace(frame, mask=mask)


def judging_noise(frame: CalibratedFrame) -> Pixels:
    """Give the noise of a frame, infinite where a pixel is not to be judged."""
    dark = np.stack(np.divmod(np.flatnonzero(frame.mask & np.uint16(NO_LIGHT)), frame.shape[1]), 1)
    noise = frame.noise.copy()
    for step in (*NEIGHBOURS, (0, 0)):
        rows, columns = np.clip(dark + step, 0, np.subtract(frame.shape, 1)).T
        noise[rows, columns] = np.inf
    return noise


def beside(frame: CalibratedFrame, points: NDArray[np.intp]) -> Bools:
    """Tell which pixels hold no light of the sky, or have a neighbour that does not."""
    near = squares(frame.mask, points, 1) & np.uint16(NO_LIGHT)
    return np.asarray(near.any(axis=(1, 2)))


def sharpest_fall(frame: CalibratedFrame, stars: Stars) -> float | None:
    """Give what :func:`preprocessing.hits.find_cosmics` asks for; None where no star tells."""
    bright = stars[stars["is_star"] & (stars["snr"] > BRIGHT_SNR)]
    bright = bright[bright["peak"] < LINEAR_SHARE * frame.saturation]
    bright = bright[np.argsort(-bright["snr"])][:MOST_STARS]
    places = np.column_stack([bright["y"], bright["x"]])
    points = np.rint(places).astype(np.intp)
    whole = ~beside(frame, points)
    points, offset = points[whole], (places - points)[whole]
    if not points.size:
        return None
    light = squares(frame.pixels, points, 1).astype(float)
    middle = light[:, 1, 1]
    around = (light.sum(axis=(1, 2)) - middle) / 8
    return float(np.percentile(centred_fall(around / middle, offset), SHARPEST_PERCENT))


def centred_fall(fall: Floats, offset: Floats) -> Floats:
    """Give the fall that stars would have if they were centred on a pixel.

    A Gaussian core, of which the pixel beside a centred middle has the share q, has shares
    ``q**(1 - 2 d)`` and ``q**(1 + 2 d)`` beside a middle that is d px off.

    Parameters
    ----------
    fall : (n,) array
        Mean of the eight pixels round the middle one, over it.
    offset : (n, 2) array
        Of the star's centre from that of its middle pixel, px.

    Returns
    -------
    (n,) array
    """
    low, high = (np.full(fall.shape, end) for end in (LEAST_NEIGHBOUR, MOST_NEIGHBOUR))
    for _ in range(TURNS):
        share = 0.5 * (low + high)
        axes = 1 + share[:, None] ** (1 - 2 * offset) + share[:, None] ** (1 + 2 * offset)
        is_soft = (axes.prod(axis=1) - 1) / 8 > fall
        low, high = np.where(is_soft, low, share), np.where(is_soft, share, high)
    return np.asarray(((1 + 2 * share) ** 2 - 1) / 8)
