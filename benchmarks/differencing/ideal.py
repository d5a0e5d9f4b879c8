"""What the pixels allow: significance and place of a source in an ideal subtraction.

With PSFs P_n, P_r, flux ratio F_n = f, F_r = 1 and white noise v_n, v_r, the proper difference
has white noise, and a change of flux A in it the spectrum A sqrt(w)::

    w(k) = |P_n|^2 |P_r|^2 / (v_n |P_r|^2 + f^2 v_r |P_n|^2)

so that the errors of its flux and place, the Cramer-Rao bounds, are::

    sigma_A = 1 / sqrt(mean w)        sigma_x = 1 / (A sqrt(mean (2 pi k_x)^2 w))

Means are over all frequencies of the (unnormalised) discrete Fourier transform. Noise that changes
from pixel to pixel (a host, the source's own photons) enters as the harmonic mean of the variances
weighted by P^2 for the flux and by (dP/dx)^2 for the place, which is exact for a reference without
noise: the Fisher information of one frame is A^2 sum (dP/dx)^2 / v.

References
----------
Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eqs. 12-16 (D and its matched filter).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from benchmarks.differencing.field import Field, FloatArray, Frame

WIDTH = 41  # px; Moffat wings of a 3.5 px star hold 0.2 % of the flux beyond
_FREQUENCY = 2 * np.pi * fft.fftfreq(WIDTH)


@dataclass(frozen=True)
class Bounds:
    """Least errors of a point source; scalars, in science ADU and px."""

    flux: float
    x: float
    y: float


def bounds(field: Field, x: float, y: float, flux: float) -> Bounds:
    """Give the Cramer-Rao bounds of flux and place for a change at (x, y) px.

    Parameters
    ----------
    field : Field
    x, y : float
        0-based, on the science frame.
    flux : float
        Science ADU. What both frames show at the place already counts as noise; so do the
        photons of a source that gets brighter (``light`` of the science frame holds them).
    """
    science, reference = (_stamps(frame, x, y) for frame in (field.science, field.reference))
    power = _power(science[0]), _power(reference[0])
    errors = [
        1 / np.sqrt(_information(field, science, reference, power, axis)) for axis in (None, 1, 0)
    ]
    with np.errstate(divide="ignore"):
        return Bounds(float(errors[0]), float(errors[1] / abs(flux)), float(errors[2] / abs(flux)))


def _stamps(frame: Frame, x: float, y: float) -> tuple[FloatArray, FloatArray]:
    """PSF and variance around a place, (WIDTH, WIDTH) each."""
    half = WIDTH // 2
    column, row = round(x), round(y)
    around = np.arange(-half, half + 1)
    rows = np.clip(row + around, 0, frame.light.shape[0] - 1)[:, None]
    columns = np.clip(column + around, 0, frame.light.shape[1] - 1)[None]
    photons = np.maximum(frame.light[rows, columns] + frame.sky[rows, columns], 0) / frame.gain
    return frame.psf(column, row, WIDTH), photons + (frame.read_noise_e / frame.gain) ** 2


def _power(psf: FloatArray) -> FloatArray:
    return np.asarray(np.abs(fft.fft2(psf)) ** 2)


def _information(
    field: Field,
    science: tuple[FloatArray, FloatArray],
    reference: tuple[FloatArray, FloatArray],
    power: tuple[FloatArray, FloatArray],
    axis: int | None,
) -> float:
    """Fisher information of the flux, or of the place along ``axis`` per squared flux."""
    noise = [_effective(psf, variance, axis) for psf, variance in (science, reference)]
    ratio = field.flux_ratio**2
    weight = power[0] * power[1] / (noise[0] * power[1] + ratio * noise[1] * power[0] + TINY)
    if axis is not None:
        weight = weight * np.expand_dims(_FREQUENCY**2, 1 - axis)
    return float(weight.mean())


TINY = 1e-30  # ADU^2, far below any noise: keeps 0 / 0 away at the highest frequencies


def _effective(psf: FloatArray, variance: FloatArray, axis: int | None) -> float:
    shape = psf if axis is None else np.gradient(psf, axis=axis)
    weight = shape**2
    return float(weight.sum() / (weight / variance).sum())


def bounds_of(field: Field, chosen: npt.NDArray[np.intp]) -> list[Bounds]:
    """Give the bounds of the chosen transients."""
    new = field.transients
    return [bounds(field, new.x[i], new.y[i], new.flux[i]) for i in chosen]
