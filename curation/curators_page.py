"""What the page about curators shows: how each one judges, and how far they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.utils import timezone

from curation import skill
from curation.agreement import wilson
from curation.models import AgreementRun, Curator, ReviewQueue, ValidationEvent
from curation.services import DECIDE
from curation.skill import Share

ACTIVE = timedelta(minutes=10)  # without a verdict somebody is not at it
_PERCENT = 100
# Landis & Koch 1977, Biometrics 33, 159, table 2: names for orientation, no thresholds.
_STRENGTHS = ((0.0, "poor"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"),
              (0.8, "substantial"), (1.01, "almost perfect"))  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """A share with its interval, in percent, as it is drawn and in words."""

    words: str
    at: float | None
    low: float
    high: float

    @classmethod
    def of(cls, share: Share) -> "Interval":
        """Take the share with Wilson's interval."""
        low, high = (_PERCENT * end for end in wilson(share.hits, share.number))
        at = None if share.value is None else _PERCENT * share.value
        return cls(share.in_words() or "no test items yet", at, low, high)

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


@dataclass(frozen=True)
class Line:
    """One curator."""

    name: str
    is_me: bool
    verdicts: int
    completeness: Interval
    false_positives: Interval
    seconds: float | None
    weighed: dict[str, Any] | None
    fatigue: str


@dataclass(frozen=True)
class Agreement:
    """How far people agree: over all, or in one queue."""

    name: str
    events: int
    detections: int
    alpha: float | None
    pairs: list[dict[str, Any]]

    @property
    def strength(self) -> str:
        """What such an alpha is called."""
        return strength_of(self.alpha)


def strength_of(value: float | None) -> str:
    """Name an agreement beyond chance."""
    if value is None:
        return "unknown: nothing was judged twice, or only one word was ever said"
    return next(name for limit, name in _STRENGTHS if value < limit)


def context_of(person: User) -> dict[str, Any]:
    """Give what one person may see: their own figures, or everybody's to who settles disputes."""
    sees_all = person.has_perm(DECIDE)
    people = list(skill.judges() if sees_all else skill.judges().filter(pk=person.pk))
    run = AgreementRun.objects.first()
    return {
        "sees_all": sees_all,
        "lines": lines_of(people, person, run),
        "run": run,
        "agreements": agreements_of(run, None if sees_all else person.get_username()),
    }


def lines_of(people: Sequence[User], me: User, run: AgreementRun | None) -> list[Line]:
    """Measure people; a few queries however many they are."""
    skills = skill.skills_of(people)
    counted = dict(Curator.objects.filter(user__in=people).values_list("user", "verdicts"))
    active = _active(people)
    return [
        Line(
            name=each.get_username(),
            is_me=each.pk == me.pk,
            verdicts=counted.get(each.pk, 0),
            completeness=Interval.of(skills[each.pk].completeness),
            false_positives=Interval.of(skills[each.pk].false_positives),
            seconds=skills[each.pk].median_seconds,
            weighed=run.curators.get(each.get_username()) if run else None,
            fatigue=skill.fatigue_of(each) if each.pk in active else "",
        )
        for each in people
    ]


def _active(people: Sequence[User]) -> set[int]:
    recent = ValidationEvent.objects.filter(
        validator=OuterRef("pk"), created_at__gt=timezone.now() - ACTIVE
    )
    rows = User.objects.filter(Exists(recent), pk__in=[each.pk for each in people])
    return set(rows.values_list("pk", flat=True))


def agreements_of(run: AgreementRun | None, only: str | None) -> list[Agreement]:
    """Give the agreement over all and per queue; the pairs of one person, if one is given."""
    if run is None or not run.events:
        return []
    names = dict(ReviewQueue.objects.values_list("slug", "name"))
    whole = Agreement("All verdicts", run.events, run.detections, run.alpha, _of(run.pairs, only))
    return [
        whole,
        *(
            Agreement(
                names.get(slug, slug) or "Outside of queues",
                found["events"],
                found["detections"],
                found["alpha"],
                _of(found["pairs"], only),
            )
            for slug, found in sorted(run.queues.items())
        ),
    ]


def _of(pairs: Sequence[dict[str, Any]], only: str | None) -> list[dict[str, Any]]:
    return [
        pair | {"strength": strength_of(pair["kappa"])}
        for pair in pairs
        if only is None or only in pair["people"]
    ]
