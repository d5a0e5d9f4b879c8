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

import numpy as np
from scipy import fft

from differencing.subtraction.noise import Float32Image, FloatArray
from differencing.subtraction.optics import (
    Filters,
    TileOptics,
    centred_stamp,
    centred_transform,
    kernel_side,
    noise_power,
)
from differencing.subtraction.spectra import (
    Rows,
    Spectrum,
    ThinSpectrum,
    power_of,
    shift_phases,
    strips_with_opposite,
    transformed_back,
)


@dataclass(frozen=True)
class TileProducts:
    """Images of the core of a tile, science ADU."""

    difference: Float32Image  # D, scaled so that a source has its science flux
    score_science: Float32Image  # S_n as a PSF flux
    score_reference: Float32Image  # S_r as a PSF flux, science ADU
    source_variance: Float32Image  # photon noise of the sources in (S_n - S_r), ADU^2
    sky_gain_science: float  # variance of the PSF flux per variance of a science pixel
    sky_gain_reference: float
    kernel: FloatArray  # centred, on any scale: what turned the science image into its score


ALL = slice(None), slice(None)


def subtract_tile(
    science: Float32Image,
    reference: Float32Image,
    optics: TileOptics,
    inner: tuple[slice, slice] = ALL,
) -> TileProducts:
    """Subtract two square images of even side, cyclic at their borders.

    Parameters
    ----------
    science, reference : (m, m) float32 arrays
        Background-subtracted, ADU, no NaN; what is unknown is zero in both.
    optics : TileOptics
    inner : pair of slices
        The core.

    Returns
    -------
    TileProducts
        Valid away from the border by the width of a PSF stamp and of the kernels.
    """
    side = science.shape[0]
    filters = Filters.of(optics)
    images = fft.rfft2(science), fft.rfft2(reference)
    del science, reference  # unless the caller keeps them, their memory is free now
    spectra = _Spectra(*images, *(np.empty_like(images[0]) for _ in range(2)))
    del images
    row, column = shift_phases(side, optics.shift_x, optics.shift_y)
    stamps = [ThinSpectrum(stamp, side) for stamp in filters.stamps(optics)]
    for rows, opposite, inside in strips_with_opposite(side):
        above, below = zip(*(stamp.of_rows(rows) for stamp in stamps), strict=True)
        _mix(spectra.of_rows(rows), row[rows] * column, above, filters)
        below = tuple(spectrum[inside] for spectrum in below)
        _mix(spectra.of_rows(opposite), row[opposite] * column, below, filters)
    left = [spectra.variance, spectra.known, spectra.seen, spectra.difference]
    del spectra
    # each makes room for the next
    difference, score, known, variance = (
        transformed_back(left.pop(), side, inner) for _ in range(4)
    )
    return TileProducts(
        difference=difference,
        score_science=score,
        score_reference=known,
        source_variance=variance,
        sky_gain_science=float(np.square(filters.science).sum()),
        sky_gain_reference=float(np.square(filters.reference).sum()),
        kernel=filters.science,
    )


@dataclass(frozen=True)
class _Spectra:
    """What a tile, or some rows of it, is made of; overwritten by what is made of it."""

    seen: Spectrum  # science, then its score
    known: Spectrum  # reference, then its score
    difference: Spectrum
    variance: Spectrum

    def of_rows(self, rows: Rows) -> "_Spectra":
        """Give some rows."""
        return _Spectra(*(spectrum[rows] for spectrum in vars(self).values()))


def _mix(at: _Spectra, phase: Spectrum, stamps: tuple[Spectrum, ...], filters: Filters) -> None:
    """Make the spectra of a tile's products of those of its images, in place.

    ``stamps`` are those of :meth:`Filters.stamps`, and overwritten.
    """
    p_n, p_r, spread_n, spread_r = stamps
    np.multiply(at.known, phase, out=at.known)
    # the variance of the score by the photons of the sources (eqs. 26, 27)
    spread_n *= at.seen
    spread_r *= at.known
    np.add(spread_n, spread_r, out=at.variance)
    denominator = filters.noise_power(power_of(p_n), power_of(p_r))
    # the two terms of the numerator of eq. 13
    np.multiply(at.seen, p_r, out=at.seen)
    np.multiply(at.known, np.multiply(p_n, filters.ratio, out=spread_n), out=at.known)
    np.subtract(at.seen, at.known, out=at.difference)
    common = np.conjugate(np.multiply(p_n, p_r, out=p_n), out=p_n)
    common *= filters.to_score / denominator
    np.multiply(at.seen, common, out=at.seen)
    np.multiply(at.known, common, out=at.known)
    scale = filters.to_flux / np.sqrt(denominator, out=denominator)
    np.multiply(at.difference, scale, out=at.difference)


def difference_psf(optics: TileOptics) -> Float32Image:
    """Give the PSF of D (ZOGY eq. 14) as a stamp that sums to 1."""
    side = kernel_side(optics)
    p_n, p_r = (centred_transform(psf, side) for psf in (optics.psf_science, optics.psf_reference))
    root = np.sqrt(noise_power(power_of(p_n), power_of(p_r), optics))
    stamp = centred_stamp(p_n * p_r / root, side, optics.psf_science.shape[0] // 2)
    return np.asarray(stamp / stamp.sum(), np.float32)
