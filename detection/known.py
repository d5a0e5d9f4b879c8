"""What catalogues of others know at a place: the star, the variable, the asteroid of that time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from astrid.core.sky import InCone, separation_deg
from detection.models import ContextKind, ContextSource, Detection

# How far from a detection its counterpart may lie, arcseconds: what astrometry and seeing leave
# of a star, and what half an hour of motion and an old orbit leave of an asteroid.
ON: Mapping[str, float] = {
    ContextKind.STAR: 1.5,
    ContextKind.VARIABLE: 2.0,
    ContextKind.ASTEROID: 10.0,
}
NEAR: Mapping[str, float] = {
    ContextKind.STAR: 60.0,
    ContextKind.VARIABLE: 10.0,
    ContextKind.ASTEROID: 60.0,
}
SAME_TIME_DAYS = 0.5 / 24


@dataclass(frozen=True)
class Spot:
    """A place of the sky, degrees ICRS, at a modified Julian date if that is known."""

    ra: float
    dec: float
    mjd_utc: float | None = None


@dataclass(frozen=True)
class Known:
    """A source of a catalogue, and how far from the place it lies."""

    source: ContextSource
    separation_arcsec: float

    @property
    def in_words(self) -> str:
        """Say what it is: name, type, magnitude, distance, catalogue."""
        source = self.source
        brightness = "" if source.magnitude is None else f"{source.magnitude:.2f} mag"
        said = (
            source.name,
            source.variable_type,
            " ".join(filter(None, (brightness, source.magnitude_band))),
            f"{self.separation_arcsec:.2f}″ away",
            f"({source.catalog})",
        )
        return " ".join(filter(None, said))


def spot_of(detection: Detection) -> Spot:
    """Give where and when a detection was seen."""
    return Spot(detection.ra, detection.dec, detection.observation.mjd_utc)


Found = dict[str, Known]  # by kind


def known_at(spots: Sequence[Spot], reach: Mapping[str, float] = ON) -> list[Found]:
    """Give what is known next to each place, by kind, in one query however many there are."""
    if not spots:
        return []
    widest = max(reach.values()) / 3600
    near = (Q(InCone(one.ra % 360, one.dec, widest)) for one in spots)
    rows = list(ContextSource.objects.filter(reduce(or_, near)).select_related("catalog"))
    return [_of_spot(one, rows, reach) for one in spots]


def _of_spot(spot: Spot, rows: Sequence[ContextSource], reach: Mapping[str, float]) -> Found:
    found: Found = {}
    for row in rows:
        apart = 3600 * float(separation_deg(spot.ra, spot.dec, row.ra, row.dec))
        kind = row.catalog.kind
        if apart > reach[kind] or not _is_of_that_time(row, spot):
            continue
        if kind not in found or apart < found[kind].separation_arcsec:
            found[kind] = Known(row, apart)
    return found


def _is_of_that_time(row: ContextSource, spot: Spot) -> bool:
    """Say whether a row stands for the time of a place: what moves is there only once."""
    if row.mjd_utc is None:
        return row.catalog.kind != ContextKind.ASTEROID
    return spot.mjd_utc is not None and abs(row.mjd_utc - spot.mjd_utc) <= SAME_TIME_DAYS
