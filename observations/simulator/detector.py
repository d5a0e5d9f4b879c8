"""What the camera does to the light: noise, saturation, bleeding, dead and hot pixels, cosmics."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from observations.simulator.parameters import SceneParameters

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Detector:
    """The flaws of one detector: the same pixels in every frame it takes."""

    is_dead: BoolArray  # (ny, nx); these pixels read zero
    hot_adu: FloatArray  # (ny, nx), ADU added in every exposure

    @property
    def is_bad(self) -> BoolArray:
        """Pixels that do not measure the sky."""
        return np.asarray(self.is_dead | (self.hot_adu > 0))


def draw_detector(rng: np.random.Generator, parameters: SceneParameters) -> Detector:
    """Draw dead columns, each from some row to the readout edge, and hot pixels."""
    size = parameters.size
    is_dead = np.zeros((size, size), dtype=bool)
    for column in rng.integers(0, size, rng.poisson(_expected(parameters, "bad_columns_per_mpix"))):
        is_dead[int(rng.uniform(0, 0.6 * size)) :, column] = True
    hot = np.zeros((size, size))
    count = rng.poisson(_expected(parameters, "hot_pixels_per_mpix"))
    rows, columns = rng.integers(0, size, (2, count))
    hot[rows, columns] = rng.lognormal(np.log(1500.0), 0.8, count)
    return Detector(is_dead, hot)


def _expected(parameters: SceneParameters, rate: str) -> float:
    return float(getattr(parameters, rate) * parameters.megapixels)


def add_noise(
    rng: np.random.Generator, light: FloatArray, *, gain: float, read_noise_e: float
) -> FloatArray:
    """Count photons and read out.

    Parameters
    ----------
    light : (ny, nx) array
        Expected ADU, sky included.
    gain, read_noise_e : float
        Electrons per ADU and electrons, both of the frame as it is written.

    Returns
    -------
    (ny, nx) array
        ADU with variance light / gain + (read_noise_e / gain)^2.
    """
    electrons = rng.poisson(np.maximum(light, 0) * gain).astype(float)
    electrons += rng.normal(0, read_noise_e, light.shape)
    return np.asarray(electrons / gain)


def add_cosmic_rays(
    rng: np.random.Generator, pixels: FloatArray, count: int, *, diffusion: float = 0.0
) -> BoolArray:
    """Draw tracks of 1 to 25 px with no point spread into ``pixels``; True where one went through.

    Charge per pixel is lognormal around 900 ADU, modulated by 40 % along the track. On its way
    through the silicon it spreads as a Gaussian of ``diffusion`` px (1 sigma).
    """
    hit = np.zeros(pixels.shape, dtype=bool)
    charges = np.zeros(pixels.shape)
    for _ in range(count):
        length = int(rng.integers(2, 25)) if rng.random() < TRACK_FRACTION else 1
        angle, step = rng.uniform(0, 2 * np.pi), np.arange(length)
        start_x, start_y = rng.uniform(0, pixels.shape[1]), rng.uniform(0, pixels.shape[0])
        x = (start_x + step * np.cos(angle)).astype(int)
        y = (start_y + step * np.sin(angle)).astype(int)
        charge = rng.lognormal(6.8, 0.8) * rng.uniform(0.6, 1.4, length)
        inside = (x >= 0) & (x < pixels.shape[1]) & (y >= 0) & (y < pixels.shape[0])
        np.add.at(charges, (y[inside], x[inside]), charge[inside])
        hit[y[inside], x[inside]] = True
    pixels += diffuse(charges, diffusion) if diffusion > 0 else charges
    return hit


def diffuse(charges: FloatArray, sigma: float) -> FloatArray:
    """Spread the charge of each pixel over its neighbours; what leaves the detector is lost.

    It starts in the middle of its pixel: the share that crosses an edge is an error function.
    """
    edges = special.ndtr((np.arange(-DIFFUSION_PX, DIFFUSION_PX + 2) - 0.5) / sigma)
    shares = np.diff(edges)
    along = ndimage.convolve1d(charges, shares, axis=1, mode="constant")
    return np.asarray(ndimage.convolve1d(along, shares, axis=0, mode="constant"))


# Five sigma of the widest diffusion.
DIFFUSION_PX = 3


# The rest are single hits.
TRACK_FRACTION = 0.6


def bleed(pixels: FloatArray, saturation: float) -> BoolArray:
    """Spill what is above ``saturation`` along the columns, in place; True where a pixel is full.

    Charge is kept: half of a full run's excess goes up, half down, filling each pixel on the
    way to ``saturation``; what reaches the edge of the detector is lost.
    """
    for column in np.flatnonzero((pixels > saturation).any(axis=0)):
        line = pixels[:, column]
        for start, stop in full_runs(line, saturation):
            excess = float((line[start:stop] - saturation).sum())
            line[start:stop] = saturation
            spill(line[stop:], excess / 2, saturation)
            spill(line[:start][::-1], excess / 2, saturation)
    return np.asarray(pixels >= saturation)


def full_runs(line: FloatArray, saturation: float) -> list[tuple[int, int]]:
    """Start and stop of each run of pixels above ``saturation``."""
    edges = np.diff(np.concatenate([[0], (line > saturation).astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    )


def spill(line: FloatArray, charge: float, saturation: float) -> None:
    """Fill ``line`` from its start with ``charge``, each pixel up to ``saturation``, in place."""
    room = np.maximum(saturation - line, 0)
    before = np.cumsum(room) - room
    line += np.clip(charge - before, 0, room)
