"""A stored light curve as the arrays that can be analysed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units

from lightcurves.errors import BadLightCurve
from lightcurves.exporting.tables import flags_of, times_of
from lightcurves.models import DataSet

Reals = npt.NDArray[np.floating[Any]]
MAGNITUDES = frozenset({"mag", "mag(AB)", "mag(ST)"})


@dataclass(frozen=True)
class StoredCurve:
    """Times in days, and values and errors of one length, NaN where a cadence is left out."""

    dataset: DataSet
    times: Reals
    values: Reals
    errors: Reals
    days_per_unit: float

    @property
    def is_in_magnitudes(self) -> bool:
        """Tell whether less is brighter."""
        return self.dataset.unit in MAGNITUDES


def load_curve(dataset: DataSet, *, flagged: bool = False) -> StoredCurve:
    """Give a dataset with its times; cadences that flags speak against are NaN.

    Parameters
    ----------
    dataset : DataSet
    flagged : bool
        Keep those cadences.

    Raises
    ------
    BadLightCurve
        If no times are stored of the target in the observation.
    """
    times = times_of(dataset)
    if times is None:
        raise BadLightCurve(
            f"DataSet {dataset.pk} has no times: store those of target {dataset.target_id} in "
            f"observation {dataset.observation_id} first"
        )
    days = float(units.Unit(dataset.target.catalog.host_mission.time_unit).to(units.day))
    values: Any = dataset.values
    if not flagged:
        values = np.where(unusable(dataset), values.dtype.type(np.nan), values)
    errors: Any = dataset.errors
    return StoredCurve(dataset, times * days, values, errors, days)


def unusable(dataset: DataSet) -> npt.NDArray[np.bool_]:
    """Tell for each cadence whether one of its flags speaks against it."""
    bad = np.zeros(dataset.n, bool)
    for row in flags_of(dataset):
        bad |= row.unusable()
    return bad
