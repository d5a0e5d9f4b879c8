"""The score of a plain difference, in which convolution has coloured the noise of one frame.

In D = B - K * A, the noise of A (the sharper frame) has the power spectrum sigma_A^2 |K|^2. A
point source in D has the PSF of B; its best linear flux is D filtered by conj(P_B) over the power
of the noise. Dividing D by the root of that power makes its noise white again (Kaiser 2004;
Reiss & Lupton 2016, LSST DMTN-021); with K = P_B / P_A this is ZOGY's proper difference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.subtraction.noise import Float32Image, FloatArray

Spectrum = NDArray[np.complexfloating]


@dataclass(frozen=True)
class Coloured:
    """What the plain difference of a tile is made of."""

    psf: Float32Image  # (k, k) of the frame that was left as it was; sums to 1
    kernel: FloatArray  # (m, m) that the other one was convolved with
    noise_plain: float  # 1-sigma of a pixel, ADU
    noise_convolved: float  # before the convolution
    gain_plain: float  # e-/ADU
    gain_convolved: float


@dataclass(frozen=True)
class Score:
    """A tile, filtered for point sources; ADU."""

    whitened: Float32Image  # D with white noise, flux kept
    plain: Float32Image  # PSF flux in B
    convolved: Float32Image  # PSF flux in K * A
    source_variance: Float32Image  # of (plain - convolved) by photons of the sources
    sky_gain_plain: float  # variance of the PSF flux per variance of a pixel of B
    sky_gain_convolved: float  # and of A


def score(
    plain: Float32Image, convolved: Float32Image, sharp: Float32Image, coloured: Coloured
) -> Score:
    """Filter the two sides of a plain difference for point sources.

    Parameters
    ----------
    plain, convolved, sharp : (m, m) float32 arrays
        B, K * A and A; background-subtracted, ADU, finite; cyclic at their borders, m even.
    coloured : Coloured
    """
    side = plain.shape[0]
    psf = centred_transform(coloured.psf, side)
    kernel = centred_transform(coloured.kernel, side)
    power = noise_power(kernel, coloured)
    weight = np.conj(psf) / power
    # the filtered flux of a unit source at its place
    weight /= np.float32(_mean(power_of(psf) / power, side))
    seen, known = fft.rfft2(plain), fft.rfft2(convolved)
    squares = [_squared(k, side) for k in (weight, weight * kernel)]
    variance = _convolved(plain, squares[0] / np.float32(coloured.gain_plain))
    variance += _convolved(sharp, squares[1] / np.float32(coloured.gain_convolved))
    root = np.sqrt(power)
    return Score(
        whitened=_back((seen - known) * (root[0, 0] / root), side),
        plain=_back(seen * weight, side),
        convolved=_back(known * weight, side),
        source_variance=variance,
        sky_gain_plain=float(squares[0][0, 0].real),
        sky_gain_convolved=float(squares[1][0, 0].real),
    )


def whitened_psf(coloured: Coloured) -> Float32Image:
    """Give the PSF of the whitened difference as a stamp that sums to 1."""
    half = coloured.psf.shape[0] // 2
    side = 2 * int(fft.next_fast_len(2 * half + coloured.kernel.shape[0], real=True))
    power = noise_power(centred_transform(coloured.kernel, side), coloured)
    image = _back(centred_transform(coloured.psf, side) / np.sqrt(power), side)
    stamp = np.roll(image, (half, half), (0, 1))[: 2 * half + 1, : 2 * half + 1]
    return np.asarray(stamp / stamp.sum(), np.float32)


def noise_power(kernel: Spectrum, coloured: Coloured) -> NDArray[np.floating]:
    """Give the power spectrum of the noise of D, ADU^2 per pixel."""
    power = power_of(kernel) * np.float32(coloured.noise_convolved**2)
    return np.asarray(power + np.float32(coloured.noise_plain**2))


def power_of(spectrum: Spectrum) -> NDArray[np.floating]:
    """Give the squared modulus of a transform."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def centred_transform(stamp: FloatArray, side: int) -> Spectrum:
    """Transform a stamp whose centre pixel is the origin, on a grid of ``side`` px."""
    half = stamp.shape[0] // 2
    padded = np.zeros((side, side), np.float32)
    padded[: stamp.shape[0], : stamp.shape[1]] = stamp
    return np.asarray(fft.rfft2(np.roll(padded, (-half, -half), (0, 1))))


def _squared(spectrum: Spectrum, side: int) -> Spectrum:
    """Give the transform of the square of a kernel: it spreads variance as the kernel does flux."""
    return np.asarray(fft.rfft2(_back(spectrum, side) ** 2))


def _convolved(image: Float32Image, kernel: Spectrum) -> Float32Image:
    return _back(fft.rfft2(image) * kernel, image.shape[0])


def _back(spectrum: Spectrum, side: int) -> Float32Image:
    return np.asarray(fft.irfft2(spectrum, (side, side)), np.float32)


def _mean(values: NDArray[np.floating], side: int) -> float:
    """Average over all frequencies what is known on the half plane of a real transform."""
    total = 2.0 * values.sum(dtype=np.float64) - values[:, 0].sum(dtype=np.float64)
    total -= values[:, -1].sum(dtype=np.float64) if side % 2 == 0 else 0.0
    return float(total / side**2)
