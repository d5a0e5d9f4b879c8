"""Point sources put into a difference as if they had been in the sky."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve

from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame
from preprocessing.photometry.magnitudes import ZeroPoint, magnitudes

FloatArray = NDArray[np.floating]
FAINTEST, BRIGHTEST = 7.0, 60.0  # S/N: from just above a usual threshold to obvious
CLEAR_PX = 15.0  # to any candidate that is there


@dataclass(frozen=True)
class Sources:
    """Injected sources; one array element each, px from 0, ADU."""

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    snr: FloatArray

    def magnitude(self, number: int, zero_point: ZeroPoint) -> float:
        """Give the true magnitude of one of them."""
        return float(magnitudes(self.flux[number], zero_point))


def random_sources(
    difference: Difference, taken: FloatArray, number: int, side: int, seed: int
) -> Sources:
    """Choose places that are clean and apart, and fluxes by S/N, evenly in its logarithm.

    Parameters
    ----------
    difference : Difference
    taken : (n, 2) array
        (x, y) of the candidates that are there.
    number : int
        How many sources, at most.
    side : int
        Of the cutouts, px: so far from the edge and from one another the sources stay.
    seed : int

    Raises
    ------
    ValueError
        If not one place is left.
    """
    random = np.random.default_rng(seed)
    rows, columns = np.nonzero(_is_free(difference, taken, side))
    chosen: list[tuple[int, int]] = []
    for index in random.permutation(rows.size):
        if len(chosen) == number:
            break
        place = int(columns[index]), int(rows[index])
        if all(max(abs(place[0] - x), abs(place[1] - y)) > side for x, y in chosen):
            chosen.append(place)
    if not chosen:
        raise ValueError(
            f"no place {side // 2} px from the edges and {CLEAR_PX:.0f} px from candidates is left "
            f"in the {difference.mask.shape[1]} x {difference.mask.shape[0]} frame"
        )
    x, y = np.array(chosen).T
    snr = np.exp(random.uniform(np.log(FAINTEST), np.log(BRIGHTEST), len(chosen)))
    return Sources(x.astype(float), y.astype(float), snr * difference.flux_error[y, x], snr)


def _is_free(difference: Difference, taken: FloatArray, side: int) -> NDArray[np.bool_]:
    margin = side // 2 + 1
    reach = difference.psf.shape[0] // 2
    good = (difference.mask == 0) & np.isfinite(difference.flux_error)
    good = ndimage.binary_erosion(good, iterations=min(reach, 5), border_value=0)
    free = np.zeros_like(good)
    free[margin:-margin, margin:-margin] = good[margin:-margin, margin:-margin]
    rows, columns = np.ogrid[: free.shape[0], : free.shape[1]]
    for x, y in taken:
        free &= (columns - x) ** 2 + (rows - y) ** 2 > CLEAR_PX**2
    return free


def inject(science: CalibratedFrame, difference: Difference, sources: Sources) -> dict[str, Any]:
    """Put sources into a science frame and its difference.

    In the science frame, too, they have the shape of the difference's PSF: it is that of the
    science frame as far as the reference is deeper and sharper. S_corr and the flux map answer
    with the PSF's autocorrelation, which is what a matched filter gives for a point source.
    Photon noise of the sources is left out.

    Parameters
    ----------
    science : CalibratedFrame
    difference : Difference
    sources : Sources
        On pixel centres.

    Returns
    -------
    dict
        The new ``science`` and ``difference``.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eqs. 25-29 and 41.
    """
    psf = np.asarray(difference.psf, float)
    answer = _autocorrelation(psf)
    x, y = np.rint(sources.x).astype(int), np.rint(sources.y).astype(int)
    in_sigma = sources.flux / difference.flux_error[y, x]
    light = _with_stamps(science.pixels.shape, x, y, sources.flux, psf)
    return {
        "science": replace(science, pixels=science.pixels + light),
        "difference": replace(
            difference,
            difference=difference.difference + light,
            flux=difference.flux + _with_stamps(light.shape, x, y, sources.flux, answer),
            significance=difference.significance
            + _with_stamps(light.shape, x, y, in_sigma, answer),
        ),
    }


def _autocorrelation(psf: FloatArray) -> FloatArray:
    answer = fftconvolve(psf, psf[::-1, ::-1], mode="same")
    return np.asarray(answer / answer.max())


def _with_stamps(
    shape: tuple[int, ...], x: FloatArray, y: FloatArray, height: FloatArray, stamp: FloatArray
) -> NDArray[np.float32]:
    """Add one stamp, scaled, at each place of an empty image; what leaves the image is cut."""
    half = stamp.shape[0] // 2
    padded = np.zeros((shape[0] + 2 * half, shape[1] + 2 * half))
    for column, row, factor in zip(x.tolist(), y.tolist(), height.tolist(), strict=True):
        padded[row : row + stamp.shape[0], column : column + stamp.shape[1]] += factor * stamp
    return padded[half : half + shape[0], half : half + shape[1]].astype(np.float32)
