"""The optics of a tile, and the filters that make scores of its images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.subtraction.noise import Float32Image, FloatArray
from differencing.subtraction.spectra import power_of

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
class Filters:
    """What makes scores of the images of a tile, worked out on a square that just holds it.

    Attributes
    ----------
    science, reference : (k, k) arrays
        k_n and k_r (ZOGY eqs. 29, 28), centred, for a score that is a flux.
    ratio : float32
        F_n
    noise : two float32
        sigma_n^2 and (sigma_r F_n)^2
    floor : float32
        Below which the denominator is not let fall.
    to_flux, to_score : float32
        F_n / F_D (eq. 15) and F_n^2 / F_S (eq. 42).
    """

    science: NDArray[np.float64]
    reference: NDArray[np.float64]
    ratio: np.float32
    noise: tuple[np.float32, np.float32]
    floor: np.float32
    to_flux: np.float32
    to_score: np.float32

    @classmethod
    def of(cls, optics: TileOptics) -> "Filters":
        """Work them out."""
        side, ratio = kernel_side(optics), optics.flux_ratio
        p_n, p_r = (
            centred_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference)
        )
        power_n, power_r = power_of(p_n), power_of(p_r)
        denominator = noise_power(power_n, power_r, optics)
        # F_S: the score of a unit source at its peak
        flux_scale = _half_plane_sum(power_n * power_r / denominator, side) * ratio**2 / side**2
        weight, half = ratio**2 / flux_scale / denominator, side // 2 - 1
        return cls(
            science=centred_stamp(weight * np.conj(p_n) * power_r, side, half),
            reference=centred_stamp(weight * ratio * np.conj(p_r) * power_n, side, half),
            ratio=np.float32(ratio),
            noise=_noise_weights(optics),
            floor=np.float32(POWER_FLOOR * denominator.max()),
            to_flux=np.float32(np.hypot(optics.noise_science, optics.noise_reference * ratio)),
            to_score=np.float32(ratio**2 / flux_scale),
        )

    def stamps(self, optics: TileOptics) -> tuple[FloatArray, ...]:
        """Give both PSFs, and what spreads the photon noise of either image's sources."""
        spread = (
            _compact(kernel**2) / gain
            for kernel, gain in (
                (self.science, optics.gain_science),
                (self.reference, optics.gain_reference),
            )
        )
        return optics.psf_science, optics.psf_reference, *spread

    def noise_power(self, power_n: Float32Image, power_r: Float32Image) -> Float32Image:
        """Give the denominator for the powers of both PSFs, which are overwritten."""
        power_r *= self.noise[0]
        power_n *= self.noise[1]
        power_r += power_n
        return np.maximum(power_r, self.floor, out=power_r)


def noise_power(
    power_n: NDArray[np.floating], power_r: NDArray[np.floating], optics: TileOptics
) -> NDArray[np.floating]:
    """Give sigma_n^2 F_r^2 |P_r|^2 + sigma_r^2 F_n^2 |P_n|^2 (ZOGY eq. 13), kept off zero."""
    of_r, of_n = _noise_weights(optics)
    total = power_r * of_r
    total += power_n * of_n
    return np.asarray(np.maximum(total, total.dtype.type(POWER_FLOOR) * total.max()))


def _noise_weights(optics: TileOptics) -> tuple[np.float32, np.float32]:
    noise_r = optics.noise_reference * optics.flux_ratio
    return np.float32(optics.noise_science**2), np.float32(noise_r**2)


def _half_plane_sum(values: NDArray[np.floating], side: int) -> float:
    """Sum over all frequencies what is known on the half plane of a real transform, even side."""
    total = 2.0 * values.sum(dtype=np.float64) - values[:, 0].sum(dtype=np.float64)
    return float(total - values[:, -1].sum(dtype=np.float64) if side % 2 == 0 else total)


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


def centred_transform(stamp: Float32Image, side: int) -> NDArray[np.complex128]:
    """Transform a stamp whose centre is the origin, on a small square."""
    half = stamp.shape[0] // 2
    padded = np.zeros((side, side))
    padded[: stamp.shape[0], : stamp.shape[1]] = stamp
    spectrum: NDArray[np.complex128] = fft.rfft2(np.roll(padded, (-half, -half), (0, 1)))
    return spectrum


def centred_stamp(
    spectrum: NDArray[np.complexfloating], side: int, half: int
) -> NDArray[np.float64]:
    """Transform back, and cut out ``half`` px round the origin."""
    image = np.roll(fft.irfft2(spectrum, (side, side)), (half, half), (0, 1))
    stamp: NDArray[np.float64] = image[: 2 * half + 1, : 2 * half + 1]
    return stamp
