"""Periods that analyses found in the light curves of a target, for folding."""

from dataclasses import dataclass

from astropy import units as u

from lightcurves.models import CurveFeatures, Target

MOST_PERIODS = 5
_WORDS = {CurveFeatures.Kind.PERIOD: "period", CurveFeatures.Kind.TRANSIT: "transits"}


@dataclass(frozen=True)
class FoundPeriod:
    """A period in days, and a time of phase 0 in the mission's count, if one is known."""

    period: float
    epoch: float | None
    words: str


def periods_of(target: Target) -> list[FoundPeriod]:
    """Give the newest periods of a target's light curves, each once."""
    days = float(u.Unit(target.catalog.host_mission.time_unit).to(u.day))
    rows = CurveFeatures.objects.filter(
        dataset__target=target, kind__in=_WORDS, period__isnull=False
    ).order_by("-id")
    found: dict[str, FoundPeriod] = {}
    for row in rows[: 4 * MOST_PERIODS]:
        period, epoch = float(row.period or 0), row.features.get("epoch")  # those without are out
        words = f"{period:.7g} d, {_WORDS[CurveFeatures.Kind(row.kind)]}"
        found.setdefault(words, FoundPeriod(period, None if epoch is None else epoch / days, words))
    return list(found.values())[:MOST_PERIODS]
