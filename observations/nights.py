"""Observing nights: from local mean noon to noon, named by the date of their evening."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from observations.models import Observation, ObservationStatus
from observations.night_number import NIGHT

_MJD_0 = date(1858, 11, 17)


@dataclass(frozen=True, order=True)
class Night:
    """One observing night.

    Attributes
    ----------
    number : int
        Modified Julian date of its midnight, as :func:`observations.fits_site.night_of` gives it.
    """

    number: int

    @classmethod
    def named(cls, evening: date) -> "Night":
        """Give the night that began on the evening of a date."""
        return cls((evening - _MJD_0).days + 1)

    @property
    def evening(self) -> date:
        """The date on which it began, which names it."""
        return _MJD_0 + timedelta(days=self.number - 1)

    @property
    def morning(self) -> date:
        """The date on which it ended."""
        return self.evening + timedelta(days=1)

    def __str__(self) -> str:
        return self.evening.isoformat()

    @property
    def frames(self) -> QuerySet[Observation]:
        """The exposures that began in it."""
        return _numbered().filter(night=self.number)

    @property
    def earlier(self) -> "Night | None":
        """The last night before it with exposures."""
        return _night(_numbered().filter(night__lt=self.number).aggregate(number=Max("night")))

    @property
    def later(self) -> "Night | None":
        """The first night after it with exposures."""
        return _night(_numbered().filter(night__gt=self.number).aggregate(number=Min("night")))


@dataclass(frozen=True)
class NightFrames:
    """A night, and how many exposures it has."""

    night: Night
    frames: int
    failed: int


def newest() -> Night | None:
    """Give the last night with exposures; None without any."""
    return _night(_numbered().aggregate(number=Max("night")))


def listed(number: int, *, before: Night | None = None) -> list[NightFrames]:
    """Give so many nights with exposures, the newest first; those before a night, if given."""
    rows = _numbered().filter(**({"night__lt": before.number} if before else {}))
    failed = Count("id", filter=Q(status=ObservationStatus.FAILED))
    counted = rows.values("night").annotate(frames=Count("id"), failed=failed)
    return [
        NightFrames(Night(row["night"]), row["frames"], row["failed"])
        for row in counted.order_by("-night")[:number]
    ]


def _numbered() -> QuerySet[Any]:
    return Observation.objects.annotate(night=NIGHT)


def _night(found: dict[str, Any]) -> Night | None:
    return None if found["number"] is None else Night(found["number"])
