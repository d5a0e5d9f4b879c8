"""Sersic galaxies seen through the point spread function."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from observations.simulator.psf import PsfField, add_stamps
from observations.simulator.scene import Galaxies

FloatArray = npt.NDArray[np.float64]

# Stamp widths and the half-light radii up to which each is used (12 radii fit in a stamp).
WIDTHS = ((33, 2.5), (61, 5.0), (121, 10.0), (181, np.inf))
# The cusp of a Sersic profile is averaged over this many points per pixel and axis ...
OVERSAMPLE = 8
# ... in a core of this width, px.
CORE = 9
CHUNK = 1_500_000


def paint_galaxies(
    image: FloatArray, psf: PsfField, galaxies: Galaxies, x: FloatArray, y: FloatArray, scale: float
) -> None:
    """Add galaxies, convolved with the local PSF, to ``image`` in place.

    Parameters
    ----------
    image : (ny, nx) array
        ADU.
    x, y : (n,) arrays
        Frame positions, px.
    scale : float
        ADU in this frame per unit of ``galaxies.flux``.
    """
    smallest = 0.0
    for width, largest in WIDTHS:
        radius = galaxies.half_light_radius
        of_width = np.flatnonzero((radius > smallest) & (radius <= largest))
        smallest = largest
        count = max(1, CHUNK // width**2)
        for start in range(0, len(of_width), count):
            some = of_width[start : start + count]
            stamps = convolved(galaxies, some, psf, (x[some], y[some]), width)
            stamps *= (galaxies.flux[some] * scale)[:, None, None]
            add_stamps(image, stamps, x[some], y[some])


def convolved(
    galaxies: Galaxies,
    chosen: npt.NDArray[np.intp],
    psf: PsfField,
    at: tuple[FloatArray, FloatArray],
    width: int,
) -> FloatArray:
    """Unit-flux stamps (n, width, width) of the ``chosen`` galaxies at frame positions ``at``."""
    profile = sersic_stamps(galaxies, chosen, at, width)
    # centred on a pixel: the sub-pixel position is in the profile already
    point = psf.stamps(np.rint(at[0]), np.rint(at[1]), PSF_WIDTH)
    length = fft.next_fast_len(width + PSF_WIDTH - 1, real=True)
    shape = (length, length)
    product = fft.rfft2(profile, shape) * fft.rfft2(point, shape)
    start = PSF_WIDTH // 2
    return np.asarray(fft.irfft2(product, shape)[:, start : start + width, start : start + width])


PSF_WIDTH = 25


def sersic_stamps(
    galaxies: Galaxies,
    chosen: npt.NDArray[np.intp],
    at: tuple[FloatArray, FloatArray],
    width: int,
) -> FloatArray:
    """Unit-flux Sersic profiles (n, width, width) before convolution.

    References
    ----------
    Sersic 1968; b_n after Ciotti & Bertin 1999, A&A 352, 447, eq. 18 (two terms).
    """
    fraction = (at[0] - np.rint(at[0]), at[1] - np.rint(at[1]))
    stamps = profile(galaxies, chosen, fraction, np.arange(width) - width // 2)
    fine = (np.arange(CORE * OVERSAMPLE) + 0.5) / OVERSAMPLE - 0.5 - CORE // 2
    core = profile(galaxies, chosen, fraction, fine)
    core = core.reshape(len(chosen), CORE, OVERSAMPLE, CORE, OVERSAMPLE).mean(axis=(2, 4))
    edge = (width - CORE) // 2
    stamps[:, edge : edge + CORE, edge : edge + CORE] = core
    return np.asarray(stamps / stamps.sum(axis=(1, 2), keepdims=True))


def profile(
    galaxies: Galaxies,
    chosen: npt.NDArray[np.intp],
    fraction: tuple[FloatArray, FloatArray],
    grid: npt.NDArray[np.floating] | npt.NDArray[np.integer],
) -> FloatArray:
    """Sersic surface brightness on a square grid of offsets (px), unit at the half-light radius."""
    radius, index, ratio, angle = (
        a[chosen][:, None, None]
        for a in (galaxies.half_light_radius, galaxies.index, galaxies.axis_ratio, galaxies.angle)
    )
    dx = (grid - fraction[0][:, None])[:, None, :]
    dy = (grid - fraction[1][:, None])[:, :, None]
    cos, sin = np.cos(angle), np.sin(angle)
    squared = (cos * dx + sin * dy) ** 2 * ratio + (cos * dy - sin * dx) ** 2 / ratio
    relative = np.maximum(squared / radius**2, 1e-8)
    steepness = 2 * index - 1 / 3 + 4 / (405 * index)
    return np.asarray(np.exp(-steepness * (relative ** (0.5 / index) - 1)))
