"""Candidates close to each other: found beside brighter ones, and measured together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from differencing.extraction.joint import Blend, Response, fit_blends
from differencing.extraction.response import Search, may_hide, part
from differencing.extraction.shapes import windows
from differencing.psf.model import stamp_fwhm
from differencing.subtraction.noise import BoolArray, Float32Image, FloatArray

Candidates = NDArray[np.void]

BRIGHT = 10.0  # sigma; what a fainter one hides is not significant itself
REACH = 2.5  # FWHM of the PSF of the difference around a candidate, within which others matter
LEAST_APART = 0.7  # FWHM; closer, two sources are one


def part_blends(
    found: Candidates, flux: Float32Image, error: Float32Image, psf: FloatArray, *, threshold: float
) -> Candidates:
    """Add the sources that stand beside brighter ones without a peak of their own.

    Candidates that others overlap get the fluxes, places and errors of a common fit. Dipoles are
    left as they are.

    Parameters
    ----------
    found : (n,) structured array
        Candidates, the most significant first: their places, fluxes, errors and signs.
    flux, error : (ny, nx) arrays
        Flux map and its 1-sigma error, ADU.
    psf : (k, k) array
        PSF of the difference.
    threshold : float
        sigma that a new candidate must exceed.

    Returns
    -------
    (m,) structured array
        The given ones in their order, then the new ones; those beside others are blended.
    """
    maps = _Maps(flux, error, psf)
    hidden = _hidden(found, maps, threshold)
    while True:
        every = np.concatenate([found, hidden], dtype=found.dtype)
        _measure_neighbours(every, maps)
        kept = every["significance"][len(found) :] >= threshold
        if kept.all():
            return every
        hidden = hidden[kept]


class _Maps:
    """The maps that blends are measured in."""

    def __init__(self, flux: Float32Image, error: Float32Image, psf: FloatArray) -> None:
        self.flux, self.error, self.response = flux, error, Response(psf)
        fwhm = stamp_fwhm(psf)
        self.half = int(np.ceil(REACH * fwhm))
        self.least_apart = LEAST_APART * fwhm
        self._blends: dict[bytes, Blend] = {}

    def around(self, place: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Give the stamp of the flux map round a place (x, y), and its middle."""
        middle = np.rint(place).astype(int)
        x, y = middle[:, None]
        return windows(self.flux, x, y, self.half)[0].astype(float), middle

    def together(self, groups: list[NDArray[np.float64]]) -> list[Blend]:
        """Measure the sources of each group in the stamp round its first; the same only once."""
        new = {places.tobytes(): places for places in groups}
        new = {key: places for key, places in new.items() if key not in self._blends}
        for count in {len(places) for places in new.values()}:
            keys = [key for key, places in new.items() if len(places) == count]
            self._blends.update(
                zip(keys, self._fit(np.stack([new[key] for key in keys])), strict=True)
            )
        return [self._blends[places.tobytes()] for places in groups]

    def _fit(self, places: NDArray[np.float64]) -> list[Blend]:
        """Measure (b, n, 2) sources in the stamps round the first of each."""
        middle = np.rint(places[:, 0]).astype(int)
        stamps = windows(self.flux, middle[:, 0], middle[:, 1], self.half).astype(float)
        return fit_blends(stamps, places - middle[:, None], self.response)

    def hold(self, places: FloatArray) -> BoolArray:
        """Tell which places are within the frame."""
        pixels, size = np.rint(places), self.flux.shape[::-1]
        return np.asarray(((pixels >= 0) & (pixels < size)).all(axis=-1))


def _places(found: Candidates) -> NDArray[np.float64]:
    return np.column_stack([found["x"], found["y"]])


def _beside(places: FloatArray, usable: BoolArray, reach: float) -> list[NDArray[np.intp]]:
    """Give for each place the usable others within ``reach`` px."""
    near: Any = cKDTree(places[usable]).query_ball_point(places, reach, return_sorted=True)
    known = np.flatnonzero(usable)
    return [known[others][known[others] != i] for i, others in enumerate(near)]


def _hidden(found: Candidates, maps: _Maps, threshold: float) -> Candidates:
    """Give the sources that stand beside bright candidates and are not among ``found``."""
    places, single = _places(found), ~found["is_dipole"]
    beside = _beside(places, single, maps.half)
    crowded = np.array([len(others) > 0 for others in beside], bool)
    bright = single & (found["significance"] > BRIGHT)
    suspect = crowded | _may_hide(found, bright & ~crowded, maps, threshold)
    new, signs = np.zeros((0, 2)), np.zeros(0, bool)
    # all at once here; most are asked for again below, one by one
    maps.together([places[[i, *beside[i]]] for i in np.flatnonzero(bright & suspect)])
    for i in np.flatnonzero(bright):
        added = new[np.hypot(*(new - places[i]).T) < maps.half]
        if not (suspect[i] or len(added)):
            continue
        known = np.vstack([places[[i, *beside[i]]], added])
        stamp, middle = maps.around(places[i])
        search = Search(float(found["flux_error"][i]), threshold, maps.least_apart)
        blend = part(stamp, maps.together([known])[0], maps.response, search)
        more = blend.places[len(known) :] + middle
        more = more[maps.hold(more)]
        new = np.vstack([new, more])
        signs = np.append(signs, np.full(len(more), found["is_negative"][i]))
    hidden = np.zeros(len(new), found.dtype)
    hidden["x"], hidden["y"], hidden["is_negative"] = *new.T, signs
    return hidden


def _may_hide(found: Candidates, lone: BoolArray, maps: _Maps, threshold: float) -> BoolArray:
    """Tell which of the ``lone`` candidates leave something beside them."""
    places = _places(found[lone])
    middle, error = np.rint(places).astype(int), found["flux_error"][lone]
    stamps = windows(maps.flux, middle[:, 0], middle[:, 1], maps.half) / error[:, None, None]
    sources = Blend(places - middle, found["flux"][lone] / error, np.ones(len(error)))
    hiding = np.zeros(len(found), bool)
    hiding[lone] = may_hide(
        stamps, sources, maps.response, Search(1.0, threshold, maps.least_apart)
    )
    return hiding


def _measure_neighbours(every: Candidates, maps: _Maps) -> None:
    """Measure, in place, what others overlap."""
    places, single = _places(every), ~every["is_dipole"]
    groups = {
        i: places[[i, *others]]
        for i, others in enumerate(_beside(places, single, maps.half))
        if single[i] and len(others)
    }
    for i, blend in zip(groups, maps.together(list(groups.values())), strict=True):
        middle = np.rint(places[i]).astype(int)
        if blend.nearest() >= maps.least_apart and maps.hold(blend.places[0] + middle):
            _store(every[i : i + 1], blend, middle, maps.error)


def _store(one: Candidates, blend: Blend, middle: NDArray[np.intp], error: Float32Image) -> None:
    """Fill in what the common fit says about its first source."""
    one["x"], one["y"] = blend.places[0] + middle
    one["flux"] = blend.flux[0]
    one["flux_error"] = error[middle[1], middle[0]] * blend.loss[0]
    one["snr"] = np.abs(one["flux"]) / one["flux_error"]
    one["is_blended"] = True
    # a new one has no peak of its own to be judged by
    one["significance"] = np.where(one["significance"] > 0, one["significance"], one["snr"])
