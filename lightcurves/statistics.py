"""Figures that stand for an array."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Summary:
    """Extremes and median of the finite numbers of an array; None where there are none."""

    n: int
    minimum: float | None
    maximum: float | None
    median: float | None


def summarise(values: npt.NDArray[Any]) -> Summary:
    """Give length, extremes and median of an array; NaN and infinity count in the length only."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Summary(values.size, None, None, None)
    return Summary(values.size, float(finite.min()), float(finite.max()), float(np.median(finite)))


def first_disorder(values: npt.NDArray[Any], *, strict: bool) -> int | None:
    """Give the index of the first number not above (``strict``) or below the one before it.

    NaN is passed over, so the comparison is with the last number that is one.
    """
    places = (
        np.flatnonzero(~np.isnan(values)) if values.dtype.kind == "f" else np.arange(values.size)
    )
    kept = values[places]
    wrong = kept[1:] <= kept[:-1] if strict else kept[1:] < kept[:-1]
    return int(places[1:][np.argmax(wrong)]) if wrong.any() else None
