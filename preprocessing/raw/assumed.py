"""What a detector's gain, read noise and saturation are, and where each figure comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from preprocessing.raw.averages import Pixels

# Brightest pixels of several frames that agree this well stand at the same ceiling.
CEILING_SPREAD = 0.01
CEILING_FRAMES = 3
# Of the ceiling: what is counted below it is linear still.
BELOW_CEILING = 0.97
# Header and measurement part when they differ by this share and so many of its errors.
LARGEST_OFF, OFF_SIGMA = 0.05, 5.0


@dataclass(frozen=True)
class Figure:
    """A figure of the detector and where it comes from, in words."""

    value: float
    source: str


def ceiling(brightest: Sequence[float]) -> float | None:
    """Give the ADU above which no frame goes; None when the brightest pixels do not agree.

    Parameters
    ----------
    brightest : sequence of float
        The brightest pixel of every light, ADU as read.
    """
    highest = np.sort(np.asarray(brightest, float))[-CEILING_FRAMES:]
    if highest.size < CEILING_FRAMES or np.ptp(highest) > CEILING_SPREAD * highest.max():
        return None
    return float(highest.max())


def settle(
    name: str, unit: str, *, given: float | None, stated: float | None, measured: Figure | None
) -> Figure:
    """Choose a figure: what the user gives, else the header, else what the frames show.

    Raises
    ------
    ValueError
        If there is none of them.
    """
    if given is not None:
        return Figure(given, "as given")
    if stated is not None:
        return Figure(stated, "from the header")
    if measured is not None:
        return measured
    option = name.replace(" ", "-")
    raise ValueError(
        f"the {name} is in no header and cannot be measured from these frames: "
        f"give it in {unit} by --{option}"
    )


def contradiction(name: str, used: Figure, measured: float, error: float) -> str | None:
    """Say when what is used and what the frames show differ beyond doubt."""
    off = abs(used.value - measured)
    if off <= LARGEST_OFF * measured or off <= OFF_SIGMA * error:
        return None
    return (
        f"the {name} is {used.value:.3g} {used.source}, but the frames show "
        f"{measured:.3g} ± {error:.2g}"
    )


def brightest_of(pixels: Pixels) -> float:
    """Give the brightest pixel but for a few that a cosmic ray may have lit.

    A star that saturates fills more than three pixels.
    """
    values = pixels[np.isfinite(pixels)]
    return float(np.partition(values, -4)[-4]) if values.size > 3 else float("nan")
