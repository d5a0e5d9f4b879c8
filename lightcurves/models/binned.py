"""Times of binned curves."""

from lightcurves.models.observations import Observation
from lightcurves.models.typed import Integer, Real


class BinnedObservation(Observation, kind="binned"):
    """The bins of one curve; a cadence is the number of a bin, from 0."""

    source_observation = Integer(required=True, help_text="Key of the one that was binned.")
    width_days = Real(help_text="Of a bin, where it is a stretch of time.")
    points = Integer(help_text="In a bin, where it is a number of points.")

    class Meta:
        verbose_name = "binned observation"
        verbose_name_plural = "binned observations"
        proxy = True

    def __str__(self) -> str:
        size = f"{self.width_days:g} d" if self.points is None else f"{self.points} points"
        return f"observation {self.source_observation} in bins of {size}"
