"""How bright something is, as rows keep it; no table of its own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Brightness(models.Model):
    """A flux with its error, and a magnitude with its error or an upper limit."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "flux",
        "flux_error",
        "magnitude",
        "magnitude_error",
        "upper_limit",
        "photometric_system",
    )

    flux = models.FloatField(null=True, blank=True, help_text="PSF flux in the science frame, ADU.")
    flux_error = models.FloatField(null=True, blank=True, help_text="ADU.")
    magnitude = models.FloatField(
        null=True, blank=True, help_text="Of the flux; none where it is negative or S/N is below 3."
    )
    magnitude_error = models.FloatField(
        null=True, blank=True, help_text="Of the flux and of the zero point together."
    )
    upper_limit = models.FloatField(
        null=True, blank=True, help_text="Magnitude at 5 sigma, where there is no magnitude."
    )
    photometric_system = models.CharField(
        max_length=20,
        blank=True,
        help_text="AB, Vega, or instrumental: -2.5 log10(ADU per second).",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(magnitude__isnull=True) | Q(upper_limit__isnull=True),
                name="%(class)s_magnitude_or_limit",
            ),
        ]

    def in_magnitudes(self) -> str:
        """Write the magnitude with its error, or the limit; empty where neither is known."""
        return in_words(self.brightness())

    def brightness(self) -> dict[str, Any]:
        """Give these columns by name, for a row that stands for the same light."""
        return {name: getattr(self, name) for name in self.COLUMNS}


def in_words(facts: Mapping[str, Any]) -> str:
    """Write a magnitude with its error, or the limit; empty where neither is known.

    ``facts`` has the names of the columns of :class:`Brightness`.
    """
    magnitude, error, limit = (facts[name] for name in _MAGNITUDES)
    system = f" {facts['photometric_system']}" if facts["photometric_system"] else ""
    if magnitude is not None:
        spread = "" if error is None else f" ± {error:.3f}"
        return f"{magnitude:.3f}{spread}{system}"
    return "" if limit is None else f"> {limit:.2f}{system}"


_MAGNITUDES = ("magnitude", "magnitude_error", "upper_limit")
