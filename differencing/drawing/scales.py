"""From values to shades: how pictures of frames and differences are stretched."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from differencing.drawing.palette import Pixels, diverging, grey
from differencing.subtraction.noise import FloatArray

BLACK = -2.5  # sigma of the sky that is shown black
FAINTEST_WHITE = 20.0  # sigma; noise is not stretched to white
GREY_SOFTENING = 5.0  # sigma, up to which the stretch of light is about linear
DIFFERENCE_END, DIFFERENCE_SOFTENING = 30.0, 3.0  # sigma
SIGNIFICANCE_END = 10.0
LIGHT_TICKS = (0.0, 5.0, 20.0, 100.0, 500.0, 2000.0)
CHANGE_TICKS = (-30.0, -10.0, -3.0, 0.0, 3.0, 10.0, 30.0)
SIGNIFICANCE_TICKS = (-10.0, -5.0, 0.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """How values become shades, and which of them the colour bar names."""

    shade: Callable[[FloatArray], FloatArray]
    paint: Callable[[FloatArray], Pixels]
    low: float
    high: float
    ticks: tuple[float, ...]
    unit: str


def light_scale(brightest: float) -> Scale:
    """Give greys from below the sky to ``brightest`` sigma, by asinh."""
    white = max(FAINTEST_WHITE, brightest)
    low, high = np.arcsinh(np.array([BLACK, white]) / GREY_SOFTENING)

    def shade(values: FloatArray) -> FloatArray:
        return np.asarray((np.arcsinh(values / GREY_SOFTENING) - low) / (high - low))

    ticks = tuple(tick for tick in LIGHT_TICKS if tick < white)
    return Scale(shade, grey, BLACK, white, ticks, "sigma of the sky")


def change_scale() -> Scale:
    """Give the colours of a difference, by asinh; the same for every difference."""
    end = np.arcsinh(DIFFERENCE_END / DIFFERENCE_SOFTENING)

    def shade(values: FloatArray) -> FloatArray:
        return np.asarray(np.arcsinh(values / DIFFERENCE_SOFTENING) / end)

    return Scale(
        shade, diverging, -DIFFERENCE_END, DIFFERENCE_END, CHANGE_TICKS, "sigma of a pixel"
    )


def score_scale() -> Scale:
    """Give the colours of S_corr, even in sigma; the same for every difference."""

    def shade(values: FloatArray) -> FloatArray:
        return np.asarray(values / SIGNIFICANCE_END)

    end = SIGNIFICANCE_END
    return Scale(shade, diverging, -end, end, SIGNIFICANCE_TICKS, "sigma of a point source")
