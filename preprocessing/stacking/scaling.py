"""How frames of one field compare: their flux scales, and the weight that each deserves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import linalg

from preprocessing.calibrated import CalibratedFrame
from preprocessing.defects import MAD_TO_SIGMA
from preprocessing.photometry.magnitudes import POGSON, ZeroPoint, ZeroPointSource
from preprocessing.stars import SIGMA_TO_FWHM, Stars, find_stars, seeing

Floats = NDArray[np.float64]

# Radius of the aperture in units of each frame's own seeing, so that PSFs of one shape but other
# widths lose the same share of light outside: an error of 1 % in the seeing costs 0.06 %.
APERTURE_FWHM = 2.5
LEAST_SNR = 20.0
# What no photon noise explains: flat field, neighbours, variable stars.
FLUX_FLOOR = 0.01
CLIP_SIGMA = 4.0


# Zero points of which the stack's is made: the first of these that any frame has.
BEST_SOURCES = (ZeroPointSource.CATALOGUE, ZeroPointSource.GIVEN, ZeroPointSource.HEADER)


class UnusableFrame(ValueError):
    """A frame that spoils the stack; ``number`` counts from 1."""

    def __init__(self, number: int, reason: str) -> None:
        """Say which frame, and why."""
        super().__init__(f"frame {number} {reason}")
        self.number = number


@dataclass(frozen=True)
class Scale:
    """What the pixels of a frame are multiplied by to be in the flux scale of another.

    ``error`` is 1 sigma, in units of ``factor``; ``n_stars`` are those it comes from.
    """

    factor: float
    error: float
    n_stars: int


def stars_of(frame: CalibratedFrame, number: int) -> Stars:
    """Give the stars of frame ``number``, counted from 1 in messages.

    Raises
    ------
    UnusableFrame
        If it has none.
    """
    found = find_stars(frame.pixels, frame.noise, frame.mask, gain=frame.gain)
    if not found["is_star"].any():
        raise UnusableFrame(number, f"has {found.size} objects and none is a star: leave it out")
    return np.asarray(found[found["is_star"]])


def flux_scales(
    frames: Sequence[CalibratedFrame], stars: Sequence[Stars], *, least_stars: int
) -> list[Scale]:
    """Give what brings every frame to the flux scale of the first, from stars they share.

    Parameters
    ----------
    frames : sequence of CalibratedFrame
        On one grid.
    stars : sequence of structured arrays
        Of each frame, from :func:`stars_of`.
    least_stars : int
        Fewer shared stars compare nothing.

    Raises
    ------
    UnusableFrame
        If a frame shares fewer stars with the first; the message has both numbers.
    """
    places = stars[0][stars[0]["snr"] > LEAST_SNR]
    first, *others = (
        aperture_fluxes(frame, places, seeing(own))
        for frame, own in zip(frames, stars, strict=True)
    )
    scales = [Scale(1.0, 0.0, len(places))]
    for number, other in enumerate(others, start=2):
        try:
            scales.append(compare(first, other, least_stars))
        except ValueError as error:
            raise UnusableFrame(number, f"cannot be scaled to the first: {error}") from error
    return scales


def aperture_fluxes(frame: CalibratedFrame, places: Stars, fwhm: float) -> tuple[Floats, Floats]:
    """Give flux and error, ADU, in apertures of 2.5 ``fwhm``; NaN where a pixel is masked."""
    flux, error, flags = sep.sum_circle(
        np.where(np.isfinite(frame.pixels), frame.pixels, 0).astype(np.float32),
        places["x"],
        places["y"],
        APERTURE_FWHM * fwhm,
        err=frame.noise,
        gain=frame.gain,
        mask=frame.mask != 0,
    )
    whole = (flags & (sep.APER_HASMASKED | sep.APER_TRUNC)) == 0
    good = whole & (flux > LEAST_SNR / 2 * error)
    return np.where(good, flux, np.nan), np.where(good, error, np.nan)


def compare(first: tuple[Floats, Floats], other: tuple[Floats, Floats], least_stars: int) -> Scale:
    """Give the ratio of fluxes, variable stars left out."""
    common = np.isfinite(first[0]) & np.isfinite(other[0])
    if common.sum() < least_stars:
        raise ValueError(
            f"{common.sum()} of {common.size} stars are whole and unmasked in both, "
            f"{least_stars} are needed; leave it out or give its scale"
        )
    (a, a_error), (b, b_error) = ([part[common] for part in each] for each in (first, other))
    logs = np.log(a / b)
    error = np.sqrt((a_error / a) ** 2 + (b_error / b) ** 2 + FLUX_FLOOR**2)
    off = np.abs(logs - np.median(logs)) / error
    kept = off <= CLIP_SIGMA * max(1.0, float(MAD_TO_SIGMA * np.median(off)))
    weight = error[kept] ** -2
    mean = float((weight * logs[kept]).sum() / weight.sum())
    return Scale(float(np.exp(mean)), float(weight.sum() ** -0.5), int(kept.sum()))


def point_source_weights(fwhm: Floats, noise: Floats) -> Floats:
    """Give the weights, of sum 1, whose weighted mean shows a star at the highest S/N.

    The S/N of a matched filter on ``sum w_i frame_i`` is ``w' G w / w' V w`` with the overlap
    ``G_ij`` of two PSFs and ``V`` the variances of the frames: the first eigenvector of that pair
    is the best there is. Equal seeing makes it inverse variances.

    Parameters
    ----------
    fwhm : (n,) array
        Seeing, px.
    noise : (n,) array
        1 sigma of the sky, all in one flux scale.

    References
    ----------
    Zackay & Ofek 2017, ApJ 836, 187, section 4 (weighted sums of images of other seeing).
    """
    square = (fwhm / SIGMA_TO_FWHM) ** 2
    overlap = 1 / (2 * np.pi * (square[:, None] + square))
    last = fwhm.size - 1
    _, vectors = linalg.eigh(overlap, np.diag(noise**2), subset_by_index=[last, last])
    # Perron and Frobenius: of a positive matrix the first eigenvector has one sign.
    weights = np.abs(vectors[:, 0])
    return np.asarray(weights / weights.sum())


def common_zero_point(
    zero_points: Sequence[ZeroPoint | None], scales: Sequence[Scale], weights: Sequence[float]
) -> ZeroPoint | None:
    """Give the zero point of the weighted mean of scaled frames.

    It is the mean, by the weights of the frames, of what their zero points are once their pixels
    are scaled. Only those count that are known in the best way that any of them is (from stars,
    given, from the header), in one system and band. Where none is calibrated the stack is as its
    first frame, whose flux scale it has.

    Parameters
    ----------
    zero_points : sequence of ZeroPoint or None
        Of each frame, before it was scaled.
    scales : sequence of Scale
    weights : sequence of float

    Returns
    -------
    ZeroPoint or None
        Its error is unknown where that of one frame is.
    """
    best = next(
        (
            known
            for source in BEST_SOURCES
            for known in zero_points
            if known and known.source == source
        ),
        None,
    )
    if best is None:
        return zero_points[0]
    alike = [
        (known, scale, weight)
        for known, scale, weight in zip(zero_points, scales, weights, strict=True)
        if known and replace(known, value=best.value, error=best.error) == best
    ]
    share = np.array([weight for *_, weight in alike]) / sum(weight for *_, weight in alike)
    values = [known.value + 2.5 * np.log10(scale.factor) for known, scale, _ in alike]
    errors = [np.hypot(known.error or np.nan, POGSON * scale.error) for known, scale, _ in alike]
    error = float(np.sqrt((share**2 * np.square(errors)).sum()))
    return replace(best, value=float(share @ values), error=error if np.isfinite(error) else None)
