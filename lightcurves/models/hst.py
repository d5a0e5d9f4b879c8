"""The Hubble Space Telescope."""

from lightcurves.models.observations import Observation
from lightcurves.models.typed import Integer, Real, Text


class HSTObservation(Observation, kind="hst"):
    """A visit of a programme through one filter."""

    visit_id = Text(required=True)
    program_id = Integer(required=True)
    filter_name = Text()
    exposure_time = Real(help_text="Seconds.")

    class Meta:
        verbose_name = "HST observation"
        verbose_name_plural = "HST observations"
        proxy = True

    def __str__(self) -> str:
        return f"HST {self.program_id} visit {self.visit_id}"
