"""What the page and the report say about some days: figures, shares with intervals, series."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from catalog.analytics import sums
from catalog.analytics.latency import quantile
from curation.services import DECIDE
from curation.skill import Share
from detection.models import Model
from observations.models import Survey

MOST_DAYS = 366


@dataclass(frozen=True)
class Wanted:
    """Which days, survey and band; empty means all."""

    first: date
    last: date
    survey: UUID | None = None
    band: str = ""

    @property
    def days(self) -> list[date]:
        """Every day, the first and the last included."""
        number = (self.last - self.first).days + 1
        return [self.first + timedelta(days=each) for each in range(number)]

    @property
    def condition(self) -> tuple[str, dict[str, Any]]:
        """The condition on all days up to the last, with its values: a backlog has a past."""
        parts, given = ["day <= %(last)s"], {"last": self.last, "survey": self.survey}
        if self.survey:
            parts.append("survey_id = %(survey)s")
        if self.band:
            parts.append("filter_band = %(band)s")
        return " AND ".join(parts), {**given, "band": self.band}


@dataclass
class Counts:
    """Counts of one group: by metric, and by bin where a metric has bins."""

    numbers: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    bins: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, metric: str, bin_number: int, value: float, count: int) -> None:
        """Add one stored sum."""
        self.numbers[metric] += count
        self.seconds[metric] += value  # type: ignore[assignment]
        if bin_number >= 0:
            self.bins[metric][bin_number] += count

    def share(self, hits: str, *others: str) -> Share:
        """Give hits of hits and others, or of the one total that is given."""
        number = self.numbers[hits] + sum(self.numbers[one] for one in others)
        return Share(self.numbers[hits], number)

    @property
    def purity(self) -> Share:
        """Of the detections that verdicts settled, the share that is real."""
        return self.share("confirmed", "rejected")

    @property
    def completeness(self) -> Share:
        """Of the sources that were injected, the share that was found."""
        return Share(self.numbers["recovered"], self.numbers["injected"])

    def times(self, metric: str) -> "Times":
        """Give what is known of a time."""
        found = self.bins[metric]
        return Times(sum(found.values()), *(quantile(found, share) for share in (0.5, 0.9, 0.99)))


@dataclass(frozen=True)
class Times:
    """Median, 90 % and 99 % of a time, in seconds; None where there is none."""

    number: int
    median: float | None
    most: float | None
    nearly_all: float | None


@dataclass(frozen=True)
class Group:
    """A survey and band, a network or a person, with what was done for it or by it."""

    name: str
    counts: Counts


@dataclass(frozen=True)
class Summary:
    """Some days."""

    wanted: Wanted
    total: Counts
    by_day: dict[date, Counts]
    backlog: list[int]
    fields: list[Group]
    models: list[Group]
    curators: list[Group]

    def series(self, metric: str) -> list[int]:
        """Give the counts of a metric, day by day."""
        return [self.by_day[day].numbers[metric] for day in self.wanted.days]


def summary_of(wanted: Wanted, person: User | None) -> Summary:
    """Sum what is stored; of people, who settles disputes sees all, others themselves.

    ``person`` None: everything, for a command. One query, and one for each kind of name.
    """
    stored = sums.rows(*wanted.condition)
    inside = [row for row in stored if row[0] >= wanted.first]
    by_day = _grouped(inside, lambda row: row[0])
    return Summary(
        wanted,
        _grouped(inside, lambda row: "")[""],
        by_day,
        _backlog(stored, wanted),
        _fields(inside),
        _models(inside),
        _curators(inside, person),
    )


Row = tuple[Any, ...]


def _grouped(rows: Iterable[Row], key: Any) -> defaultdict[Any, Counts]:
    found: defaultdict[Any, Counts] = defaultdict(Counts)
    for row in rows:
        found[key(row)].add(*row[5:])
    return found


def _backlog(rows: Iterable[Row], wanted: Wanted) -> list[int]:
    """Give what waited at the end of each day: all that was ever opened and not closed by then."""
    change: Counter[date] = Counter()
    for day, *_, metric, _bin, _value, count in rows:
        if metric in ("opened", "closed"):
            change[max(day, wanted.first)] += count if metric == "opened" else -count
    waiting, levels = 0, []
    for day in wanted.days:
        waiting += change[day]
        levels.append(waiting)
    return levels


def _fields(rows: Sequence[Row]) -> list[Group]:
    found = _grouped((row for row in rows if row[1]), lambda row: (row[1], row[2]))
    names = dict(Survey.objects.filter(pk__in={key for key, _ in found}).values_list("pk", "name"))
    groups = [
        Group(f"{names.get(key, 'a survey that is gone')} · {band or 'no band'}", counts)
        for (key, band), counts in found.items()
    ]
    return sorted(groups, key=lambda group: group.name)


def _models(rows: Sequence[Row]) -> list[Group]:
    found = _grouped((row for row in rows if row[3]), lambda row: row[3])
    names = {one.pk: str(one) for one in Model.objects.filter(pk__in=found)}
    groups = [Group(names.get(key, "gone"), counts) for key, counts in found.items()]
    return sorted(groups, key=lambda group: group.name)


def shown_to(rows: QuerySet[Any], person: Any) -> QuerySet[Any]:
    """Leave out what single people judged, but one's own: that is for who settles disputes."""
    if person.has_perm(DECIDE):
        return rows
    return rows.filter(Q(curator=None) | Q(curator=person.pk))


def _curators(rows: Sequence[Row], person: User | None) -> list[Group]:
    sees_all = person is None or person.has_perm(DECIDE)
    chosen = [row for row in rows if row[4] and (sees_all or row[4] == getattr(person, "pk", None))]
    found = _grouped(chosen, lambda row: row[4])
    names = dict(User.objects.filter(pk__in=found).values_list("pk", "username"))
    groups = [Group(names.get(key, "gone"), counts) for key, counts in found.items()]
    return sorted(groups, key=lambda group: -group.counts.numbers["verdicts"])
