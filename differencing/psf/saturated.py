"""Saturated stars: their lost cores are painted as one star that both frames show."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from differencing.psf.looks import Scene, Stars, View
from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.subtraction.images import Image, Images, lost_pixels
from differencing.subtraction.noise import BoolArray
from differencing.subtraction.prepare import Plane
from preprocessing.masks import MaskBit, has_bits, lit_windows

HOLE_MARGIN = 1  # px around lost pixels: not linear any more, or spilt into
FIT_ROUNDS = 6
LARGEST_STEP = 0.5  # px; a fit to wings alone must not jump
# px, and of the flux: after so small a step what is left to go is a fifth of it at most
SETTLED = 2e-3
MODEL_ERROR = 0.05  # of the star's light: what the PSF model may miss in its wings
FEWEST_PIXELS = 30  # with light of the star, to tell place and flux


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
    saturated = has_bits(planes[0].mask | planes[1].mask, MaskBit.SATURATED)
    places = np.array(core_places(saturated)).reshape(-1, 2)
    views = tuple(
        View(*one) for one in zip(planes, images, models, (matched.flux_ratio, 1.0), strict=True)
    )
    scene = Scene((views[0], views[1]), matched)
    stars = fit_stars(places, scene)
    stars = stars.chosen((stars.flux > 0) & ~_are_new(places, scene))
    if not len(stars):
        return images
    return _painted(0, stars, scene), _painted(1, stars, scene)


def _are_new(places: NDArray[np.float64], scene: Scene) -> BoolArray:
    """Tell which saturated places are new sources, which must not be painted over."""
    height, width = scene.planes[0].shape
    column, row = np.rint(places).astype(int).T
    here = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    return ~np.logical_or(*lost_pixels(scene.planes, scene.matched.flux_ratio, here))


def _painted(index: int, stars: Stars, scene: Scene) -> Image:
    """Give the image of a view with the light of all stars in their holes."""
    where, light = [], []
    view = scene.views[index]
    for group in stars.groups():
        look = list(scene.looks(group))[index]
        empty = _beside(np.logical_or(*scene.lost(look))) & look.inside
        rows, columns = look.where
        where.append((rows * view.plane.shape[1] + columns)[empty])
        flux = view.scale * group.flux[:, None, None]
        light.append((flux * look.shapes[:, 0])[empty])
    places, order = np.unique(np.concatenate(where), return_inverse=True)
    total = np.bincount(order.ravel(), np.concatenate(light))
    return view.image.with_values(places, total.astype(np.float32))


def _beside(lost: BoolArray) -> BoolArray:
    """Mark lost pixels of (n, k, k) stamps, and what lies beside them."""
    cross = ndimage.generate_binary_structure(2, 1)[None]
    grown: BoolArray = ndimage.binary_dilation(lost, cross, iterations=HOLE_MARGIN)
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


def fit_stars(places: NDArray[np.float64], scene: Scene) -> Stars:
    """Fit the places and fluxes of stars to what both frames have left of them.

    Parameters
    ----------
    places : (n, 2) array
        First guesses (x, y), px in the science image.
    scene : Scene

    Returns
    -------
    Stars
        Of flux 0 where too little is left.
    """
    dx, dy = scene.shift(*places.T)
    stars = Stars(places[:, 0] - dx, places[:, 1] - dy, np.zeros(len(places)))
    for group in stars.groups():
        _fit_group(group, scene)
    return stars


def _fit_group(stars: Stars, scene: Scene) -> None:
    """Fit a few stars, in place, each until it is settled."""
    moving = np.arange(len(stars))
    for _ in range(FIT_ROUNDS):
        former = stars.chosen(moving)
        normal, right, count = _equations(former, scene)
        stepped, enough = _stepped(former, normal, right), count >= FEWEST_PIXELS
        stars.put(moving[enough], stepped.chosen(enough))
        stars.flux[moving[~enough]] = 0
        moving = moving[enough & ~_are_settled(former, stepped)]
        if not moving.size:
            break


def _are_settled(former: Stars, stars: Stars) -> BoolArray:
    """Tell which stars a step has changed next to nothing."""
    moved = np.maximum(np.abs(stars.x - former.x), np.abs(stars.y - former.y))
    change = np.abs(stars.flux - former.flux)
    return np.asarray((moved < SETTLED) & (change <= SETTLED * former.flux))


def _stepped(stars: Stars, normal: NDArray[np.float64], right: NDArray[np.float64]) -> Stars:
    """Take one Gauss-Newton step; the first one finds the flux alone."""
    first = stars.flux <= 0
    alone = right[:, 0] / np.maximum(normal[:, 0, 0], 1e-30)
    change = (np.linalg.pinv(normal, hermitian=True) @ right[..., None])[..., 0]
    flux = np.where(first, 1.0, stars.flux)
    dx, dy = np.clip(change[:, 1:] / flux[:, None], -LARGEST_STEP, LARGEST_STEP).T
    dx[first], dy[first] = 0, 0
    bright = np.where(first, alone, stars.flux + change[:, 0])
    return Stars(stars.x + dx, stars.y + dy, np.maximum(bright, 0))


def _equations(
    stars: Stars, scene: Scene
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Give the normal equations of flux and of flux times place, and how many pixels they use."""
    normal, right = np.zeros((len(stars), 3, 3)), np.zeros((len(stars), 3))
    count = np.zeros(len(stars), int)
    for index, look in enumerate(scene.looks(stars)):
        view, flux = look.view, stars.flux[:, None, None]
        basis = view.scale * look.shapes * np.array([1.0, -1.0, -1.0])[:, None, None]
        expected = flux * basis[:, 0]
        light = np.maximum(expected, 0)
        variance = view.plane.noise[look.where] ** 2 + light / view.plane.gain
        variance += (MODEL_ERROR * light) ** 2
        good = look.inside & ~_beside(scene.lost(look)[index])
        weight = good / variance
        left = ((look.light() - expected) * weight).reshape(len(stars), -1, 1)
        basis = basis.reshape(len(stars), 3, -1)
        normal += (basis * weight.reshape(len(stars), 1, -1)) @ basis.swapaxes(1, 2)
        right += (basis @ left)[..., 0]
        count += good.sum(axis=(1, 2))
    return normal, right, count
