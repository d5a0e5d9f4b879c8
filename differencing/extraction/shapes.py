"""Position, flux and shape of a source from the maps of a difference."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from differencing.psf.model import stamp_fwhm
from differencing.psf.stamps import radii, shift_stamps
from differencing.subtraction.noise import FloatArray

FWHM_PER_SIGMA = 2.3548200450309493  # 2 sqrt(2 ln 2)
PSF_ERROR = 0.1  # of a pixel of the PSF of D: a model no better than that is no misfit
THINNEST = 0.1  # px; noise can make a measured width imaginary
# the quadratic through the centre and its neighbours of a 3 x 3 square in reading order: value,
# d/dx, d/dy, d2/dx2, d2/dy2, d2/dxdy; a least-squares one would flatten sharp peaks
QUADRATIC = np.array(
    [
        [0, 0, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, -0.5, 0, 0.5, 0, 0, 0],
        [0, -0.5, 0, 0, 0, 0, 0, 0.5, 0],
        [0, 0, 0, 1, -2, 1, 0, 0, 0],
        [0, 1, 0, 0, -2, 0, 0, 1, 0],
        [0.25, 0, -0.25, 0, 0, 0, -0.25, 0, 0.25],
    ]
)


def windows(image: NDArray, x: NDArray, y: NDArray, half: int, *, beyond: int = 0) -> NDArray:
    """Cut (n, 2 half + 1, 2 half + 1) squares around whole pixels.

    Where there is no number, the squares have zero, and ``beyond`` the image ``beyond``.
    """
    offset = np.arange(-half, half + 1)
    rows, columns = y[:, None, None] + offset[:, None], x[:, None, None] + offset
    inside = (rows >= 0) & (rows < image.shape[0]) & (columns >= 0) & (columns < image.shape[1])
    cut = image[np.clip(rows, 0, image.shape[0] - 1), np.clip(columns, 0, image.shape[1] - 1)]
    cut[~inside] = beyond
    return np.nan_to_num(cut, copy=False) if cut.dtype.kind == "f" else cut


def peak_offset(score: FloatArray) -> NDArray[np.float64]:
    """Give the (n, 2) offsets (x, y) of the maxima from the centres of (n, 3, 3) score windows.

    Offsets stay within one pixel; where the quadratic has no maximum they are zero.
    """
    _, slope_x, slope_y, xx, yy, xy = QUADRATIC @ score.reshape(-1, 9).T
    determinant = xx * yy - xy**2
    valid = (determinant > 0) & (xx < 0)
    safe = np.where(valid, determinant, 1.0)
    offset = np.stack([xy * slope_y - yy * slope_x, xy * slope_x - xx * slope_y], 1) / safe[:, None]
    return np.where(valid[:, None], np.clip(offset, -1, 1), 0.0)


def value_at(image: FloatArray, offset: FloatArray) -> NDArray[np.float64]:
    """Interpolate (n, 3, 3) windows of an image at (n, 2) offsets from their centres."""
    terms = QUADRATIC @ image.reshape(-1, 9).T
    x, y = offset.T
    powers = np.stack([np.ones_like(x), x, y, x**2 / 2, y**2 / 2, x * y])
    value: NDArray[np.float64] = (terms * powers).sum(axis=0)
    return value


@dataclass(frozen=True)
class Beam:
    """How a point source looks in the flux map, measured the way sources are measured."""

    sigma: float  # of the PSF of the difference, px
    covariance: NDArray[np.float64]  # (2, 2) of a point source in the flux map, px^2

    @classmethod
    def of(cls, psf: FloatArray) -> "Beam":
        """Measure the beam: the PSF of the difference correlated with itself."""
        sigma = stamp_fwhm(psf) / FWHM_PER_SIGMA
        beam = correlated_with_itself(psf)
        half = window_half(sigma)
        middle = slice(len(beam) // 2 - half, len(beam) // 2 + half + 1)
        return cls(sigma, _covariances(beam[None, middle, middle], sigma, np.zeros((1, 2)))[0])

    @property
    def fwhm(self) -> float:
        """Full width at half maximum of the PSF of the difference, px."""
        return self.sigma * FWHM_PER_SIGMA


def correlated_with_itself(psf: FloatArray) -> NDArray[np.float64]:
    """Give the response of a matched filter to its (k, k) PSF, (2 k, 2 k), its peak at (k, k)."""
    side = 2 * psf.shape[0]
    power = np.abs(np.fft.rfft2(psf.astype(float), (side, side))) ** 2
    return np.asarray(np.fft.fftshift(np.fft.irfft2(power, (side, side))))


def window_half(sigma: float) -> int:
    """Give the half width (px) of the window in which moments are measured."""
    return int(np.ceil(3 * np.sqrt(2) * sigma))


def ellipses(
    flux: FloatArray, offset: FloatArray, beam: Beam
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Measure the shape of sources in the difference, freed from the matched filter.

    Parameters
    ----------
    flux : (n, k, k) array
        Windows of the flux map, positive sources, ``k = 2 window_half(beam.sigma) + 1``.
    offset : (n, 2) array
        Where the source is within its window, from the centre, px.
    beam : Beam

    Returns
    -------
    fwhm, ellipticity, angle : (n,) arrays
        px, 1 - b/a, and the angle of the major axis from x towards y in radians.
    """
    seen = _covariances(flux, beam.sigma, offset) - beam.covariance
    covariance = seen + beam.sigma**2 * np.eye(2)
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, THINNEST**2)).T
    axis = vectors[:, :, 1]
    return (
        FWHM_PER_SIGMA * np.sqrt(minor * major),
        1 - minor / major,
        np.arctan2(axis[:, 1], axis[:, 0]),
    )


def _covariances(flux: FloatArray, sigma: float, offset: FloatArray) -> NDArray[np.float64]:
    """Give second moments under a Gaussian window that is then divided out (n, 2, 2)."""
    half = flux.shape[-1] // 2
    grid = np.arange(-half, half + 1)
    x = grid[None, None, :] - offset[:, 0, None, None]
    y = grid[None, :, None] - offset[:, 1, None, None]
    window = 2 * sigma**2
    weight = np.exp(-(x**2 + y**2) / (2 * window)) * np.maximum(flux, 0)
    total = np.maximum(weight.sum(axis=(1, 2)), np.finfo(float).tiny)
    moments = [(weight * a).sum(axis=(1, 2)) / total for a in (x * x, x * y, y * y)]
    seen = np.stack([moments[0], moments[1], moments[1], moments[2]], -1).reshape(-1, 2, 2)
    # a product of Gaussians adds inverse covariances; keep clear of the window's own
    values, vectors = np.linalg.eigh(seen)
    values = np.clip(values, THINNEST**2, 0.9 * window)
    freed = 1 / (1 / values - 1 / window)
    result: NDArray[np.float64] = np.einsum("nij,nj,nkj->nik", vectors, freed, vectors)
    return result


def psf_misfit(
    difference: FloatArray, psf: FloatArray, flux: FloatArray, offset: FloatArray, noise: float
) -> NDArray[np.float64]:
    """Give the reduced chi square of a point source in D, within one FWHM.

    Parameters
    ----------
    difference : (n, k, k) array
        Windows of D around the sources, ADU.
    psf : (m, m) array
        PSF of D, ``m >= k``.
    flux : (n,) array
        ADU, with sign.
    offset : (n, 2) array
        Where the source is within its window, from the centre, px.
    noise : float
        1-sigma noise of a pixel of D, ADU.
    """
    half, reach = difference.shape[-1] // 2, psf.shape[0] // 2
    crop = slice(reach - half, reach + half + 1)
    placed = shift_stamps(np.repeat(psf[None].astype(float), len(flux), axis=0), *-offset.T)
    model = flux[:, None, None] * placed[:, crop, crop]
    pull = (difference - model) ** 2 / (noise**2 + (PSF_ERROR * model) ** 2)
    misfit: NDArray[np.float64] = pull[:, radii(half) <= half].mean(axis=1)
    return misfit


def sky_places(wcs: WCS, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give right ascension (0 to 360) and declination of pixels; NaN without a celestial WCS."""
    if not wcs.has_celestial:
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    ra, dec = wcs.all_pix2world(x, y, 0)
    return ra % 360, dec


def position_angle(wcs: WCS, x: FloatArray, y: FloatArray, angle: FloatArray) -> FloatArray:
    """Turn an angle in the pixel grid (radians, x towards y) into degrees east of north, 0..180.

    Without a celestial WCS it is NaN.
    """
    if not wcs.has_celestial:
        return np.full(len(x), np.nan)
    here = wcs.all_pix2world(x, y, 0)
    there = wcs.all_pix2world(x + np.cos(angle), y + np.sin(angle), 0)
    east = (there[0] - here[0] + 180) % 360 - 180
    east = east * np.cos(np.radians(here[1]))
    degrees: FloatArray = np.degrees(np.arctan2(east, there[1] - here[1])) % 180
    return degrees
