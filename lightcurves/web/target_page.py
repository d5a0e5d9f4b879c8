"""What the page of a target shows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from astropy import units as u
from astropy.coordinates import Angle
from django.urls import reverse

from lightcurves.exporting.formats import FORMATS
from lightcurves.exporting.tables import how
from lightcurves.exporting.time_systems import TimeSystem, time_system
from lightcurves.models import DataSet, DataSetHierarchy, Target
from lightcurves.web.names import names_of
from lightcurves.web.periods import periods_of

MOST_CURVES = 500
# So much is drawn at first; more comes when it is asked for.
MOST_POINTS = 400_000
_BANDS = ("filter_name", "band")  # what kinds of observations call it
_JULIAN_MJD = 2400000.5


@dataclass(frozen=True)
class CurveLine:
    """A light curve of the list below the plot."""

    dataset: DataSet
    how: str
    band: str
    sources: tuple[int, ...]
    is_shown: bool

    @property
    def series(self) -> str:
        """Give what is drawn in one colour: a band, or a way to measure."""
        return f"{self.band} · {self.how}" if self.band else self.how


def context_of(target: Target) -> dict[str, Any]:
    """Give everything that the template shows, in a fixed number of queries."""
    system = time_system(target.catalog.host_mission)
    lines = lines_of(target)
    return {
        "title": names_of([target])[target.pk],
        "target": target,
        "place": place_in_words(target),
        "facts": _facts(target, lines),
        "lines": lines,
        "is_cut": len(lines) == MOST_CURVES,
        "system": system,
        "formats": list(FORMATS),
        "periods": periods_of(target),
        "config": _config(lines, system),
    }


def place_in_words(target: Target) -> str:
    """Give a position as 04:13:29.95 -69:13:36.4; empty where there is none."""
    if target.ra is None or target.dec is None:
        return ""
    ra = Angle(target.ra, u.deg).to_string(u.hour, sep=":", precision=2, pad=True)
    dec = Angle(target.dec, u.deg).to_string(u.deg, sep=":", precision=1, pad=True, alwayssign=True)
    return f"{ra} {dec}"


def lines_of(target: Target) -> list[CurveLine]:
    """List the light curves of a target, newest first; those at the end of their line are shown."""
    rows = list(
        DataSet.objects.filter(target=target)
        .select_related("observation", "photometric_method", "processing_method")
        .defer("values", "errors", "observation__cadence_reference")
        .order_by("-id")[:MOST_CURVES]
    )
    sources, parents = _lineage(rows)
    shown = _shown(rows, parents)
    return [
        CurveLine(row, how(row), _band(row), tuple(sources[row.pk]), row.pk in shown)
        for row in rows
    ]


def _lineage(rows: Sequence[DataSet]) -> tuple[dict[int, list[int]], set[int]]:
    """Give the sources of each dataset, and the datasets that others were derived from."""
    links = DataSetHierarchy.objects.filter(child_dataset__in=rows).order_by("source_dataset")
    sources: dict[int, list[int]] = defaultdict(list)
    for child, source in links.values_list("child_dataset", "source_dataset"):
        sources[child].append(source)
    return sources, {source for some in sources.values() for source in some}


def _shown(rows: Sequence[DataSet], parents: set[int]) -> set[int]:
    """Choose what is drawn at first: what was processed last, in one way of several to measure.

    That is the way of the oldest of them, as files have their main column first; not too much.
    """
    ends = [row for row in rows if row.pk not in parents]
    processed = [row for row in ends if row.processing_method_id is not None] or ends
    oldest = min(processed, key=lambda row: row.pk, default=None)
    found, points = set[int](), 0
    for row in processed:
        if oldest is None or row.photometric_method_id != oldest.photometric_method_id:
            continue
        points += row.n
        if found and points > MOST_POINTS:
            break
        found.add(row.pk)
    return found


def _band(row: DataSet) -> str:
    extra = row.observation.extra
    return next((str(extra[name]) for name in _BANDS if extra.get(name)), "")


def _facts(target: Target, lines: Sequence[CurveLine]) -> list[tuple[str, str]]:
    firsts = [one.dataset.t_first for one in lines if one.dataset.t_first is not None]
    lasts = [one.dataset.t_last for one in lines if one.dataset.t_last is not None]
    facts = [
        ("target", str(target)),
        ("mission", target.catalog.host_mission.name),
        ("light curves", str(len(lines))),
        ("points", f"{sum(one.dataset.n for one in lines):,}"),
    ]
    if firsts:
        name = target.catalog.host_mission.time_format_name.upper()
        facts.append((name, f"{min(firsts):.2f} to {max(lasts):.2f}"))
    return facts


def _config(lines: Sequence[CurveLine], system: TimeSystem) -> dict[str, Any]:
    return {
        "time": {
            "name": system.name.upper(),
            "words": system.words,
            "days": 1.0 if system.unit == "d" else float(u.Unit(system.unit).to(u.day)),
            "toMjd": float(system.origin_jd) - _JULIAN_MJD,
        },
        "curves": [_curve(one) for one in lines],
    }


def _curve(line: CurveLine) -> dict[str, Any]:
    row = line.dataset
    return {
        "id": row.pk,
        "series": line.series,
        "band": line.band,
        "observation": str(row.observation),
        "unit": row.unit,
        "median": row.median,
        "first": row.t_first,
        "points": reverse("lightcurves:points", args=[row.pk]),
        "shown": line.is_shown,
    }
