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


def refine_match(
    planes: tuple[Plane, Plane],
    models: tuple[PsfModel, PsfModel],
    matched: FrameMatch,
    sources: Sources,
    is_star: BoolArray,
    *,
    sky_of: Callable[[float], Surface],
    floor: float,
    threads: int = 1,
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
    threads : int
        How many work side by side.

    Raises
    ------
    ValueError
        If the flux ratio does not settle.
    """
    chosen = np.arange(min(MOST_SOURCES, len(sources)))
    for _ in range(MOST_ROUNDS):
        sky = sky_of(matched.flux_ratio)
        seen, index = measure_mismatch(
            planes, models, matched, sources.chosen(chosen), sky, threads=threads
        )
        fit = MatchFit(
            seen, is_star[chosen][index], expected_fields(matched), matched.shift_x.shape
        )
        fields = fit.solve(floor)
        matched = _corrected(matched, fields)
        shapes = np.stack(fields[1:4], axis=1)
        models = _reshaped(models, shapes, fit.covariance_of(WIDTH_TERM))
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


def _reshaped(
    models: tuple[PsfModel, PsfModel], change: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[PsfModel, PsfModel]:
    """Share out what the ratio of two PSFs is wrong by, and say what widths are still wrong by.

    The PSF that rests on fewer stars is more likely to be wrong. With the share s of the science
    PSF, its width is off by (1 - s) of its own error, by s of the reference's, and by s of the
    error of what sources have shown: so add up their covariances.

    Parameters
    ----------
    models : pair of PsfModel
    change : (terms, 3) array
        Polynomials of degree :data:`SHAPE_DEGREE`: width and both elongations.
    error : (terms, terms) array
        Covariance of that of the width.
    """
    share = models[1].n_stars / (models[0].n_stars + models[1].n_stars)
    own, other = (model.width_covariance for model in models)
    common = (1 - share) ** 2 * own + share**2 * other
    first, second = (
        replace(_changed(model, part * change), width_covariance=common + part**2 * error)
        for model, part in zip(models, (share, share - 1), strict=True)
    )
    return first, second


def _changed(model: PsfModel, change: NDArray[np.float64]) -> PsfModel:
    """Widen and stretch a PSF by polynomials (terms, 3) of degree :data:`SHAPE_DEGREE`."""
    degree = max(model.degree, SHAPE_DEGREE)
    coefficients = raised(model.coefficients, model.degree, degree)
    modes = shape_modes(model.coefficients[0])[:3]
    coefficients += raised(np.tensordot(change, modes, axes=1), SHAPE_DEGREE, degree)
    return replace(model, coefficients=coefficients, degree=degree)
