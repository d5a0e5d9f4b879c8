"""One frame of a scene: light, then camera."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.wcs import WCS

from observations.simulator import detector as camera
from observations.simulator.galaxies import paint_galaxies
from observations.simulator.parameters import SceneParameters
from observations.simulator.pointing import Pointing
from observations.simulator.psf import PsfField, paint_points
from observations.simulator.scene import Scene

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

REFERENCE, SCIENCE = "reference", "science"
# Stamps end where they are this fraction of the sky noise per pixel.
FAINTEST_SIGMA = 0.05


@dataclass(frozen=True)
class Conditions:
    """Under which one frame is taken. ``exposures`` are averaged into it."""

    parameters: SceneParameters
    role: str
    psf: PsfField
    pointing: Pointing
    exposures: int = 1
    transparency: float = 1.0
    sky_e_per_s: float = 10.0
    gradient_angle: float = 0.0

    @property
    def gain(self) -> float:
        """Electrons per ADU of the averaged frame."""
        return self.parameters.gain * self.exposures

    @property
    def read_noise_e(self) -> float:
        """Read noise, in electrons, that belongs to `gain`."""
        return float(self.parameters.read_noise_e * np.sqrt(self.exposures))

    @property
    def adu_per_flux(self) -> float:
        """ADU in this frame per e/s above the atmosphere."""
        return self.transparency * self.parameters.exposure_s / self.parameters.gain

    @property
    def sky_adu(self) -> float:
        """Mean level of the sky."""
        return self.sky_e_per_s * self.parameters.exposure_s / self.parameters.gain

    @property
    def sky_sigma(self) -> float:
        """Noise per pixel, ADU, where there is nothing but sky."""
        return float(np.sqrt(self.sky_adu / self.gain + (self.read_noise_e / self.gain) ** 2))

    def sky(self) -> FloatArray:
        """Sky (ny, nx) in ADU: a plane with a slight bowl."""
        size = self.parameters.size
        v, u = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
        plane = u * np.cos(self.gradient_angle) + v * np.sin(self.gradient_angle)
        shape = 0.4 * plane + 0.1 * (u**2 + v**2 - 2 / 3)
        return np.asarray(self.sky_adu * (1 + self.parameters.sky_gradient * shape))


@dataclass(frozen=True)
class Exposure:
    """A finished frame and what is known about it.

    Attributes
    ----------
    pixels : (ny, nx) float32 array
        ADU, sky included.
    light : (ny, nx) float32 array
        The same without noise and flaws.
    is_saturated, is_bad, is_cosmic : (ny, nx) bool arrays
        Full or bled-into pixels; dead or hot pixels; pixels a cosmic ray went through.
    """

    conditions: Conditions
    pixels: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]
    is_saturated: BoolArray
    is_bad: BoolArray
    is_cosmic: BoolArray

    @property
    def wcs(self) -> WCS:
        """The WCS that the header claims."""
        return self.conditions.pointing.wcs()

    @property
    def psf(self) -> PsfField:
        """The true point spread function."""
        return self.conditions.psf

    @property
    def is_masked(self) -> BoolArray:
        """Pixels that hold no usable measurement, cosmic rays aside."""
        return np.asarray(self.is_saturated | self.is_bad)


def render(scene: Scene, conditions: Conditions, star_flux: FloatArray) -> FloatArray:
    """Paint the scene with the given star fluxes (e/s); (ny, nx) ADU with sky, without noise."""
    image = conditions.sky()
    scale, pointing = conditions.adu_per_flux, conditions.pointing
    add_points(image, conditions, scene.stars.x, scene.stars.y, star_flux)
    x, y = pointing.to_frame(scene.galaxies.x, scene.galaxies.y)
    paint_galaxies(image, conditions.psf, scene.galaxies, x, y, scale)
    return image


def add_points(
    image: FloatArray, conditions: Conditions, x: FloatArray, y: FloatArray, flux: FloatArray
) -> None:
    """Add point sources at scene positions with fluxes in e/s to ``image`` in place."""
    frame_x, frame_y = conditions.pointing.to_frame(x, y)
    paint_points(
        image,
        conditions.psf,
        frame_x,
        frame_y,
        flux * conditions.adu_per_flux,
        faintest=FAINTEST_SIGMA * conditions.sky_sigma,
    )


def expose(
    rng: np.random.Generator, light: FloatArray, conditions: Conditions, detector: camera.Detector
) -> Exposure:
    """Take the frame: noise, cosmic rays, saturation, then the detector's flaws.

    The mean of several exposures keeps no cosmic rays: they are clipped when it is made.
    """
    parameters = conditions.parameters
    pixels = camera.add_noise(
        rng, light, gain=conditions.gain, read_noise_e=conditions.read_noise_e
    )
    rate = parameters.cosmic_rays_per_mpix if conditions.exposures == 1 else 0.0
    hits = rng.poisson(rate * parameters.megapixels)
    is_cosmic = camera.add_cosmic_rays(rng, pixels, hits, diffusion=parameters.cosmic_ray_diffusion)
    pixels += detector.hot_adu
    is_saturated = camera.bleed(pixels, parameters.saturation_adu)
    pixels[detector.is_dead] = 0.0
    return Exposure(
        conditions,
        pixels.astype(np.float32),
        light.astype(np.float32),
        is_saturated & ~detector.is_dead,
        detector.is_bad,
        is_cosmic,
    )
