"""The match of two frames as all their sources show it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from differencing.psf.match import FrameMatch
from differencing.psf.match_fields import (
    FLUX_DEGREE,
    SHAPE_DEGREE,
    SHIFT_DEGREE,
    MatchFit,
    expected_fields,
    raised,
)
from differencing.psf.mismatch import measure_mismatch
from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial, variance_of
from differencing.psf.shape_modes import shape_modes
from differencing.psf.stars import Sources
from differencing.subtraction.noise import BoolArray
from differencing.subtraction.prepare import Plane
from preprocessing.sky.mesh import Surface

FLUX_TERM, WIDTH_TERM = 0, 1  # of a mismatch
MOST_SOURCES = 150  # the brightest carry the information
# of the variance of the flux ratio: less shows in bright sources, to which it was fitted
SEEN_SHARE = 0.25
LINEAR = 0.03  # relative flux; a larger change is measured again, from there,
MOST_ROUNDS = 4  # so many times at most
LARGEST_STEP = 2.0  # of the flux ratio at a time: it is linear for small changes only
UNSETTLED = 0.3  # relative flux; what the last round may change at most


@dataclass(frozen=True)
class Refined:
    """Two frames matched, with their PSFs.

    Attributes
    ----------
    matched : FrameMatch
    models : pair of PsfModel
        Science and reference.
    scatter : (6,) array
        What single stars differ by from the fields, in the terms of
        :class:`differencing.psf.mismatch.Mismatch`. What the fields themselves are wrong by does
        not show in the sources that they were fitted to.
    n_sources : int
        That the fields rest on.
    sky : Surface
        What is left of the sky in the plain difference, science ADU.
    flux_variance : Polynomial
        Of the flux ratio, relative, as it shows in bright sources.
    """

    matched: FrameMatch
    models: tuple[PsfModel, PsfModel]
    scatter: NDArray[np.float64]
    n_sources: int
    sky: Surface
    flux_variance: Polynomial


@dataclass(frozen=True)
class Share:
    """Which part of what a ratio is wrong by one PSF takes, and what its width is still off by."""

    part: float
    covariance: NDArray[np.float64]


def refine_match(
    planes: tuple[Plane, Plane],
    models: tuple[PsfModel, PsfModel],
    matched: FrameMatch,
    sources: Sources,
    is_star: BoolArray,
    *,
    sky_of: Callable[[float], Surface],
    floor: float,
) -> Refined:
    """Correct flux ratio, PSFs and shift by what all sources, stars and galaxies, leave.

    Only the ratio of two PSFs shows in a difference. Few stars determine it badly, but
    everything that stands still in the sky does. Sources that changed are set aside; none counts
    for more than its scatter allows.

    Parameters
    ----------
    planes, models : pairs
        Science and reference.
    matched : FrameMatch
    sources : Sources
        Of the reference, in order of decreasing flux.
    is_star : (n,) bool array
    sky_of : callable
        Gives what is left of the sky in the plain difference for a flux ratio.
    floor : float
        Smallest scatter of places, px.

    Raises
    ------
    ValueError
        If the flux ratio does not settle.
    """
    chosen = np.arange(min(MOST_SOURCES, len(sources)))
    measured = models
    for _ in range(MOST_ROUNDS):
        sky = sky_of(matched.flux_ratio)
        seen, index = measure_mismatch(planes, models, matched, sources.chosen(chosen), sky)
        fit = MatchFit(
            seen, is_star[chosen][index], expected_fields(matched), matched.shift_x.shape
        )
        fields = fit.solve(floor)
        matched = _corrected(matched, fields)
        shapes = np.stack(fields[1:4], axis=1)
        shown = fit.gain_of(WIDTH_TERM), fit.covariance_of(WIDTH_TERM)
        models = _reshaped(models, shapes, share_out(measured, *shown))
        if abs(fields[0][0]) < LINEAR:
            break
    _check_settled(matched, models, float(fields[0][0]), len(seen.x))
    doubt = SEEN_SHARE * fit.covariance_of(FLUX_TERM)
    flux_variance = variance_of(doubt, FLUX_DEGREE, matched.shift_x.shape)
    return Refined(matched, models, fit.scatter, int(fit.soft.sum()), sky, flux_variance)


def _check_settled(
    matched: FrameMatch, models: tuple[PsfModel, PsfModel], change: float, n_sources: int
) -> None:
    """Refuse a flux ratio that every round makes another, as of frames that share nothing."""
    if abs(change) > UNSETTLED:
        raise ValueError(
            f"the flux ratio of science to reference does not settle: {n_sources} sources make "
            f"{matched.flux_ratio:.3g} of it and still ask for {change:+.0%}. Either the frames "
            f"show different fields, or what was taken for stars (PSFs {models[0].fwhm:.2f} px "
            f"wide in science, {models[1].fwhm:.2f} in reference) are cosmic rays: remove these "
            "first"
        )


def _corrected(matched: FrameMatch, fields: list[NDArray[np.float64]]) -> FrameMatch:
    """Apply the fields to flux ratio and shift."""
    shifts = [
        Polynomial(raised(old.coefficients, old.degree) + field, SHIFT_DEGREE, old.shape)
        for old, field in zip((matched.shift_x, matched.shift_y), fields[4:], strict=True)
    ]
    brighter = float(np.clip(1 + fields[0][0], 1 / LARGEST_STEP, LARGEST_STEP))
    change = fields[0] / brighter
    change[0] = 0.0
    if matched.flux_change is not None:
        change += matched.flux_change.coefficients
    return replace(
        matched, flux_ratio=matched.flux_ratio * brighter, shift_x=shifts[0], shift_y=shifts[1],
        flux_change=Polynomial(change, FLUX_DEGREE, matched.shift_x.shape),
    )  # fmt: skip


def share_out(
    models: tuple[PsfModel, PsfModel], gain: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[Share, Share]:
    """Share out what the ratio of two PSFs is wrong by: most to the PSF that is known worse.

    Parameters
    ----------
    models : pair of PsfModel
        As the stars of each frame by itself have shown them.
    gain, error : (terms, terms) arrays
        What the fitted polynomial of the width holds of the true one, and its covariance.
    """
    own, other = (model.width_variance for model in models)
    share = own / (own + other)
    return (
        Share(share, _left(share, models, gain, error)),
        Share(share - 1, _left(1 - share, models[::-1], gain, error)),
    )


def _left(
    share: float,
    models: tuple[PsfModel, PsfModel],
    gain: NDArray[np.float64],
    error: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the covariance of the width of the first PSF, to which ``share`` of the ratio's falls.

    With the errors e and e' of the two widths, the gain G and the covariance C of what sources have
    shown, the first is still off by e - share (G (e - e') + n), and n has the covariance G C.
    """
    own, other = (model.width_covariance for model in models)
    kept, lent = np.eye(len(own)) - share * gain, share * gain
    return np.asarray(kept @ own @ kept.T + lent @ other @ lent.T + share**2 * gain @ error)


def _reshaped(
    models: tuple[PsfModel, PsfModel],
    change: NDArray[np.float64],
    shares: tuple[Share, Share],
) -> tuple[PsfModel, PsfModel]:
    """Change two PSFs by what their ratio is wrong by.

    Parameters
    ----------
    models : pair of PsfModel
    change : (terms, 3) array
        Polynomials of degree :data:`SHAPE_DEGREE`: width and both elongations.
    shares : pair of Share
    """
    first, second = (
        replace(_changed(model, one.part * change), width_covariance=one.covariance)
        for model, one in zip(models, shares, strict=True)
    )
    return first, second


def _changed(model: PsfModel, change: NDArray[np.float64]) -> PsfModel:
    """Widen and stretch a PSF by polynomials (terms, 3) of degree :data:`SHAPE_DEGREE`."""
    degree = max(model.degree, SHAPE_DEGREE)
    coefficients = raised(model.coefficients, model.degree, degree)
    modes = shape_modes(model.coefficients[0])[:3]
    coefficients += raised(np.tensordot(change, modes, axes=1), SHAPE_DEGREE, degree)
    return replace(model, coefficients=coefficients, degree=degree)
