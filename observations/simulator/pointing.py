"""Where a frame looks: dither, rotation, the WCS its header claims, and what no WCS knows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.wcs import WCS

from observations.simulator.parameters import SceneParameters

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Distortion:
    """A smooth displacement field, such as refraction and optics leave behind a WCS."""

    size: int
    coefficients: FloatArray  # (2, 6), px

    def __call__(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Displacements (dx, dy) in px at scene positions."""
        u, v = 2 * x / self.size - 1, 2 * y / self.size - 1
        terms = [np.full_like(u, 0.6), u, v, np.sin(2.5 * u), np.cos(3 * v), u * v]
        dx, dy = np.tensordot(self.coefficients, np.stack(terms), axes=1)
        return dx, dy


def draw_distortion(rng: np.random.Generator, parameters: SceneParameters) -> Distortion:
    """Draw a displacement field whose rms length over the frame is ``parameters.distortion``."""
    shape = Distortion(parameters.size, rng.normal(size=(2, 6)))
    x, y = np.meshgrid(*2 * [np.linspace(0, parameters.size, 24)])
    rms = np.sqrt(np.mean(np.square(shape(x.ravel(), y.ravel())).sum(axis=0)))
    return Distortion(parameters.size, shape.coefficients * parameters.distortion / rms)


@dataclass(frozen=True)
class Pointing:
    """Maps the scene grid to the pixels of one frame."""

    parameters: SceneParameters
    shift: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0  # radians
    wcs_offset: tuple[float, float] = (0.0, 0.0)
    distortion: Distortion | None = None

    def to_frame(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Frame pixels (0-based) of scene positions."""
        centre = (self.parameters.size - 1) / 2
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        u, v = np.asarray(x, float) - centre, np.asarray(y, float) - centre
        frame_x = cos * u - sin * v + centre + self.shift[0]
        frame_y = sin * u + cos * v + centre + self.shift[1]
        if self.distortion is None:
            return frame_x, frame_y
        dx, dy = self.distortion(np.asarray(x, float), np.asarray(y, float))
        return frame_x + dx, frame_y + dy

    def wcs(self) -> WCS:
        """Give the WCS of the frame's header: TAN, wrong by ``wcs_offset`` and the distortion."""
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        scale = self.parameters.pixel_scale_arcsec / 3600
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.radesys = "ICRS"
        wcs.wcs.crval = [self.parameters.ra, self.parameters.dec]
        centre = (self.parameters.size + 1) / 2
        wcs.wcs.crpix = np.add(centre, self.shift) + self.wcs_offset
        wcs.wcs.cd = scale * np.array([[-1.0, 0.0], [0.0, 1.0]]) @ [[cos, sin], [-sin, cos]]
        wcs.array_shape = (self.parameters.size, self.parameters.size)
        wcs.wcs.set()
        return wcs


def draw_pointing(
    rng: np.random.Generator,
    parameters: SceneParameters,
    *,
    dithered: bool,
    distortion: Distortion | None = None,
) -> Pointing:
    """Draw a pointing; an undithered one lies on the scene grid but for ``distortion``."""
    if not dithered:
        return Pointing(parameters, distortion=distortion)
    x, y = rng.uniform(-1, 1, 2) * parameters.max_dither
    return Pointing(
        parameters,
        shift=(float(x), float(y)),
        rotation=float(np.deg2rad(rng.uniform(-1, 1) * parameters.max_rotation_deg)),
        wcs_offset=tuple(rng.normal(0, parameters.wcs_error, 2).tolist()),
        distortion=distortion,
    )
