"""What a frame must be like to be processed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from astrid.core.parameters import tunable


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Frames beyond these are set aside; an operator may accept them all the same."""

    max_seeing_px: float = tunable(10.0, "largest FWHM of stars", unit="px", gt=0)
    max_ellipticity: float = tunable(0.35, "largest ellipticity of stars, 1 - b/a", gt=0, le=1)
    max_sky_fraction: float = tunable(
        0.8, "largest share of the way from zero to saturation that the sky fills", gt=0, le=1
    )
    # Sky of 10 times the noise (less tells nothing) that a read noise below 35 e- joins stays below
    # 2: noise = 2 sqrt(sky) needs sky > 400 e- and read noise > sqrt(3 * 400) e-. A gain stated at
    # five times its value makes 2.2.
    max_noise_ratio: float = tunable(
        2.0,
        "largest noise of a pixel, in that of the sky's photons: more shows a gain that is too "
        "high, or no sky",
        gt=1,
    )
    max_unevenness: float = tunable(
        1.0, "largest structure left in the sky, in noise of a pixel", unit="sigma", gt=0
    )
    max_saturated_fraction: float = tunable(0.1, "largest share of saturated pixels", gt=0, le=1)
    max_masked_fraction: float = tunable(0.6, "largest share of masked pixels", gt=0, le=1)
    max_trail_fraction: float = tunable(
        0.1, "largest share of pixels crossed by satellites and aircraft", gt=0, le=1
    )
    min_quality_stars: int = tunable(1, "fewer stars show clouds, or no sky", unit="stars", ge=0)
    min_limiting_magnitude: float | None = tunable(
        None,
        "least depth, where the zero point is known from stars or the header",
        unit="mag",
        ge=0,
        le=40,
    )
    reference_factor: float = tunable(
        0.8,
        "references must stay below this share of the greatest values, above the least values by "
        "as much",
        gt=0,
        le=1,
    )
    trail_threshold: float = tunable(
        6.5, "least significance of the light along a straight line", unit="sigma", ge=5
    )


@dataclass(frozen=True)
class Rule:
    """One figure that must not exceed, or fall below, a limit."""

    figure: str
    limit: str
    words: str
    is_least: bool = False


RULES = (
    Rule("seeing_px", "max_seeing_px", "seeing {:.1f} px"),
    Rule("ellipticity", "max_ellipticity", "ellipticity {:.2f}"),
    Rule("sky_fraction", "max_sky_fraction", "share of sky below saturation {:.2f}"),
    Rule("noise_ratio", "max_noise_ratio", "noise over that of photons {:.1f}"),
    Rule("unevenness", "max_unevenness", "unevenness of the sky {:.2f} sigma"),
    Rule("saturated_fraction", "max_saturated_fraction", "share of saturated pixels {:.3f}"),
    Rule("masked_fraction", "max_masked_fraction", "share of masked pixels {:.2f}"),
    Rule("trail_fraction", "max_trail_fraction", "share of pixels in trails {:.3f}"),
    Rule("n_stars", "min_quality_stars", "number of stars {:.0f}", is_least=True),
)


def shortcomings(
    figures: Mapping[str, float | None], limits: QualityLimits, *, is_reference: bool
) -> Iterator[str]:
    """Say in words and numbers what keeps a frame from being processed.

    Parameters
    ----------
    figures : mapping
        As :func:`preprocessing.quality.figures.examine` gives them, ``limiting_magnitude`` among
        them where it is known; None for what the frame does not tell.
    limits : QualityLimits
    is_reference : bool
        References are held to stricter limits.
    """
    factor = limits.reference_factor if is_reference else 1.0
    for rule in RULES:
        value, limit = figures[rule.figure], getattr(limits, rule.limit)
        if value is None:
            continue
        bound = limit / factor if rule.is_least else limit * factor
        if (value < bound) if rule.is_least else (value > bound):
            side = "below" if rule.is_least else "above"
            yield f"{rule.words.format(value)} is {side} {bound:g} ({rule.limit})"
    depth, least = figures.get("limiting_magnitude"), limits.min_limiting_magnitude
    if depth is not None and least is not None and depth < least - 2.5 * np.log10(factor):
        bound = least - 2.5 * np.log10(factor)
        yield f"limiting magnitude {depth:.2f} is below {bound:.2f} (min_limiting_magnitude)"


def unchecked(figures: Mapping[str, float | None]) -> Iterator[str]:
    """Say in words and numbers what a frame could not be checked for, and why.

    Parameters
    ----------
    figures : mapping
        As for :func:`shortcomings`.
    """
    if figures["noise_ratio"] is None:
        yield (
            f"its gain could not be checked: noise tells of photons only where the sky is still in "
            f"the frame, and {figures['sky_level']:.3g} ADU of sky in noise of "
            f"{figures['noise']:.3g} ADU are none; a wrong gain makes the errors of bright "
            "sources wrong"
        )
