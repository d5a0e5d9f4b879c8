"""The figures of a catalog entry, from its detections and verdicts: no database."""

from collections import defaultdict
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
    """One measured place: degrees ICRS, signal to noise, width of a point source.

    ``exposure`` names the exposure it was measured on.
    """

    ra: float
    dec: float
    snr: float | None
    fwhm_arcsec: float | None
    exposure: str


@dataclass(frozen=True)
class Position:
    """A mean place, degrees ICRS, and its standard error per axis where it can be known."""

    ra: float
    dec: float
    error_arcsec: float | None


def mean_position(places: Sequence[Measured]) -> Position:
    r"""Average places with weights of signal to noise squared, as unit vectors.

    Unit vectors make the mean right across RA 0 and at the poles. Places without signal to
    noise are left out when any has one. Places of one exposure, found against several
    references, share its noise: they are averaged first and count as one. Each exposure is off by

    .. math:: \sigma_x = \sqrt 2 \, \frac{FWHM}{2.355 \, S/N}

    per axis, independently. That is the least error of a Gaussian point source in the noise of
    the sky; the error is None where width or signal to noise of a place is unknown.

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
    exposures = _by_exposure(used)
    weights = np.array([_mean_snr(each) for each in exposures]) ** 2
    vectors = np.array([_mean_vector(each) for each in exposures])
    x, y, z = weights @ vectors / weights.sum()
    if np.hypot(np.hypot(x, y), z) < 0.5:
        raise ValueError(f"{len(used)} places are spread over the sky and have no common mean")
    mean_ra = float(np.degrees(np.arctan2(y, x)) % 360.0)
    return Position(
        ra=0.0 if mean_ra == 360.0 else mean_ra,
        dec=float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
        error_arcsec=_error(exposures, weights),
    )


def _by_exposure(places: Sequence[Measured]) -> list[list[Measured]]:
    groups: dict[str, list[Measured]] = defaultdict(list)
    for place in places:
        groups[place.exposure].append(place)
    return list(groups.values())


def _mean_snr(places: Sequence[Measured]) -> float:
    return float(np.mean([place.snr or 1.0 for place in places]))


def _mean_vector(places: Sequence[Measured]) -> FloatArray:
    """Give the weighted mean of the unit vectors to places."""
    weights = np.array([place.snr or 1.0 for place in places]) ** 2
    ra, dec = np.radians([[place.ra for place in places], [place.dec for place in places]])
    vectors = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    mean: FloatArray = vectors @ weights / weights.sum()
    return mean


def _error(exposures: Sequence[Sequence[Measured]], weights: FloatArray) -> float | None:
    sigmas = [_error_of_one(places) for places in exposures]
    known = [sigma for sigma in sigmas if sigma is not None]
    if len(known) < len(sigmas):
        return None
    return float(np.sqrt(np.sum((weights * known) ** 2)) / weights.sum())


def _error_of_one(places: Sequence[Measured]) -> float | None:
    """Give the error (arcsec) of one exposure's place: no less for being found repeatedly."""
    widths = [place.fwhm_arcsec for place in places if place.fwhm_arcsec and place.snr]
    if len(widths) < len(places):
        return None
    return float(np.sqrt(2) * np.mean(widths) / (_FWHM_PER_SIGMA * _mean_snr(places)))
