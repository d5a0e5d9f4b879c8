"""The figures of a catalog entry, from its detections and verdicts: no database."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# How often a curator's verdict is right. Assumed: no gold items have measured it yet.
CURATOR_RELIABILITY = 0.95
# Assumed: a score is not trusted beyond one in a thousand, where calibration has no data.
_SCORE_RANGE = (1e-3, 1 - 1e-3)
_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


def posterior(scores: Sequence[float], witnesses: Sequence[float]) -> float:
    r"""Give the probability that an object is real.

    .. math:: \operatorname{logit} P = \langle\operatorname{logit} s_i\rangle
              + \operatorname{logit}(a) \sum_j v_j

    The scores of one object at several epochs share their template and their network, so they
    are averaged, not multiplied. The people are independent witnesses, each right with
    probability a = ``CURATOR_RELIABILITY``: their log likelihood ratios add (Bayes' rule).

    Parameters
    ----------
    scores : sequence of float
        Calibrated network scores s_i, 0 to 1, of the object's detections.
    witnesses : sequence of float
        One v_j per person: the mean of their votes, +1 real, 0 unsure, -1 bogus.

    Raises
    ------
    ValueError
        If there is no score.
    """
    if not scores:
        raise ValueError("no score: an object without detections has no posterior")
    prior = float(np.mean(_logit(np.clip(scores, *_SCORE_RANGE))))
    weight = float(_logit(np.asarray(CURATOR_RELIABILITY)))
    return float(1 / (1 + np.exp(-(prior + weight * sum(witnesses)))))


def _logit(p: FloatArray) -> FloatArray:
    odds: FloatArray = p / (1 - p)
    return np.log(odds)


@dataclass(frozen=True)
class Measured:
    """One measured place: degrees ICRS, signal to noise, width of a point source."""

    ra: float
    dec: float
    snr: float | None
    fwhm_arcsec: float | None


@dataclass(frozen=True)
class Position:
    """A mean place, degrees ICRS, and its standard error per axis where it can be known."""

    ra: float
    dec: float
    error_arcsec: float | None


def mean_position(places: Sequence[Measured]) -> Position:
    """Average places with weights of signal to noise squared, as unit vectors.

    Unit vectors make the mean right across RA 0 and at the poles. Places without signal to
    noise are left out when any has one. The error assumes that each place is off by
    FWHM / (2.355 S/N) per axis, independently; it is None where one of these is unknown.

    Raises
    ------
    ValueError
        If there is no place, or the places cancel (they lie on opposite sides of the sky).

    References
    ----------
    King 1983, PASP 95, 163 (centroid error of a Gaussian point source).
    """
    used = [place for place in places if place.snr] or list(places)
    if not used:
        raise ValueError("no place to average")
    weights = np.array([place.snr or 1.0 for place in used]) ** 2
    ra, dec = np.radians([[place.ra for place in used], [place.dec for place in used]])
    vectors = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    x, y, z = vectors @ weights / weights.sum()
    if np.hypot(np.hypot(x, y), z) < 0.5:
        raise ValueError(f"{len(used)} places are spread over the sky and have no common mean")
    mean_ra = float(np.degrees(np.arctan2(y, x)) % 360.0)
    return Position(
        ra=0.0 if mean_ra == 360.0 else mean_ra,
        dec=float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
        error_arcsec=_error(used, weights),
    )


def _error(places: Sequence[Measured], weights: FloatArray) -> float | None:
    sigmas = [
        place.fwhm_arcsec / (_FWHM_PER_SIGMA * place.snr)
        for place in places
        if place.fwhm_arcsec and place.snr
    ]
    if len(sigmas) < len(places):
        return None
    return float(np.sqrt(np.sum((weights * sigmas) ** 2)) / weights.sum())
