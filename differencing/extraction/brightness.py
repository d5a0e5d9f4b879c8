"""Fluxes of a table as magnitudes or upper limits."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.photometry.magnitudes import ZeroPoint, measures

# name, type, unit, meaning
FIELDS = (
    ("magnitude", "f8", "mag", "of flux; NaN where it is negative or below 3 flux_error"),
    ("magnitude_error", "f8", "mag", "1-sigma error of magnitude, the zero point's included"),
    ("upper_limit", "f8", "mag", "magnitude of 5 flux_error; NaN where there is a magnitude"),
)
MAGNITUDES = tuple(name for name, *_ in FIELDS)


def set_magnitudes(found: NDArray[np.void], zero_point: ZeroPoint | None) -> None:
    """Fill in, in place, magnitudes and limits of ``flux`` and ``flux_error``.

    All are NaN without a zero point.
    """
    for name in MAGNITUDES:
        found[name] = np.nan
    if zero_point is not None:
        known = measures(found["flux"], found["flux_error"], zero_point)
        for name in MAGNITUDES:
            found[name] = getattr(known, name)
