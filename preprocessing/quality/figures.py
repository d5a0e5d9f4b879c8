"""How good a calibrated frame is, in figures."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from preprocessing.astrometry.register import stars_of
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit, mark
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.growth import Growth, measure_growth
from preprocessing.quality.cells import cells_of, unevenness
from preprocessing.quality.trails import find_trails
from preprocessing.stars import Stars, narrow_mode

LIMIT_SIGMA = 5.0
# Pixels that stand for the noise of the frame; its mesh is 128 px wide.
NOISE_STEP = 8
BRIGHT_SNR = 30.0
# A sky of fewer sigma may be what a subtraction of the sky has left.
LEAST_SKY = 10.0


@dataclass(frozen=True)
class Quality:
    """The figures of a frame.

    Attributes
    ----------
    seeing_px : float
        FWHM of the stars, of all objects where none is a star.
    ellipticity : float
        1 - b/a, median of the bright objects: in a frame with bad tracking none looks like a star.
    sky_level, sky_range, noise : float
        ADU: median of the sky, how far it differs over the frame (98 % less 2 %), and the noise of
        one pixel.
    sky_fraction : float
        The sky's share of the way from zero to saturation.
    noise_ratio : float or None
        Noise of a pixel over that which the photons of the sky make at the stated gain; None
        where the sky was subtracted before.
    unevenness : float
        Structure left in the sky on scales of 32 to 128 px, in noise of a pixel.
    limiting_flux : float
        ADU: flux of a point source at 5 sigma, measured with the PSF against the sky.
    noise_pixels : float
        1 / sum of the PSF's square: pixels whose noise its fit collects.
    saturated_fraction, masked_fraction, trail_fraction : float
        Shares of the frame's pixels.
    n_stars, n_objects : int
    """

    seeing_px: float
    ellipticity: float
    sky_level: float
    sky_range: float
    sky_fraction: float
    noise: float
    noise_ratio: float | None
    unevenness: float
    limiting_flux: float
    noise_pixels: float
    saturated_fraction: float
    masked_fraction: float
    trail_fraction: float
    n_stars: int
    n_objects: int

    def figures(self) -> dict[str, float | None]:
        """Give the figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Examined:
    """A frame with its trails masked, and what was found in it."""

    frame: CalibratedFrame
    stars: Stars
    growth: Growth
    quality: Quality


def examine(frame: CalibratedFrame, parameters: PreprocessParameters) -> Examined:
    """Mask the trails of a frame, find its stars and measure how good it is.

    Parameters
    ----------
    frame : CalibratedFrame
        On its own pixel grid: on another, what lies outside of it would count as masked.

    Raises
    ------
    ValueError
        If the frame has no good pixel or no object.
    """
    if (frame.mask != 0).all():
        raise ValueError(f"all {frame.mask.size} pixels are masked: nothing to measure")
    cells = cells_of(frame.pixels, frame.noise, frame.mask)
    trails = find_trails(
        frame.pixels, frame.noise, frame.mask, cells, threshold=parameters.trail_threshold
    )
    if trails.any():
        mask = frame.mask.copy()
        mark(mask, trails, MaskBit.TRAIL)
        frame = replace(frame, mask=mask)
    stars = stars_of(frame, parameters)
    if not stars.size:
        raise ValueError(
            f"no unsaturated object above {parameters.star_threshold:g} sigma among "
            f"{np.count_nonzero(frame.mask == 0)} good pixels "
            f"({share(frame, MaskBit.SATURATED):.2%} are saturated): the frame shows no stars to "
            "measure"
        )
    width = typical_width(stars)
    growth = measure_growth(frame, stars, width)
    return Examined(frame, stars, growth, measure(frame, stars, growth, unevenness(cells)))


def typical_width(stars: Stars) -> float:
    """Give the FWHM that the bright stars share, all objects where none is a star; px."""
    sample = stars[stars["is_star"]] if stars["is_star"].any() else stars
    bright = sample["snr"] >= min(BRIGHT_SNR, float(np.median(sample["snr"])))
    return float(np.exp(narrow_mode(np.log(sample["fwhm"][bright]))))


def measure(frame: CalibratedFrame, stars: Stars, growth: Growth, uneven: float) -> Quality:
    """Put the figures of a frame together."""
    noise = sky_noise(frame)
    bright = stars["snr"] > min(BRIGHT_SNR, float(np.median(stars["snr"])))
    return Quality(
        seeing_px=growth.fwhm,
        ellipticity=float(np.median(stars["ellipticity"][bright | (stars.size == 1)])),
        sky_level=frame.sky_level,
        sky_range=frame.sky_range,
        sky_fraction=max(0.0, frame.sky_level / (frame.saturation + max(0.0, frame.sky_level))),
        noise=noise,
        noise_ratio=noise_ratio(frame, noise),
        unevenness=uneven,
        limiting_flux=LIMIT_SIGMA * noise * growth.noise_pixels**0.5,
        noise_pixels=growth.noise_pixels,
        saturated_fraction=share(frame, MaskBit.SATURATED),
        masked_fraction=float(np.count_nonzero(frame.mask) / frame.mask.size),
        trail_fraction=share(frame, MaskBit.TRAIL),
        n_stars=int(stars["is_star"].sum()),
        n_objects=int(stars.size),
    )


def sky_noise(frame: CalibratedFrame) -> float:
    """Give the median noise of the good pixels of a frame, ADU."""
    some = slice(None, None, NOISE_STEP)
    noise = frame.noise[some, some][frame.mask[some, some] == 0]
    return float(np.median(noise if noise.size else frame.noise[frame.mask == 0]))


def noise_ratio(frame: CalibratedFrame, noise: float) -> float | None:
    """Compare the noise with that of the sky's photons, where the sky is still known."""
    if frame.sky_level < LEAST_SKY * noise:
        return None
    return float(noise / np.sqrt(frame.sky_level / frame.gain))


def share(frame: CalibratedFrame, bit: MaskBit) -> float:
    """Give the share of a frame's pixels that have a mask bit."""
    return float(np.count_nonzero(frame.mask & np.uint16(bit)) / frame.mask.size)
