"""A pair of frames whose truth is known, whoever made it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.floating]
BoolImage = npt.NDArray[np.bool_]

# Changes nearer than this, some four FWHM, add to the flux of each other and shift its place.
BLEND_PX = 14.0

# (x, y, width) -> (width, width) image of a point source centred on a pixel; sums to about 1
PsfAt = Callable[[float, float, int], FloatArray]


@dataclass(frozen=True)
class Frame:
    """One frame of a pair.

    Attributes
    ----------
    pixels : (ny, nx) float32 array
        ADU, sky included.
    light : (ny, nx) float array
        Light of the sources alone, ADU, without noise.
    sky : (ny, nx) float array
        The sky, ADU, without noise.
    is_masked : (ny, nx) bool array
        Saturated or bad pixels.
    gain, read_noise_e : float
        Electrons per ADU; electrons.
    psf : callable
        The true point spread function.
    """

    pixels: npt.NDArray[np.float32]
    light: FloatImage
    sky: FloatImage
    is_masked: BoolImage
    gain: float
    read_noise_e: float
    psf: PsfAt

    @property
    def sky_sigma(self) -> float:
        """Noise per pixel, ADU, where there is nothing but sky."""
        return float(np.sqrt(self.sky.mean() / self.gain + (self.read_noise_e / self.gain) ** 2))


@dataclass(frozen=True)
class Changes:
    """Sources that differ between the frames, on the grid of the science frame.

    Attributes
    ----------
    x, y : (n,) arrays
        0-based px.
    flux : (n,) array
        Science minus reference, ADU of the science frame.
    snr : (n,) array
        Signed significance in an ideal subtraction.
    is_hosted : (n,) bool array
        Lies in or beside a galaxy.
    """

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    snr: FloatArray
    is_hosted: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Count them."""
        return len(self.x)


@dataclass(frozen=True)
class Truth:
    """Which pair it is, and what changes in it.

    Attributes
    ----------
    size, seed : int
        Width in px; what the pair was drawn with.
    star_density : float
        Share of the usual number of stars.
    transients, variables : Changes
        What is new, and stars that differ.
    """

    size: int
    seed: int
    star_density: float
    transients: Changes
    variables: Changes

    @property
    def mpix(self) -> float:
        """Area of the frame, 1e6 px."""
        return self.size**2 / 1e6

    @property
    def is_alone(self) -> npt.NDArray[np.bool_]:
        """Say of each transient whether nothing else changes within :data:`BLEND_PX`."""
        new, every = self.transients, (self.transients, self.variables)
        tree = cKDTree(np.concatenate([np.column_stack([one.x, one.y]) for one in every]))
        near = tree.query_ball_point(np.column_stack([new.x, new.y]), BLEND_PX, return_length=True)
        return np.asarray(near == 1)

    @property
    def group(self) -> str:
        """Pairs of one size and star density are summed up together."""
        return f"{self.size}" if self.star_density == 1 else f"{self.size} sparse"


@dataclass(frozen=True)
class Field(Truth):
    """A science frame, its reference on the same grid, and the truth about both.

    Attributes
    ----------
    flux_ratio : float
        ADU in the science frame per ADU in the reference, for a constant star.
    saturation : float
        ADU, sky included.
    is_cosmic : (ny, nx) bool array
        Pixels of the science frame that a cosmic ray went through.
    stars, galaxies : (n, 2) arrays
        Places on the grid of the science frame, px.
    star_flux : (n,) array
        ADU of the reference.
    """

    science: Frame
    reference: Frame
    flux_ratio: float
    saturation: float
    is_cosmic: BoolImage
    stars: FloatArray
    star_flux: FloatArray
    galaxies: FloatArray

    def truth(self) -> Truth:
        """Give what remains of interest without the pixels."""
        return Truth(self.size, self.seed, self.star_density, self.transients, self.variables)
