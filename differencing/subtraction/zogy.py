"""Proper image subtraction of one tile, in Fourier space, with six real transforms.

The equations are those of Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27 ("ZOGY"), with the flux
scale of the reference F_r = 1 and of the science image F_n = ``flux_ratio``. All results are
expressed in science ADU: what ZOGY calls alpha times F_n.

The score S is the difference of two filtered images (ZOGY eq. 12 sorted by image),
S = k_n * N - k_r * R = S_n - S_r, whose gradients the astrometric noise needs anyway; the source
noise is linear in the images, so one transform gives V(S_n) + V(S_r). That leaves two forward
transforms (N, R) and four inverse ones (S_n, S_r, V, D).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.subtraction.noise import Float32Image

Spectrum = NDArray[np.complex64]

# where both PSFs have lost this much power nothing but float32 rounding is left to divide
POWER_FLOOR = 1e-7
# of the photon noise of a source that its squared kernel may spread beyond the part that is kept
KERNEL_LOSS = 1e-4
SMALLEST_KERNEL = 3  # px, half width


@dataclass(frozen=True)
class TileOptics:
    """What a tile has in common: PSFs, noise, gains and scale."""

    psf_science: Float32Image  # (side, side), odd, centred, sums to 1
    psf_reference: Float32Image
    noise_science: float  # 1-sigma, ADU
    noise_reference: float
    gain_science: float  # e-/ADU
    gain_reference: float
    flux_ratio: float  # science ADU per reference ADU of one source
    shift_x: float = 0.0  # px by which the reference must move to lie on the science image
    shift_y: float = 0.0


@dataclass(frozen=True)
class TileProducts:
    """Images of the tile (science ADU), not yet cut to its core."""

    difference: Float32Image  # D, scaled so that a source has its science flux
    score_science: Float32Image  # S_n as a PSF flux
    score_reference: Float32Image  # S_r as a PSF flux, science ADU
    source_variance: Float32Image  # photon noise of the sources in (S_n - S_r), ADU^2
    sky_gain_science: float  # variance of the PSF flux per variance of a science pixel
    sky_gain_reference: float


def subtract_tile(
    science: Float32Image, reference: Float32Image, optics: TileOptics
) -> TileProducts:
    """Subtract two square images of even side, cyclic at their borders.

    Parameters
    ----------
    science, reference : (m, m) float32 arrays
        Background-subtracted, ADU, no NaN; what is unknown is zero in both.
    optics : TileOptics

    Returns
    -------
    TileProducts
        Valid away from the border by the width of a PSF stamp and of the kernels.
    """
    side = science.shape[0]
    seen, known = fft.rfft2(science), fft.rfft2(reference)
    if optics.shift_x or optics.shift_y:
        known *= shift_phase(side, optics.shift_x, optics.shift_y)
    p_n, p_r = (stamp_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference))
    power_n, power_r = _power(p_n), _power(p_r)
    ratio = np.float32(optics.flux_ratio)
    denominator = noise_power(power_n, power_r, optics)
    # F_S, eq. 42: the score of a unit source at its peak
    power_n *= power_r
    power_n /= denominator
    flux_scale = _half_plane_sum(power_n, side) * optics.flux_ratio**2 / side**2
    k_n, k_r = score_kernels(optics, optics.flux_ratio / flux_scale)
    kernels = k_n**2, k_r**2
    variance = _source_variance(seen, known, kernels, optics)
    common = np.conj(p_n * p_r)
    common *= np.float32(optics.flux_ratio**2 / flux_scale) / denominator
    # from here on the two terms of the numerator of eq. 13
    seen *= p_r
    p_n *= ratio
    known *= p_n
    # F_n / F_D, eq. 15
    to_flux = np.hypot(optics.noise_science, optics.noise_reference * optics.flux_ratio)
    unmatched = seen - known
    unmatched *= np.float32(to_flux) / np.sqrt(denominator, out=denominator)
    seen *= common
    known *= common
    return TileProducts(
        difference=_back(unmatched, side),
        score_science=_back(seen, side),
        score_reference=_back(known, side),
        source_variance=variance,
        sky_gain_science=float(kernels[0].sum()),
        sky_gain_reference=float(kernels[1].sum()),
    )


def _source_variance(
    seen: Spectrum,
    known: Spectrum,
    kernels: tuple[NDArray[np.float64], NDArray[np.float64]],
    optics: TileOptics,
) -> Float32Image:
    """Give the variance of the score by the photons of the sources (ZOGY eqs. 26, 27)."""
    side = seen.shape[0]
    gains = optics.gain_science, optics.gain_reference
    spectra = [
        stamp_transform(_compact(kernel) / gain, side)
        for kernel, gain in zip(kernels, gains, strict=True)
    ]
    spectra[0] *= seen
    spectra[1] *= known
    spectra[0] += spectra[1]
    return _back(spectra[0], side)


def difference_psf(optics: TileOptics) -> Float32Image:
    """Give the PSF of D (ZOGY eq. 14) as a stamp that sums to 1."""
    side = kernel_side(optics)
    p_n, p_r = (_centred_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference))
    root = np.sqrt(noise_power(_power(p_n), _power(p_r), optics))
    stamp = _centred_stamp(p_n * p_r / root, side, optics.psf_science.shape[0] // 2)
    return np.asarray(stamp / stamp.sum(), np.float32)


def _back(spectrum: NDArray[np.complexfloating], side: int) -> Float32Image:
    return np.asarray(fft.irfft2(spectrum, (side, side), overwrite_x=True), np.float32)


def _power(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def noise_power(
    power_n: NDArray[np.floating], power_r: NDArray[np.floating], optics: TileOptics
) -> NDArray[np.floating]:
    """Give sigma_n^2 F_r^2 |P_r|^2 + sigma_r^2 F_n^2 |P_n|^2 (ZOGY eq. 13), kept off zero."""
    total = power_r * power_r.dtype.type(optics.noise_science**2)
    total += power_n * power_n.dtype.type((optics.noise_reference * optics.flux_ratio) ** 2)
    return np.asarray(np.maximum(total, total.dtype.type(POWER_FLOOR) * total.max()))


def _half_plane_sum(values: NDArray[np.floating], side: int) -> float:
    """Sum over all frequencies what is known on the half plane of a real transform, even side."""
    total = 2.0 * values.sum(dtype=np.float64) - values[:, 0].sum(dtype=np.float64)
    return float(total - values[:, -1].sum(dtype=np.float64) if side % 2 == 0 else total)


def shift_phase(side: int, shift_x: float, shift_y: float) -> Spectrum:
    """Give what a shift by so many px multiplies the transform of a square of ``side`` px with."""
    row = np.exp(-2j * np.pi * fft.fftfreq(side) * shift_y).astype(np.complex64)
    column = np.exp(-2j * np.pi * fft.rfftfreq(side) * shift_x).astype(np.complex64)
    return np.asarray(row[:, None] * column[None, :])


def stamp_transform(stamp: NDArray[np.floating], side: int) -> Spectrum:
    """Transform a small centred stamp, on a large grid of even side, by thin matrix products.

    Of the rows k and -k of the spectrum, one is what the other is with the opposite sine.
    """
    cosine, sine, columns = _waves(side, stamp.shape[0])
    along = (stamp.astype(np.complex64) @ columns).view(np.float32)
    even, odd = (cosine @ along).view(np.complex64), (sine @ along).view(np.complex64)
    odd *= np.complex64(-1j)
    spectrum = np.empty((side, side // 2 + 1), np.complex64)
    half = side // 2
    np.add(even, odd, out=spectrum[: half + 1])
    np.subtract(even[half - 1 : 0 : -1], odd[half - 1 : 0 : -1], out=spectrum[half + 1 :])
    return spectrum


@lru_cache(maxsize=8)
def _waves(side: int, stamp_side: int) -> tuple[Float32Image, Float32Image, Spectrum]:
    """Give cosines and sines of the first half of the rows, and the waves along the columns."""
    offset = np.arange(stamp_side) - stamp_side // 2
    phase = 2 * np.pi * np.arange(side // 2 + 1)[:, None] * offset / side
    columns = np.exp(-1j * phase.T).astype(np.complex64)
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32), columns


def _compact(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut off the rim of a squared kernel that holds next to nothing, and keep its sum."""
    half, total = kernel.shape[0] // 2, kernel.sum()
    for reach in range(SMALLEST_KERNEL, half):
        inner = kernel[half - reach : half + reach + 1, half - reach : half + reach + 1]
        if inner.sum() > (1 - KERNEL_LOSS) * total:
            return np.asarray(inner * (total / inner.sum()))
    return kernel


def kernel_side(optics: TileOptics) -> int:
    """Give the side (px) of a square that holds the PSFs and kernels about as compact."""
    return int(fft.next_fast_len(2 * optics.psf_science.shape[0], real=True) // 2 * 2)


def _centred_transform(stamp: Float32Image, side: int) -> NDArray[np.complex128]:
    half = stamp.shape[0] // 2
    padded = np.zeros((side, side))
    padded[: stamp.shape[0], : stamp.shape[1]] = stamp
    spectrum: NDArray[np.complex128] = fft.rfft2(np.roll(padded, (-half, -half), (0, 1)))
    return spectrum


def _centred_stamp(
    spectrum: NDArray[np.complexfloating], side: int, half: int
) -> NDArray[np.float64]:
    image = np.roll(fft.irfft2(spectrum, (side, side)), (half, half), (0, 1))
    stamp: NDArray[np.float64] = image[: 2 * half + 1, : 2 * half + 1]
    return stamp


def score_kernels(
    optics: TileOptics, scale: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give k_n and k_r (ZOGY eqs. 29, 28), times ``scale``; their squares spread variance.

    The kernels are as compact as the PSFs, so a small grid holds them.
    """
    side = kernel_side(optics)
    p_n, p_r = (_centred_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference))
    power_n, power_r = _power(p_n), _power(p_r)
    weight = scale * optics.flux_ratio / noise_power(power_n, power_r, optics)
    half = side // 2 - 1
    k_n = _centred_stamp(weight * np.conj(p_n) * power_r, side, half)
    k_r = _centred_stamp(weight * optics.flux_ratio * np.conj(p_r) * power_n, side, half)
    return k_n, k_r
