"""What two frames tell about themselves before they are subtracted: stars, PSFs, match."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from differencing.parameters import DifferenceParameters
from differencing.psf import match, stars
from differencing.psf.fit import fit_psf
from differencing.psf.likely import likely_in_both
from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.polynomial import Polynomial
from differencing.psf.refine import Refined, refine_match
from differencing.psf.sample import sample_stars
from differencing.psf.stars import Sources
from differencing.subtraction.bending import bends_of
from differencing.subtraction.images import Images
from differencing.subtraction.match_noise import MatchNoise
from differencing.subtraction.noise import BoolArray
from differencing.subtraction.optics import TileOptics
from differencing.subtraction.prepare import Plane
from differencing.subtraction.remainder import remainder
from differencing.subtraction.tiles import Tile, whole_frame

FRAMES = ("science", "reference")
ENOUGH_SOURCES = 200  # with fewer, a second, deeper star detection is worth its time
TILE_CHANGE = 0.2  # of the peak of a PSF: to first order so much change over a tile is taken up
SMALLEST_TILE = 128  # px; borders would cost more than they bring
SAMPLE_STEP = 8  # px between the pixels that stand for the noise of a tile

Planes = tuple[Plane, Plane]
Models = tuple[PsfModel, PsfModel]


@dataclass(frozen=True)
class Pair:
    """Everything known about two frames before their subtraction; science first."""

    planes: Planes
    images: Images  # holes filled, remaining background removed
    models: Models
    matched: FrameMatch
    noise: MatchNoise
    n_refined: int

    def optics(self, tile: Tile) -> TileOptics:
        """Give the optics in the middle of ``tile``."""
        x, y = tile.centre
        science, reference = self.planes
        return TileOptics(
            psf_science=self.models[0].at(x, y),
            psf_reference=self.models[1].at(x, y),
            noise_science=_tile_noise(science, tile),
            noise_reference=_tile_noise(reference, tile),
            gain_science=science.gain,
            gain_reference=reference.gain,
            flux_ratio=self.matched.flux_ratio,
            shift_x=float(self.matched.shift_x.at(x, y)),
            shift_y=float(self.matched.shift_y.at(x, y)),
        )

    @cached_property
    def bends(self) -> tuple[Polynomial, Polynomial, Polynomial]:
        """What makes up for the change of the ratio of both PSFs within a tile."""
        return bends_of(self.models, self.optics(whole_frame(self.planes[0].shape)))

    def tile(self, largest: int) -> int:
        """Give the side (px) of tiles, at most ``largest``, in which the PSF hardly changes."""
        parts = max(model.change for model in self.models) / TILE_CHANGE
        side = min(self.planes[0].shape)
        return min(largest, max(int(np.ceil(side / max(parts, 1.0))), SMALLEST_TILE))

    def figures(self) -> dict[str, float]:
        """Say how well both frames were measured."""
        found = {
            "flux_ratio": self.matched.flux_ratio,
            "flux_ratio_scatter": self.matched.flux_ratio_scatter,
            "flux_ratio_scatter_error": self.matched.flux_ratio_scatter_error,
            "sigma_ast": self.noise.place,
            "model_error": self.noise.shape,
            "n_refined": float(self.n_refined),
            "shift_rms": self.matched.shift_rms,
            "shift_degree": float(self.matched.shift_x.degree),
            "n_matched": float(self.matched.n_pairs),
            "psf_flux_error": self.models[0].flux_error,
        }
        for name, model in zip(FRAMES, self.models, strict=True):
            found[f"n_psf_stars_{name}"] = float(model.n_stars)
            found[f"psf_degree_{name}"] = float(model.degree)
            found[f"fwhm_{name}"] = model.fwhm
        return found


def _tile_noise(plane: Plane, tile: Tile) -> float:
    return float(np.median(plane.noise[tile.padded][::SAMPLE_STEP, ::SAMPLE_STEP]))


def find_sources(plane: Plane, parameters: DifferenceParameters) -> Sources:
    """Find the sources of a frame, going deeper where few are bright."""
    ceiling = parameters.linear_fraction * plane.saturation
    for threshold in (parameters.star_threshold, parameters.faint_star_threshold):
        found = stars.find_light(plane.pixels, plane.sigma, plane.bad, threshold=threshold)
        if len(found) >= ENOUGH_SOURCES:
            break
    return stars.measure_sources(plane.pixels, plane.bad, found, ceiling=ceiling)


def likely_stars(
    sources: Sources, shape: tuple[int, int], parameters: DifferenceParameters
) -> BoolArray:
    """Mark the sources that look like single stars in their own frame."""
    return stars.select_stars(sources, shape, margin=parameters.psf_radius / 2)


def likely_of_both(
    found: tuple[Sources, Sources], shape: tuple[int, int], parameters: DifferenceParameters
) -> tuple[BoolArray, BoolArray]:
    """Mark the sources of both frames that look like single stars; hits are seen but once."""
    margin, radius = parameters.psf_radius / 2, parameters.match_radius
    return likely_in_both(found, shape, margin=margin, radius=radius)


def find_stars(
    found: tuple[Sources, Sources], shape: tuple[int, int], parameters: DifferenceParameters
) -> tuple[BoolArray, BoolArray]:
    """Mark the single stars of both frames, each confirmed by the other frame."""
    likely = likely_of_both(found, shape, parameters)
    return match.shared_stars(found, likely, radius=parameters.match_radius)


def measure_psf(
    plane: Plane,
    sources: Sources,
    chosen: BoolArray,
    parameters: DifferenceParameters,
    name: str,
) -> PsfModel:
    """Measure the PSF of one frame on stamps wide enough for its seeing.

    Raises
    ------
    ValueError
        If the frame has fewer usable stars than ``parameters.min_psf_stars``.
    """
    # a half-light radius is half a FWHM for a Gaussian
    width = 2 * float(np.median(sources.size[chosen])) if chosen.any() else 0.0
    half = max(parameters.psf_radius, int(np.ceil(3 * width)))
    sample = sample_stars(
        plane.pixels, plane.bad, sources, chosen, half=half, limit=parameters.max_psf_stars
    )
    if len(sample.x) < parameters.min_psf_stars:
        margin = parameters.psf_radius / 2
        refused = stars.refused_stars(sources, chosen, plane.shape, margin=margin)
        refused["crowded or too faint"] -= len(sample.x)
        raise ValueError(_too_few_stars(name, len(sample.x), refused, parameters))
    return fit_psf(
        sample,
        noise=plane.sigma,
        gain=plane.gain,
        shape=plane.shape,
        max_degree=parameters.psf_degree,
    )


def _too_few_stars(
    name: str, usable: int, refused: dict[str, int], parameters: DifferenceParameters
) -> str:
    """Say how many stars there are, why others are none, and what to do."""
    why = ", ".join(f"{count} {reason}" for reason, count in refused.items() if count)
    return (
        f"{usable} usable PSF stars among {usable + sum(refused.values())} sources of the {name} "
        f"frame, {parameters.min_psf_stars} are needed"
        + (f" (refused: {why})" if why else "")
        + ": use a larger or deeper frame, or lower faint_star_threshold"
    )


def of_one_size(models: Models) -> Models:
    """Give both PSFs on stamps of the larger size."""
    half = max(model.half for model in models)
    return models[0].widened(half), models[1].widened(half)


def match_frames(
    planes: Planes,
    found: tuple[Sources, Sources],
    models: Models,
    parameters: DifferenceParameters,
) -> Refined:
    """Fit shift, flux ratio and the ratio of the PSFs of two frames by the sources they share.

    Raises
    ------
    ValueError
        If they share fewer than ``parameters.min_psf_stars``, or none bright enough, or no flux
        ratio fits them.
    """
    clean = found[0].chosen(found[0].is_clean), found[1].chosen(found[1].is_clean)
    first, second = match.pair_sources(clean[0], clean[1], radius=parameters.match_radius)
    if len(first) < parameters.min_psf_stars:
        raise ValueError(
            f"{len(first)} stars in common ({len(clean[0])} in science, {len(clean[1])} in "
            f"reference), {parameters.min_psf_stars} are needed: check that both frames show one "
            "field and are registered to one grid"
        )
    brightest = slice(match.MOST_PAIRS)
    pairs = clean[0].chosen(first[brightest]), clean[1].chosen(second[brightest])
    likely = find_stars(clean, planes[0].shape, parameters)
    is_star = likely[0][first[brightest]] & likely[1][second[brightest]]
    ratio = _flux_ratio(planes, models, pairs, is_star)
    shift = match.fit_shift(
        *pairs,
        is_star=is_star,
        noise=(planes[0].sigma, planes[1].sigma),
        shape=planes[0].pixels.shape,
    )
    matched = FrameMatch(*shift, *ratio, n_pairs=len(first))
    floor = parameters.min_sigma_ast
    sky_of = partial(remainder, planes, mesh=parameters.remainder_mesh)
    known = ~stars.is_too_sharp(clean[1], likely[1])
    real, is_star = clean[1].chosen(known), likely[1][known]
    return refine_match(planes, models, matched, real, is_star, sky_of=sky_of, floor=floor)


def _flux_ratio(
    planes: Planes, models: Models, pairs: tuple[Sources, Sources], is_star: BoolArray
) -> tuple[float, float, float]:
    """Fit the flux ratio to stars: a galaxy's PSF flux depends on the seeing."""
    chosen = is_star if is_star.any() else np.ones(len(is_star), bool)
    fluxes = [
        match.psf_fluxes(plane, model, sources.chosen(chosen))
        for plane, model, sources in zip(planes, models, pairs, strict=True)
    ]
    return match.fit_flux_ratio(fluxes[0], fluxes[1])
