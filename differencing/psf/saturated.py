"""Saturated stars: their lost cores are painted as one star that both frames show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.shape_modes import slopes
from differencing.psf.stamps import shift_stamps
from differencing.subtraction.images import Image, Images, lost_pixels
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.prepare import Plane, has_bits
from preprocessing.masks import MaskBit, lit_windows

Window = tuple[slice, slice]

HOLE_MARGIN = 1  # px around lost pixels: not linear any more, or spilt into
FIT_ROUNDS = 6
LARGEST_STEP = 0.5  # px; a fit to wings alone must not jump
# px, and of the flux: after so small a step what is left to go is a fifth of it at most
SETTLED = 2e-3
MODEL_ERROR = 0.05  # of the star's light: what the PSF model may miss in its wings
FEWEST_PIXELS = 30  # with light of the star, to tell place and flux


@dataclass(frozen=True)
class Star:
    """Place in the reference (px) and flux (reference ADU) of a star."""

    x: float
    y: float
    flux: float


@dataclass(frozen=True)
class View:
    """One frame as the fit of a star sees it."""

    plane: Plane
    image: Image
    model: PsfModel
    scale: float  # ADU per unit of the star's flux

    def light(self, where: Window) -> Float32Image:
        """Give the pixels of a window above the sky."""
        part = self.plane.pixels[where]
        return part if self.image.sky is None else part - self.image.sky.window(*where)


@dataclass(frozen=True)
class _Look:
    """A star's PSF and its slopes in one view, as far as they are inside the frame."""

    shapes: NDArray[np.float64]  # (3, rows, columns): PSF, d/dx, d/dy
    where: Window


def paint_stars(
    images: Images, planes: tuple[Plane, Plane], models: tuple[PsfModel, PsfModel],
    matched: FrameMatch,
) -> Images:  # fmt: skip
    """Paint what saturated stars have lost as the PSFs of one star.

    A hole filled in any other way disagrees with the PSFs, and the subtraction spreads the
    disagreement over their width around it. Place and flux come from what is left of the star in
    both frames; a star that is gone or that varies shows in its wings.

    Parameters
    ----------
    images : pair of Image
        Science and reference, ADU above the sky.
    planes : pair of Plane
    models : pair of PsfModel
    matched : FrameMatch

    Returns
    -------
    pair of Image
    """
    scales = matched.flux_ratio, 1.0
    views = [View(*one) for one in zip(planes, images, models, scales, strict=True)]
    stars = []
    for place in core_places(has_bits(planes[0].mask | planes[1].mask, MaskBit.SATURATED)):
        star = fit_star(place, views, matched)
        if star.flux > 0 and not _is_new(place, planes, matched):
            stars.append((star, _looks(star, views, matched)))
    if not stars:
        return images
    science, reference = (
        _painted(index, view, stars, views, matched) for index, view in enumerate(views)
    )
    return science, reference


def _is_new(place: tuple[float, float], planes: tuple[Plane, Plane], matched: FrameMatch) -> bool:
    """Tell whether a saturated place is a new source, which must not be painted over."""
    height, width = planes[0].shape
    row, column = min(max(round(place[1]), 0), height - 1), min(max(round(place[0]), 0), width - 1)
    here = np.s_[row : row + 1, column : column + 1]
    lost = lost_pixels(planes, matched.flux_ratio, here)
    return not bool((lost[0] | lost[1]).any())


def _painted(
    index: int, view: View, stars: list[tuple[Star, list[_Look]]], views: list[View],
    matched: FrameMatch,
) -> Image:  # fmt: skip
    """Give the image of a view with the light of all stars in their holes."""
    where, light = [], []
    planes = views[0].plane, views[1].plane
    for star, looks in stars:
        rows, columns = looks[index].where
        empty = _beside(np.logical_or(*lost_pixels(planes, matched.flux_ratio, (rows, columns))))
        down, along = np.nonzero(empty)
        where.append((down + rows.start) * planes[0].shape[1] + along + columns.start)
        light.append(view.scale * star.flux * looks[index].shapes[0][empty])
    places, order = np.unique(np.concatenate(where), return_inverse=True)
    total = np.bincount(order.ravel(), np.concatenate(light))
    return view.image.with_values(places, total.astype(np.float32))


def _beside(lost: BoolArray) -> BoolArray:
    """Mark lost pixels, and what lies beside them."""
    grown: BoolArray = ndimage.binary_dilation(lost, iterations=HOLE_MARGIN)
    return grown


def core_places(saturated: BoolArray) -> list[tuple[float, float]]:
    """Give the middle (x, y) of the thickest part of each saturated region: bleeding is thin."""
    places = []
    for window in lit_windows(saturated):
        labels, _ = ndimage.label(window.part, np.ones((3, 3), bool))
        for index, box in enumerate(ndimage.find_objects(labels), start=1):
            depth = ndimage.distance_transform_edt(np.pad(labels[box] == index, 1))
            y, x = ndimage.center_of_mass(depth > depth.max() - 0.5)
            rows, columns = window.place(box)
            places.append((float(x) - 1 + columns.start, float(y) - 1 + rows.start))
    return places


def fit_star(place: tuple[float, float], views: list[View], matched: FrameMatch) -> Star:
    """Fit a star's place and flux to what both frames have left of it.

    Parameters
    ----------
    place : (x, y)
        A first guess, px in the science image.
    views : list of View
        Science and reference.
    matched : FrameMatch

    Returns
    -------
    Star
        Of flux 0 where too little is left.
    """
    dx, dy = _shift(matched, *place)
    star = Star(place[0] - dx, place[1] - dy, 0.0)
    planes = views[0].plane, views[1].plane
    for _ in range(FIT_ROUNDS):
        normal, right, count = np.zeros((3, 3)), np.zeros(3), 0
        for index, look in enumerate(_looks(star, views, matched)):
            lost = _beside(lost_pixels(planes, matched.flux_ratio, look.where)[index])
            basis, left, weight = _equations(look, views[index], star.flux, ~lost)
            weighted = basis * weight
            normal += weighted @ basis.T
            right += weighted @ left
            count += int((weight > 0).sum())
        if count < FEWEST_PIXELS:
            return Star(star.x, star.y, 0.0)
        former, star = star, _stepped(star, normal, right)
        if _is_settled(former, star):
            break
    return star


def _is_settled(former: Star, star: Star) -> bool:
    """Tell whether a step has changed next to nothing."""
    moved = max(abs(star.x - former.x), abs(star.y - former.y))
    return moved < SETTLED and abs(star.flux - former.flux) <= SETTLED * former.flux


def _stepped(star: Star, normal: NDArray[np.float64], right: NDArray[np.float64]) -> Star:
    """Take one Gauss-Newton step; the first one finds the flux alone."""
    if star.flux <= 0:
        return Star(star.x, star.y, max(float(right[0] / max(normal[0, 0], 1e-30)), 0.0))
    change = np.linalg.lstsq(normal, right)[0]
    dx, dy = np.clip(change[1:] / star.flux, -LARGEST_STEP, LARGEST_STEP)
    return Star(star.x + float(dx), star.y + float(dy), max(star.flux + float(change[0]), 0.0))


def _equations(
    look: _Look, view: View, flux: float, good: BoolArray
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give (3, n) derivatives by flux and by flux times place, (n,) residuals and weights."""
    basis = view.scale * look.shapes * np.array([1.0, -1.0, -1.0])[:, None, None]
    expected = flux * basis[0]
    light = np.maximum(expected, 0)
    variance = view.plane.noise[look.where] ** 2 + light / view.plane.gain
    variance += (MODEL_ERROR * light) ** 2
    left = view.light(look.where) - expected
    return basis.reshape(3, -1), left.ravel(), (good / variance).ravel()


def _looks(star: Star, views: list[View], matched: FrameMatch) -> list[_Look]:
    """Look at a star in the science image and in the reference."""
    dx, dy = _shift(matched, star.x, star.y)
    return [
        _look(views[0], star.x + dx, star.y + dy),
        _look(views[1], star.x, star.y),
    ]


def _look(view: View, x: float, y: float) -> _Look:
    column, row, half = round(x), round(y), view.model.half
    stamp = view.model.at(x, y).astype(float)
    psf = shift_stamps(stamp[None], np.array([column - x]), np.array([row - y]))[0]
    rows, columns = (
        slice(max(centre - half, 0), max(min(centre + half + 1, size), 0))
        for centre, size in zip((row, column), view.plane.shape, strict=True)
    )
    inside = np.s_[
        :,
        rows.start - row + half : rows.stop - row + half,
        columns.start - column + half : columns.stop - column + half,
    ]
    return _Look(np.concatenate([psf[None], slopes(psf)])[inside], (rows, columns))


def _shift(matched: FrameMatch, x: float, y: float) -> tuple[float, float]:
    return float(matched.shift_x.at(x, y)), float(matched.shift_y.at(x, y))
