"""Detections without a change, sorted by what is there; and the score of one method."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from benchmarks.differencing.field import Changes, Field, FloatArray
from benchmarks.differencing.ideal import bounds_of
from benchmarks.differencing.score import (
    BRIGHT_STAR,
    CLASSES,
    DUPLICATE_PX,
    GALAXY_PX,
    STAR_PX,
    STAR_PX_PER_DECADE,
    VARIABLE_PX,
    Found,
    Ground,
    Score,
    is_asked,
    matched,
    pixels_of,
)

BRIGHT_SNR = 10.0  # flux and place are compared above it
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Detections:
    """What a method found: what got brighter, and what got fainter."""

    positive: Found
    negative: Found


def score(detections: Detections, ground: Ground) -> Score:
    """Compare what was found with the truth."""
    field = ground.field
    asked = is_asked(field.transients, ground)
    found, nearest = matched(field.transients, detections.positive)
    faded = _faded(field.variables)
    faded_found, _ = matched(faded, detections.negative)
    result = Score(
        is_asked=asked,
        is_found=found & asked,
        is_faded_asked=is_asked(faded, ground),
        is_faded_found=faded_found & is_asked(faded, ground),
        extras=sort_extras(detections.positive, nearest[found], ground),
        negative_extras=sort_extras(detections.negative, np.empty(0, np.intp), ground),
    )
    bright = np.flatnonzero(found & asked & field.is_alone & (field.transients.snr > BRIGHT_SNR))
    _compare(result, detections.positive, nearest, bright, field)
    return result


def _faded(variables: Changes) -> Changes:
    return Changes(*(values[variables.flux < 0] for values in vars(variables).values()))


def _compare(
    result: Score,
    found: Found,
    nearest: npt.NDArray[np.intp],
    bright: npt.NDArray[np.intp],
    field: Field,
) -> None:
    """Fill in the errors of flux and place of bright transients that stand alone."""
    new, seen = field.transients, nearest[bright]
    excess = found.flux[seen] - new.flux[bright]
    stated = found.flux_error[seen]
    ideal = new.flux[bright] / new.snr[bright]
    error = np.where(np.isfinite(stated), stated, ideal)
    known = np.isfinite(excess)
    result.flux_excess = (excess / new.flux[bright])[known]
    result.flux_pull = (excess / error)[known]
    limits = bounds_of(field, bright)
    along_x = (found.peak_x[seen] - new.x[bright]) / np.array([one.x for one in limits])
    along_y = (found.peak_y[seen] - new.y[bright]) / np.array([one.y for one in limits])
    result.place_pull = np.concatenate([along_x, along_y])


def sort_extras(found: Found, used: npt.NDArray[np.intp], ground: Ground) -> dict[str, int]:
    """Count the detections that serve no transient, by the first class that applies."""
    spare = np.ones(len(found), bool)
    spare[used] = False
    counts = dict.fromkeys(CLASSES, 0)
    if not len(found):
        return counts
    for name, applies in zip(CLASSES, _reasons(found, ground), strict=True):
        counts[name] = int((spare & applies).sum())
        spare &= ~applies
    return counts


def _reasons(found: Found, ground: Ground) -> tuple[Bools, ...]:
    """Say of each detection, in the order of :data:`CLASSES`, whether that is there."""
    field = ground.field
    where = np.column_stack([found.x, found.y])
    rows, columns = pixels_of(found.y, field.size), pixels_of(found.x, field.size)
    return (
        _within(where, _places(field.transients), DUPLICATE_PX),
        _within(where, _places(field.variables), VARIABLE_PX),
        np.asarray(ground.is_cosmic[rows, columns]),
        _near_stars(where, field),
        _within(where, field.galaxies, GALAXY_PX),
        np.ones(len(found), bool),
    )


def _places(changes: Changes) -> FloatArray:
    return np.column_stack([changes.x, changes.y])


def _within(where: FloatArray, places: FloatArray, reach: float) -> Bools:
    if len(places) == 0:
        return np.zeros(len(where), bool)
    return np.asarray(cKDTree(places).query(where)[0] < reach)


def _near_stars(where: FloatArray, field: Field) -> Bools:
    """Say what lies in the wings of a bright star, the further out the brighter it is."""
    near = np.zeros(len(where), bool)
    tree = cKDTree(where)
    bright = field.star_flux > BRIGHT_STAR
    reach = STAR_PX + STAR_PX_PER_DECADE * np.log10(field.star_flux[bright] / BRIGHT_STAR)
    for inside in tree.query_ball_point(field.stars[bright], reach):
        near[inside] = True
    return near
