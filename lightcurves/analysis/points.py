"""The points of a light curve that can be reckoned with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lightcurves.statistics import first_disorder

Reals = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Points:
    """Finite times and values, times not decreasing, with errors above 0 or none at all."""

    times: Reals
    values: Reals
    errors: Reals | None
    places: npt.NDArray[np.intp]  # of each point in the arrays it was taken from

    def __len__(self) -> int:
        """Count the points."""
        return self.times.size

    @property
    def span(self) -> float:
        """Give the time from the first point to the last."""
        return float(self.times[-1] - self.times[0])

    def weights(self) -> Reals:
        """Give inverse variances relative to that of the median error; 1 without errors."""
        if self.errors is None:
            return np.ones(len(self))
        weights: Reals = (np.median(self.errors) / self.errors) ** 2
        return weights


def take_points(
    times: npt.ArrayLike, values: npt.ArrayLike, errors: npt.ArrayLike | None = None, *, least: int
) -> Points:
    """Take the points of which time, value and error are finite.

    Parameters
    ----------
    times, values : (n,) array
        Times must not decrease. NaN and infinity leave a point out.
    errors : (n,) array, optional
        Standard deviations, unit of ``values``. None, or no finite one: points have no errors.
    least : int
        So many points are needed.

    Raises
    ------
    ValueError
        If shapes differ, times decrease, an error is not above 0, or too few points are left.
    """
    when, measured, given = _vectors(times, values, errors)
    usable = np.isfinite(when) & np.isfinite(measured)
    if given is not None:
        _check_errors(given, usable)  # missions write 0 where there is no value
        usable &= np.isfinite(given)
    places = np.flatnonzero(usable)
    if places.size < least:
        raise ValueError(
            f"{places.size} of {when.size} points are finite; at least {least} are needed"
        )
    _check_order(when, places)
    return Points(when[places], measured[places], None if given is None else given[places], places)


def _vectors(
    times: npt.ArrayLike, values: npt.ArrayLike, errors: npt.ArrayLike | None
) -> tuple[Reals, Reals, Reals | None]:
    when, measured = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if when.ndim != 1 or when.shape != measured.shape:
        raise ValueError(
            f"times has shape {when.shape}, values {measured.shape}; "
            "both need one axis of the same length"
        )
    if errors is None:
        return when, measured, None
    given = np.asarray(errors, np.float64)
    if given.shape != when.shape:
        raise ValueError(f"errors has shape {given.shape}, values {measured.shape}")
    return when, measured, given if np.isfinite(given).any() else None


def _check_errors(errors: Reals, usable: npt.NDArray[np.bool_]) -> None:
    wrong = np.flatnonzero((errors <= 0) & usable)
    if wrong.size:
        raise ValueError(
            f"errors[{wrong[0]}] is {errors[wrong[0]]:g} ({wrong.size} such); "
            "errors must be above 0, NaN where unknown"
        )


def _check_order(times: Reals, places: npt.NDArray[np.intp]) -> None:
    wrong = first_disorder(times[places], strict=False)
    if wrong is not None:
        here, before = places[wrong], places[wrong - 1]
        raise ValueError(
            f"times must not decrease; [{here}] is {times[here]} after {times[before]}"
        )


def check_above_zero(name: str, value: float) -> None:
    """Refuse a number that is not finite and above 0.

    Raises
    ------
    ValueError
        With its name and value.
    """
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value}; it must be a finite number above 0")
