"""From raw pixels to a calibrated frame, and from there onto the grid of a reference."""

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from preprocessing.astrometry.register import Grid, grid_of, register, stars_of
from preprocessing.astrometry.registration import Registration
from preprocessing.calibrated import CalibratedFrame, Pixels
from preprocessing.masks import Mask, MaskBit, build_mask, has_bits
from preprocessing.native_hits import mark_hits
from preprocessing.parameters import PreprocessParameters
from preprocessing.resampling.resample import resample
from preprocessing.sky.background import estimate_background
from preprocessing.sky.mesh import Surface
from preprocessing.stars import Stars

# Less sky than this share of a frame is no sky to measure.
LEAST_GOOD_SHARE = 0.05
SMALLEST_SIDE_PX = 32
# Noise that gain and read noise promise, over what is measured: averages of two exposures under
# the header of one reach 1.4.
MOST_PROMISED = 2.0
NOISE_STEP = 16
STRIP_ROWS = 128


# No detector counts that far, nor below zero as far as it saturates above: such values are bytes
# that were something else, and hold no data.
ABSURD_ADU = 1e12


def calibrate(
    pixels: NDArray[np.floating],
    *,
    wcs: WCS,
    gain: float,
    read_noise: float,
    saturation: float,
    known: Mask | None = None,
    parameters: PreprocessParameters,
) -> CalibratedFrame:
    """Mask a frame, take its sky away and measure its noise.

    Parameters
    ----------
    pixels : (ny, nx) array
        ADU, sky still in it. NaN marks missing pixels.
    wcs : astropy.wcs.WCS
        Celestial, two axes; ``WCS(naxis=2)`` for a frame without astrometry.
    gain : float
        e-/ADU, as documented by the survey; it is never guessed from the pixels.
    read_noise : float
        e- per pixel: the noise cannot be less than this.
    saturation : float
        ADU including the sky; ``inf`` when the frame has no such level.
    known : (ny, nx) uint16 array, optional
        Mask bits that are known already: bad pixels, cosmic rays, what saturated when it was read.

    Raises
    ------
    ValueError
        If gain or read noise are unusable or promise more noise than there is, the WCS has other
        axes, or the frame is no exposure of the sky: constant, too small, or (nearly) all masked.
    """
    check_detector(gain, read_noise)
    values = as_counts(pixels, saturation)
    check_frame(values, wcs)
    mask = full_mask(values, saturation, known)
    check_share(mask)
    sky = estimate_background(values, mask, mesh_px=parameters.mesh_px)
    sky_level = sky.sky.middle()
    if not saturation > sky_level:
        raise ValueError(
            f"saturation is {saturation:g} ADU but the sky alone has {sky_level:g} ADU: "
            "correct the saturation level of this survey"
        )
    noise = sky.rms
    noise *= np.float32(np.sqrt(sky.power))
    check_gain(noise, sky_level, gain=gain, read_noise=read_noise)
    take_away(values, sky.sky)
    return CalibratedFrame(
        pixels=values,
        noise=np.maximum(noise, np.float32(read_noise / gain), out=noise),
        mask=mask,
        wcs=wcs,
        gain=gain,
        saturation=saturation - sky_level,
        sky_level=sky_level,
        sky_range=sky.sky.spread(),
    )


def as_counts(pixels: NDArray[np.floating], saturation: float) -> Pixels:
    """Give a copy of a frame in which what no detector counts is NaN."""
    limit = min(ABSURD_ADU, saturation) if saturation > 0 else ABSURD_ADU
    with np.errstate(over="ignore"):
        values = np.array(pixels, np.float32, order="C")
    if values.size and not (values.min() > -limit and values.max() < ABSURD_ADU):
        values[~((values < ABSURD_ADU) & (values > -limit))] = np.nan
    return values


def take_away(values: Pixels, sky: Surface) -> None:
    """Subtract the sky from a frame, in place; strip by strip it stays in the processor's cache."""
    for top in range(0, values.shape[0], STRIP_ROWS):
        window = slice(top, top + STRIP_ROWS)
        values[window] -= sky.rows(window)


def full_mask(pixels: NDArray[np.floating], saturation: float, known: Mask | None) -> Mask:
    """Mark what a frame shows, and what is known of it besides."""
    if known is None:
        return build_mask(pixels, saturation=saturation)
    if known.shape != pixels.shape:
        raise ValueError(f"the known mask is {known.shape}, the frame {pixels.shape}: use its own")
    # A flat may lift or lower what was saturated; its surroundings are to be found all the same.
    saturated = has_bits(known, MaskBit.SATURATED)
    lifted = np.where(saturated, np.fmax(pixels, saturation), pixels) if saturated.any() else pixels
    mask = build_mask(lifted, saturation=saturation)
    return np.bitwise_or(mask, known, out=mask)


def onto_grid(
    frame: CalibratedFrame,
    grid: CalibratedFrame | Grid,
    parameters: PreprocessParameters,
    *,
    stars: Stars | None = None,
) -> tuple[CalibratedFrame, Registration]:
    """Register a frame to a reference and give it on the reference's pixel grid.

    ``grid`` may be the reference frame itself;
    :func:`preprocessing.astrometry.register.grid_of` measures its stars once for many frames.
    ``stars`` are those of ``frame``, where they are known already.

    Raises
    ------
    ValueError
        If the frame cannot be registered; the message says by how much and what to do.
    """
    target = grid_of(grid, parameters) if isinstance(grid, CalibratedFrame) else grid
    found = stars_of(frame, parameters) if stars is None else stars
    registration = register(frame, target, parameters, stars=found)
    if not registration.is_identity:
        frame = mark_hits(frame, found)
    return resample(frame, registration, target.shape), registration


def check_detector(gain: float | None, read_noise: float | None) -> None:
    """Refuse figures of a detector that cannot be."""
    if gain is None or not (np.isfinite(gain) and gain > 0):
        raise ValueError(f"gain is {gain} e-/ADU: give the survey's documented, positive value")
    if read_noise is None or not (np.isfinite(read_noise) and read_noise >= 0):
        raise ValueError(f"read noise is {read_noise} e-: give the survey's documented value")


def check_gain(noise: Pixels, sky_level: float, *, gain: float, read_noise: float) -> None:
    """Refuse a gain at which the detector would be noisier than the frame is.

    More noise than photons make has many causes; less has none, but a wrong gain or read noise.
    """
    measured = float(np.median(noise[::NOISE_STEP, ::NOISE_STEP]))
    least = float(np.hypot(np.sqrt(max(sky_level, 0.0) / gain), read_noise / gain))
    if least > MOST_PROMISED * measured:
        raise ValueError(
            f"a gain of {gain:g} e-/ADU and a read noise of {read_noise:g} e- would make a sky of "
            f"{sky_level:.4g} ADU vary by {least:.3g} ADU per pixel, but it varies by "
            f"{measured:.3g}: state gain and read noise of this frame (the gain of an average of "
            "N exposures is N times that of one)"
        )


def check_frame(pixels: NDArray[np.floating], wcs: WCS) -> None:
    """Refuse what is no image of the sky at all."""
    if pixels.ndim != 2 or min(pixels.shape) < SMALLEST_SIDE_PX:
        raise ValueError(
            f"the frame is {pixels.shape}: two axes of at least {SMALLEST_SIDE_PX} px are needed"
        )
    if wcs.naxis != 2 or not (wcs.has_celestial or set(wcs.wcs.ctype) == {""}):
        raise ValueError(
            f"the WCS has axes {list(wcs.wcs.ctype)}, not right ascension and declination: "
            "solve the frame's astrometry first, or leave the WCS out to register it by its stars"
        )
    low, high = (float(extreme.reduce(pixels, axis=None)) for extreme in (np.fmin, np.fmax))
    if np.isnan(low):
        raise ValueError(f"all {pixels.size} pixels are NaN or infinite: fetch the file again")
    if low == high:
        raise ValueError(
            f"all pixels are equal to {low:g}: the frame holds no exposure, fetch the file again"
        )


def check_share(mask: NDArray[np.uint16]) -> None:
    """Refuse a frame of which too little is left, and say which bits took it."""
    good = np.count_nonzero(mask == 0) / mask.size
    if good < LEAST_GOOD_SHARE:
        shares = {bit.name: float(has_bits(mask, bit).mean()) for bit in MaskBit}
        taken = ", ".join(f"{share:.0%} {name}" for name, share in shares.items() if share > 0.005)
        raise ValueError(
            f"{good:.1%} of the pixels are good, {LEAST_GOOD_SHARE:.0%} are needed "
            f"(masked: {taken}): check saturation level and bad pixel mask"
        )
