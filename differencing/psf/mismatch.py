"""What every source shows to be wrong with the match of two frames: flux, shape and place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from differencing.psf.match import FrameMatch
from differencing.psf.model import PsfModel
from differencing.psf.polynomial import design_matrix
from differencing.psf.shape_modes import MODES, shape_modes
from differencing.psf.stars import Sources
from differencing.psf.views import Views
from differencing.subtraction.noise import BoolArray, Float32Image
from differencing.subtraction.prepare import Plane
from preprocessing.sky.mesh import Surface

Spectrum = NDArray[np.complex64]

TERMS = 1 + MODES  # flux, width, two elongations, x, y
TAPER = 4  # px over which a square falls to zero at its rim
FLOOR = 1e-3  # of the largest root of the denominator, below which nothing is divided
PROFILE_ERROR = 0.01  # of a pixel's light: keeps single bright sources from looking perfect
SKY_ERROR = 0.05  # of the noise of a pixel: what may be left of the sky under a source
WHOLE = 0.9  # share of the core that must be good
AT_ONCE = 32  # sources


@dataclass(frozen=True)
class Mismatch:
    """How ``n`` sources of the science frame differ from what the reference promises.

    Attributes
    ----------
    x, y : (n,) arrays
        In the science frame, px.
    terms : (n, 6) array
        Relative excess of flux; relative excess of width and of two elongations of the science
        PSF over that of the reference, beyond those of the models; and of x and y, px.
    covariance : (n, 6, 6) array
        By the noise of the pixels.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    terms: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def chosen(self, index: BoolArray) -> "Mismatch":
        """Give the sources at ``index``."""
        return Mismatch(**{name: values[index] for name, values in vars(self).items()})


def measure_mismatch(
    planes: tuple[Plane, Plane],
    models: tuple[PsfModel, PsfModel],
    matched: FrameMatch,
    sources: Sources,
    sky: Surface | None = None,
) -> tuple[Mismatch, NDArray[np.intp]]:
    """Fit what is left of every source of the reference by six ways of being mismatched.

    To first order the proper difference D of a source that does not change is a sum of its image
    with its own PSF and with the derivatives of the science PSF in place of it. That image is
    taken from the proper coaddition of both frames, whose noise is independent of that of D
    (Zackay & Ofek 2017, ApJ 836, 188), so that noise does not pass for a mismatch; what is noise
    in it is filtered out. In D noise is white: least squares are best there.

    Parameters
    ----------
    planes, models : pairs
        Science and reference.
    matched : FrameMatch
    sources : Sources
        Of the reference. Stars and galaxies serve alike, neighbours do not disturb.
    sky : Surface, optional
        What is left of the sky in the plain difference, science ADU.

    Returns
    -------
    Mismatch, (n,) int array
        The measured sources, and which of ``sources`` they are: those near the edge of the frame
        or on bad pixels are left out.
    """
    views = Views.of(planes, models, matched, sources)
    views = views if sky is None else views.without(sky)
    optics = _Optics.of(planes, models, matched, views.side)
    # few at a time, so that they stay in the processor's cache; an empty field is one, too
    some = [slice(first, first + AT_ONCE) for first in range(0, max(len(views.x), 1), AT_ONCE)]
    parts = [_fit_some(views.chosen(few), optics, sources.flux) for few in some]
    solved, covariance, whole = (np.concatenate(each) for each in zip(*parts, strict=True))
    found = Mismatch(views.x, views.y, solved, covariance)
    return found.chosen(whole), views.index[whole]


def _fit_some(
    views: Views, optics: "_Optics", flux: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], BoolArray]:
    """Give the terms of the sources in view, their covariance, and which are good enough."""
    left, basis, variance = _Seen(views, optics).images(flux[views.index])
    good = ~views.bad.reshape(len(left), views.side**2)[:, views.core]
    solved, covariance, misfit = _solve(left, basis, good / variance)
    # what the terms do not explain is noise, too
    covariance = covariance * np.maximum(misfit, 1.0)[:, None, None]
    return solved, covariance, good.mean(axis=1) > WHOLE


def _solve(
    left: Float32Image, basis: Float32Image, weight: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Solve for the terms of every source; give them, their covariance, the reduced chi square."""
    terms = basis.shape[1]
    weighted = basis * weight[:, None]
    normal = (weighted @ basis.swapaxes(1, 2)).astype(np.float64)
    right = (weighted @ left[..., None]).astype(np.float64)
    # a source without good pixels must not make the solution fail
    trace = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    normal += np.eye(terms) * (1e-9 * trace + np.finfo(float).tiny)
    normal[:, TERMS, TERMS] += 1 / SKY_ERROR**2
    covariance = np.asarray(np.linalg.inv(normal), np.float64)
    solved = (covariance @ right)[..., 0]
    chi2 = (left**2 * weight).sum(axis=1) - (solved * right[..., 0]).sum(axis=1)
    freedom = np.maximum((weight > 0).sum(axis=1) - terms, 1)
    return solved[:, :TERMS], covariance[:, :TERMS, :TERMS], np.asarray(chi2 / freedom)


@dataclass(frozen=True)
class _Optics:
    """What the squares of all sources have in common."""

    planes: tuple[Plane, Plane]
    models: tuple[PsfModel, PsfModel]
    matched: FrameMatch
    psfs: tuple[Spectrum, Spectrum]  # of the coefficients of both PSFs
    modes: Spectrum
    taper: Float32Image

    @classmethod
    def of(
        cls,
        planes: tuple[Plane, Plane],
        models: tuple[PsfModel, PsfModel],
        matched: FrameMatch,
        side: int,
    ) -> "_Optics":
        """Transform the PSFs and the modes of their shape for squares of a ``side`` (px)."""
        modes = shape_modes(models[0].at(models[0].shape[1] / 2, models[0].shape[0] / 2))
        psfs = (
            _stamp_spectra(models[0].coefficients, side),
            _stamp_spectra(models[1].coefficients, side),
        )
        return cls(planes, models, matched, psfs, _stamp_spectra(modes, side), _taper(side))

    def psf_spectra(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[Spectrum]:
        """Give the spectra of both PSFs at every source: polynomials, as the PSFs are."""
        spectra = []
        for model, terms in zip(self.models, self.psfs, strict=True):
            design = design_matrix(x, y, model.shape, model.degree)
            design /= (design @ terms[:, 0, 0].real)[:, None]  # each PSF has the sum 1
            spectra.append(
                np.asarray(np.tensordot(design.astype(np.float32), terms, axes=1), terms.dtype)
            )
        return spectra


class _Seen:
    """Spectra of the squares of some sources, and what follows from them."""

    def __init__(self, views: Views, optics: _Optics) -> None:
        x, y = views.x, views.y
        matched = optics.matched
        self.views, self.planes, self.modes = views, optics.planes, optics.modes
        self.ratio = matched.ratio_at(x, y).astype(np.float32)[:, None, None]
        self.p_n, self.p_r = optics.psf_spectra(x, y)
        self.seen, self.known = (fft.rfft2(pixels * optics.taper) for pixels in views.pixels)
        self.known *= _shift_phases(views.side, matched.shift_x.at(x, y), matched.shift_y.at(x, y))
        noise_n, noise_r = (np.float32(plane.sigma) for plane in self.planes)
        self.noises = noise_n, noise_r
        power = noise_n**2 * _power(self.p_r) + (noise_r * self.ratio) ** 2 * _power(self.p_n)
        root = np.sqrt(power)
        self.root = np.maximum(root, np.float32(FLOOR) * root.max(axis=(1, 2), keepdims=True))
        # complex numbers are multiplied far quicker than they are divided
        self.inverse = np.reciprocal(self.root)

    def images(
        self, flux: NDArray[np.float64]
    ) -> tuple[Float32Image, Float32Image, NDArray[np.floating]]:
        """Give, on the cores, D with unit noise, its seven derivatives, and its variance.

        The seventh is a constant: a rest of sky is no mismatch of the source.
        """
        unmatched = self.p_r * self.seen - self.ratio * self.p_n * self.known
        unmatched *= self.inverse
        coadded = self._coadded(flux)
        spectra = np.concatenate(
            [
                unmatched[:, None],
                (self.p_n * coadded)[:, None],
                self.modes[None] * coadded[:, None],
            ],
            axis=1,
        )
        images = self._cores(spectra)
        basis = np.concatenate([images[:, 1:], np.ones_like(images[:, :1])], axis=1)
        return images[:, 0], basis, self._variance(basis[:, 0])

    def _cores(self, spectra: Spectrum) -> Float32Image:
        """Transform back, in the rows of the cores only; give the pixels of these."""
        side, core = self.views.side, self.views.core
        top, bottom = int(core[0]) // side, int(core[-1]) // side + 1
        rows = fft.ifft(spectra, axis=-2, overwrite_x=True)[..., top:bottom, :]
        # of no source at all there is an image, too
        images = fft.irfft(rows, side, axis=-1).reshape(*spectra.shape[:2], (bottom - top) * side)
        return np.asarray(images[..., core - top * side])

    def _coadded(self, flux: NDArray[np.float64]) -> Spectrum:
        """Give the source as D shows it without the PSF of the science frame, little noise in it.

        A Wiener filter for a point source of that flux: others have less to lose at high
        frequencies.
        """
        (noise_n, noise_r), side = self.noises, self.views.side
        both = np.conj(self.p_r) * self.known * noise_n**2
        both += self.ratio * np.conj(self.p_n) * self.seen * noise_r**2
        lost = (side * noise_n * noise_r / flux.astype(np.float32)[:, None, None]) ** 2
        filtered = self.p_r * both
        filtered *= self.ratio * self.inverse / (self.root**2 + lost)
        return np.asarray(filtered)

    def _variance(self, image: Float32Image) -> NDArray[np.floating]:
        """Give the variance of D: 1, the photons of the source, and the rest of its profile."""
        (noise_n, noise_r) = self.noises
        light = np.maximum(self.views.pixels[1], 0).reshape(len(image), self.views.side**2)
        light = light[:, self.views.core]
        science = np.mean(noise_n**2 * _power(self.p_r) / self.root**2, axis=(1, 2))[:, None]
        gains = [plane.gain for plane in self.planes]
        photons = science * self.ratio[:, 0] / (gains[0] * noise_n**2)
        photons += (1 - science) / (gains[1] * noise_r**2)
        return np.asarray(1 + photons * light + (PROFILE_ERROR * image) ** 2)


def _power(spectrum: Spectrum) -> Float32Image:
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _taper(side: int) -> Float32Image:
    offset = np.abs(np.arange(side) - side // 2)
    ramp = np.clip((side // 2 - offset) / TAPER, 0.0, 1.0).astype(np.float32)
    return ramp[:, None] * ramp


def _shift_phases(side: int, dx: NDArray[np.float64], dy: NDArray[np.float64]) -> Spectrum:
    """Give what multiplies the spectra of squares to move them by so many px each."""
    row = np.exp(-2j * np.pi * fft.fftfreq(side) * dy[:, None]).astype(np.complex64)
    column = np.exp(-2j * np.pi * fft.rfftfreq(side) * dx[:, None]).astype(np.complex64)
    return np.asarray(row[:, :, None] * column[:, None, :])


def _stamp_spectra(stamps: NDArray[np.floating], side: int) -> Spectrum:
    """Transform centred stamps on a square of even side, cut to it where they are larger."""
    half = stamps.shape[-1] // 2
    reach = min(half, side // 2 - 1)
    inner = slice(half - reach, half + reach + 1)
    square = np.zeros((len(stamps), side, side), np.float32)
    square[:, : 2 * reach + 1, : 2 * reach + 1] = stamps[:, inner, inner]
    return np.asarray(fft.rfft2(np.roll(square, (-reach, -reach), (1, 2))))
