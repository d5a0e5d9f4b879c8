"""The significance that an ideal ZOGY subtraction gives a source: the yardstick of the truth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from observations.simulator.exposure import Conditions

FloatArray = npt.NDArray[np.float64]

# Wide enough for the matched filters of PSFs up to 6 px FWHM.
WIDTH = 33


@dataclass(frozen=True)
class MatchedFilter:
    """Local kernels of S at n places, and the signal a unit of science flux gives there.

    ``science`` and ``reference`` are (n, WIDTH, WIDTH) kernels, ``gain`` is (n,).
    """

    science: FloatArray
    reference: FloatArray
    signal: FloatArray
    science_psf: FloatArray


def matched_filter(
    science: Conditions, reference: Conditions, x: FloatArray, y: FloatArray
) -> MatchedFilter:
    """Build the kernels of S for the true PSFs at scene positions ``x``, ``y``.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eqs. 12, 28, 29, with F_n = 1 and F_r the ratio
    of the zero points.
    """
    psf_n = local_psf(science, x, y)
    psf_r = local_psf(reference, x, y)
    ratio = reference.adu_per_flux / science.adu_per_flux
    spectrum_n, spectrum_r = fft.rfft2(psf_n), fft.rfft2(psf_r)
    power_n, power_r = np.abs(spectrum_n) ** 2, np.abs(spectrum_r) ** 2
    noise = reference.sky_sigma**2 * power_n + science.sky_sigma**2 * ratio**2 * power_r
    noise = np.maximum(noise, noise[:, :1, :1] * 1e-12)
    shape = (WIDTH, WIDTH)
    kernel_n = fft.irfft2(spectrum_n * ratio**2 * power_r / noise, shape)
    kernel_r = fft.irfft2(spectrum_r * ratio * power_n / noise, shape)
    return MatchedFilter(kernel_n, kernel_r, np.sum(kernel_n * psf_n, axis=(1, 2)), psf_n)


def local_psf(conditions: Conditions, x: FloatArray, y: FloatArray) -> FloatArray:
    """PSF stamps (n, WIDTH, WIDTH) centred on a pixel, for scene positions."""
    frame_x, frame_y = conditions.pointing.to_frame(x, y)
    return conditions.psf.stamps(np.rint(frame_x), np.rint(frame_y), WIDTH)


def variance_of_s(
    filters: MatchedFilter,
    science: tuple[Conditions, FloatArray],
    reference: tuple[Conditions, FloatArray],
    x: FloatArray,
    y: FloatArray,
) -> FloatArray:
    """Variance (n,) of S from sky, hosts and stars (ZOGY eqs. 26-31 for V(S_n) + V(S_r)).

    Parameters
    ----------
    science, reference : (Conditions, (ny, nx) array)
        A frame's conditions and its light, ADU with sky.
    x, y : (n,) arrays
        Scene positions, px.
    """
    total = np.zeros(len(x))
    for kernel, (conditions, light) in (
        (filters.science, science),
        (filters.reference, reference),
    ):
        variance = light / conditions.gain + (conditions.read_noise_e / conditions.gain) ** 2
        total += np.sum(kernel**2 * cut(variance, *conditions.pointing.to_frame(x, y)), axis=(1, 2))
    return total


def cut(image: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Stamps (n, WIDTH, WIDTH) around the nearest pixels, the edge's value repeated outside."""
    offsets = np.arange(WIDTH) - WIDTH // 2
    columns = np.clip(np.rint(x).astype(int)[:, None] + offsets, 0, image.shape[1] - 1)
    rows = np.clip(np.rint(y).astype(int)[:, None] + offsets, 0, image.shape[0] - 1)
    return np.asarray(image[rows[:, :, None], columns[:, None, :]])


def flux_for(
    snr: FloatArray, filters: MatchedFilter, variance: FloatArray, gain: float
) -> FloatArray:
    """Science flux (ADU) at which a new source reaches ``snr``, its own photons counted.

    S = a f and V = v + b f give snr^2 (v + b f) = a^2 f^2, whose positive root this is.
    """
    own = np.sum(filters.science**2 * np.maximum(filters.science_psf, 0), axis=(1, 2)) / gain
    half = snr**2 * own / 2
    return np.asarray(
        (half + np.sqrt(half**2 + snr**2 * variance * filters.signal**2)) / filters.signal**2
    )
