"""What a file of a light curve says, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from astrid.core.sky import check_position
from lightcurves.errors import BadLightCurve
from lightcurves.statistics import first_disorder

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class MissionFacts:
    """A mission, the catalogue its numbers are of, and how it counts time (days since an epoch)."""

    name: str
    catalog: str
    time_format: str
    time_epoch: str
    time_scale: str


@dataclass(frozen=True)
class Measured:
    """One brightness of a file.

    Attributes
    ----------
    column : str
        Its name in the file.
    source, method : str
        How it was taken from pixels, and what was done to it; no method: as taken.
    values, errors : (n,) arrays
        Bit for bit as in the file; errors are NaN where the file states none.
    derived_from : str
        The column it was made from, if that is known.
    unit : str
        Of values and errors, as astropy writes it; empty where the file states none.
    """

    column: str
    source: str
    method: str | None
    values: Floats
    errors: Floats
    derived_from: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Curve:
    """One target at the cadences of one observation.

    Attributes
    ----------
    target : int
        Its number in the mission's catalogue.
    instrument : tuple of str
        The way from the whole to the part.
    kind, facts : str, mapping
        The kind of observation, and its typed values.
    cadences : (n,) array
        Numbers, increasing.
    times : (n,) float64 array
        In the mission's count; NaN where a cadence has none.
    flags : mapping of str to (n,) arrays
        Bits by kind of quality flags.
    measured : tuple of `Measured`
    notes : tuple of str
        What the reader had to assume or leave out.
    position : tuple of float, optional
        Right ascension and declination, degrees, where the file states them.
    """

    mission: MissionFacts
    target: int
    instrument: tuple[str, ...]
    kind: str
    facts: Mapping[str, Any]
    cadences: Integers
    times: Floats
    flags: Mapping[str, Integers]
    measured: tuple[Measured, ...]
    notes: tuple[str, ...] = field(default=())
    position: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a curve that contradicts itself.

        Raises
        ------
        BadLightCurve
            If lengths or dtypes do not fit, cadences do not increase, times run backwards, bits
            are negative, the position is none, or nothing is finite.
        """
        self._check_numbers()
        self._check_lengths()
        self._check_order()
        if not self.measured:
            raise BadLightCurve("no column of flux has a finite value")
        if not np.isfinite(self.times).any():
            raise BadLightCurve(f"none of the {self.times.size} times is finite")

    def _check_numbers(self) -> None:
        if not 0 <= self.target < 2**63:
            raise BadLightCurve(
                f"the number of the target is {self.target}; it has at most 63 bits"
            )
        if self.position is not None:
            _check_position(*self.position)
        for name, array in self._floats().items():
            if array.dtype not in (np.float64, np.float32):
                raise BadLightCurve(f"{name} is {array.dtype}; it must be float64 or float32")
        for name, bits in self.flags.items():
            if bits.dtype not in (np.int64, np.int32) or (bits < 0).any():
                raise BadLightCurve(f"{name} of {bits.dtype} are no bits: the least is {min(bits)}")

    def _floats(self) -> dict[str, Floats]:
        arrays = {"times": self.times}
        for one in self.measured:
            arrays |= {one.column: one.values, f"errors of {one.column}": one.errors}
        return arrays

    def _check_lengths(self) -> None:
        for name, array in {**self._floats(), **self.flags}.items():
            if array.size != self.cadences.size:
                raise BadLightCurve(
                    f"{name} has {array.size} values for {self.cadences.size} cadences"
                )

    def _check_order(self) -> None:
        wrong = first_disorder(self.cadences, strict=True)
        if wrong is not None:
            raise BadLightCurve(
                f"cadence numbers must increase; row {wrong + 1} has {self.cadences[wrong]} "
                f"after {self.cadences[wrong - 1]}"
            )
        wrong = first_disorder(self.times, strict=False)
        if wrong is not None:
            raise BadLightCurve(f"times run backwards at row {wrong + 1}: {self.times[wrong]}")


def _check_position(ra: float, dec: float) -> None:
    try:
        check_position(ra, dec)
    except ValueError as error:
        raise BadLightCurve(f"the position is {ra} {dec}: {error}") from error


def usable(measured: list[Measured]) -> tuple[tuple[Measured, ...], tuple[str, ...]]:
    """Keep the columns with a finite value; name the others."""
    kept = tuple(one for one in measured if np.isfinite(one.values).any())
    left = [one.column for one in measured if not np.isfinite(one.values).any()]
    notes = (f"left out, no finite value: {', '.join(left)}",) if left and kept else ()
    return kept, notes
