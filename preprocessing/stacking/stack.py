"""One deep image from many frames of a field: scaled, weighted, clipped, with its noise known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.defects import MAD_TO_SIGMA
from preprocessing.parameters import StackParameters
from preprocessing.sky.background import lit_blocks
from preprocessing.sky.blocks import BLOCK_PX, Blocks, pair_means
from preprocessing.stacking.combine import Recipe, combine
from preprocessing.stacking.scaling import Scale, common_zero_point, flux_scales, stars_of
from preprocessing.stars import seeing

SAME_GRID_PX = 0.05
# Sums over blocks of this side see the noise that a matched filter sees.
NOISE_BLOCK_PX, LEAST_BLOCKS = 2 * BLOCK_PX, 50
# Standard error of ``spread`` times the root of how many values it is of: Rousseeuw & Croux 1993.
SPREAD_ERROR = 1.17
# A noise map is raised where the excess is sure by so many errors, and no less than this.
SURE_SIGMA, LEAST_EXCESS = 3.0, 1.02


@dataclass(frozen=True)
class BlankSky:
    """What blank sky shows of a noise map.

    Attributes
    ----------
    pixel_scatter, noise_ratio : float or None
        Scatter of single pixels and of the sums over 8 x 8 of them, over what the noise map
        promises for independent pixels. The second is 1 when the map is right; the first is lower
        after interpolation. None where hardly any sky is blank.
    blocks : int
        Blank blocks of 8 x 8 pixels.
    """

    pixel_scatter: float | None
    noise_ratio: float | None
    blocks: int

    @property
    def raised_by(self) -> float:
        """What the noise is to be multiplied by; 1 where the map is right, or nothing shows else.

        What all frames share does not average out, and no noise map of one frame knows of it.
        Sums also rise with faint objects and unevenness of the sky, so they only tell that there
        is an excess: single pixels tell how much.
        """
        if self.noise_ratio is None or self.pixel_scatter is None:
            return 1.0
        error = SPREAD_ERROR / self.blocks**0.5
        is_low = self.noise_ratio > 1 + SURE_SIGMA * error and self.pixel_scatter > LEAST_EXCESS
        return self.pixel_scatter if is_low else 1.0


@dataclass(frozen=True, eq=False)
class Stack:
    """A combined frame and how it came about.

    Attributes
    ----------
    frame : CalibratedFrame
        In the flux scale and on the grid of the first frame, with the zero point that the frames
        have in common. A pixel with no usable frame carries
        the bits that spoiled it in all of them; NO_DATA where none of them has data. SATURATED
        also where a star was saturated in some frames only: there the PSF is another.
    coverage : (ny, nx) uint16 array
        Frames that each pixel was made from.
    scales : tuple of Scale
    weights, seeing_px : tuple of float
        Per frame; weights have sum 1.
    clipped : tuple of float
        Share of each frame's usable pixels that the other frames do not show.
    blank_sky : BlankSky
        Of the combined frame, before its noise map was raised by what this shows.
    """

    frame: CalibratedFrame
    coverage: NDArray[np.uint16]
    scales: tuple[Scale, ...]
    weights: tuple[float, ...]
    seeing_px: tuple[float, ...]
    clipped: tuple[float, ...]
    blank_sky: BlankSky

    def facts(self) -> dict[str, Any]:
        """Give the figures as JSON values."""
        return {
            "frames": len(self.weights),
            "coverage": float((self.coverage > 0).mean()),
            "full_coverage": float((self.coverage >= len(self.weights) / 2).mean()),
            "scales": [asdict(scale) for scale in self.scales],
            "weights": list(self.weights),
            "seeing_px": list(self.seeing_px),
            "clipped": list(self.clipped),
            "pixel_scatter": self.blank_sky.pixel_scatter,
            "noise_ratio": self.blank_sky.noise_ratio,
            "noise_scaled_by": self.blank_sky.raised_by,
        }


def stack(
    frames: Sequence[CalibratedFrame],
    parameters: StackParameters,
    *,
    scales: Sequence[float] | None = None,
) -> Stack:
    """Combine frames of one grid into the image with the highest S/N for point sources.

    Frames are scaled to the flux of the first by stars they share, weighted as a matched filter
    wants them, and clipped pixel by pixel against their median. A pixel of a frame counts when its
    mask is 0. The noise map is that of the weighted mean, raised where blank sky scatters more: a
    pattern that all frames share does not average out. Arrays may be memory maps: pixels are read
    in bands of rows.

    Parameters
    ----------
    frames : sequence of CalibratedFrame
        The first gives grid and flux scale; at least two.
    parameters : StackParameters
    scales : sequence of float, optional
        Factors, where they are known better than from shared stars.

    Raises
    ------
    UnusableFrame
        If a frame has no stars to be compared by.
    ValueError
        If there are fewer than two frames, or they are on different grids.
    """
    check_grids(frames)
    stars = [stars_of(frame, number) for number, frame in enumerate(frames, start=1)]
    factors = (
        flux_scales(frames, stars, least_stars=parameters.min_stars)
        if scales is None
        else [Scale(float(factor), 0.0, 0) for factor in scales]
    )
    recipe = Recipe.of(
        frames,
        np.array([scale.factor for scale in factors]),
        np.array([seeing(each) for each in stars]),
        parameters,
    )
    frame, coverage, clipped = combine(frames, recipe)
    sky = blank_sky(frame)
    known = [each.zero_point for each in frames]
    return Stack(
        frame=replace(
            frame,
            noise=frame.noise * np.float32(sky.raised_by),
            zero_point=common_zero_point(known, factors, recipe.weights.tolist()),
        ),
        coverage=coverage,
        scales=tuple(factors),
        weights=tuple(map(float, recipe.weights)),
        seeing_px=tuple(map(float, recipe.fwhm)),
        clipped=tuple(map(float, clipped)),
        blank_sky=sky,
    )


def check_grids(frames: Sequence[CalibratedFrame]) -> None:
    """Refuse what cannot be laid pixel on pixel."""
    if len(frames) < 2:
        raise ValueError(f"{len(frames)} frames: a stack needs at least two")
    first = frames[0]
    rows, columns = (np.linspace(0, side - 1, 3) for side in first.shape)
    places = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
    sky = first.wcs.all_pix2world(places, 0)
    for number, frame in enumerate(frames[1:], start=2):
        if frame.shape != first.shape:
            raise ValueError(
                f"frame {number} is {frame.shape}, the first {first.shape}: "
                "lay them on one grid before"
            )
        off = float(np.abs(frame.wcs.all_world2pix(sky, 0, quiet=True) - places).max())
        if not off < SAME_GRID_PX:
            raise ValueError(
                f"frame {number} lies up to {off:.3g} px off the grid of the first: "
                "lay them on one grid before"
            )


def blank_sky(frame: CalibratedFrame) -> BlankSky:
    """Compare the scatter of single pixels and of blocks in blank sky to the noise map."""
    unusable = (frame.mask != 0) | ~np.isfinite(frame.pixels)
    values = np.where(unusable, 0, frame.pixels / frame.noise).astype(np.float32)
    blocks = Blocks.of(values, unusable)
    lit = (blocks.counts < BLOCK_PX**2) | lit_blocks(blocks, blocks.means)
    blank = pair_means(lit.astype(np.float32)) == 0
    count = int(blank.sum())
    if count < LEAST_BLOCKS:
        return BlankSky(None, None, count)
    sums = NOISE_BLOCK_PX * spread(pair_means(blocks.means)[blank])
    return BlankSky(spread(blocks.sample[:, ~lit]), sums, count)


def spread(values: Pixels) -> float:
    """Give the standard deviation of the equivalent Gaussian."""
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))
