"""Puts what was measured at some cadences onto others, by their numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lightcurves.errors import NotAligned
from lightcurves.statistics import first_disorder

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.integer[Any]]
SHOWN = 5


def places_in(cadences: Integers, reference: Integers, *, strict: bool = True) -> Integers:
    """Give the index in ``reference`` of each cadence, -1 where it has none.

    Parameters
    ----------
    cadences, reference : (n,) and (m,) integer arrays
        Cadence numbers, both increasing.
    strict : bool
        Refuse cadences that the reference does not have, in place of giving -1.

    Raises
    ------
    NotAligned
        If numbers do not increase or, if ``strict``, one is not in the reference.
    """
    for name, numbers in (("cadences", cadences), ("reference", reference)):
        wrong = first_disorder(numbers, strict=True)
        if wrong is not None:
            raise NotAligned(
                f"{name} must increase; [{wrong}] is {numbers[wrong]} after {numbers[wrong - 1]}"
            )
    found = np.searchsorted(reference, cadences)
    is_known = found < reference.size
    is_known[is_known] = reference[found[is_known]] == cadences[is_known]
    if strict and not is_known.all():
        raise NotAligned(_unknown(cadences[~is_known], reference))
    return np.where(is_known, found, -1)


def _unknown(cadences: Integers, reference: Integers) -> str:
    shown = ", ".join(map(str, cadences[:SHOWN])) + (", …" if cadences.size > SHOWN else "")
    span = f"{reference[0]} to {reference[-1]}" if reference.size else "none"
    return (
        f"{cadences.size} cadences are not among the {reference.size} of the reference ({span}): "
        f"{shown}; leave them out by strict=False"
    )


def align(
    values: Array,
    cadences: Integers,
    reference: Integers,
    *,
    fill: float = np.nan,
    strict: bool = True,
) -> Array:
    """Put values onto the cadences of a reference; its cadences that have none get ``fill``.

    Parameters
    ----------
    values : (n,) array
        One per cadence; any dtype.
    cadences, reference : (n,) and (m,) integer arrays
        Cadence numbers, both increasing.
    fill : number
        For gaps; NaN unless told otherwise, which integers and booleans have none of.
    strict : bool
        Refuse cadences that the reference does not have; else they are left out.

    Returns
    -------
    (m,) array
        Of the dtype of ``values``.

    Raises
    ------
    NotAligned
        If lengths differ, numbers do not increase, there are gaps that ``fill`` cannot stand for,
        or, if ``strict``, a cadence is not in the reference.
    """
    if values.size != cadences.size:
        raise NotAligned(f"{values.size} values for {cadences.size} cadences; they must agree")
    places = places_in(cadences, reference, strict=strict)
    kept = places >= 0
    if np.count_nonzero(kept) < reference.size:
        _check_fill(fill, values.dtype)
        aligned = np.full(reference.size, fill, values.dtype)
    else:
        aligned = np.empty(reference.size, values.dtype)
    aligned[places[kept]] = values[kept]
    return aligned


def _check_fill(fill: float, dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f" and (not np.isfinite(fill) or dtype.type(fill) != fill):
        raise NotAligned(f"{fill} in gaps is no {dtype}; give fill a number that is one")
