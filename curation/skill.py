"""How well a curator judges what is known, gold items and fakes; and how long without a pause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from curation.agreement import wilson
from curation.gold import SILENT
from curation.models import Curator, GoldAnswer, GoldVerdict, Truth, ValidationEvent

PAUSE = timedelta(minutes=5)  # without a verdict ends a session
LONG_SESSION = timedelta(minutes=25)
LOOKED_BACK = timedelta(hours=3)
TIMED = 500  # latest verdicts whose median time is given


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % interval of Wilson."""

    hits: int
    number: int

    @property
    def value(self) -> float | None:
        """The share itself; None where nothing was asked."""
        return self.hits / self.number if self.number else None

    def in_words(self) -> str:
        """Write the share with its interval in percent; empty where nothing was asked."""
        if self.value is None:
            return ""
        low, high = wilson(self.hits, self.number)
        return f"{100 * self.value:.0f}% ({100 * low:.0f} to {100 * high:.0f}, n = {self.number})"

    def as_json(self) -> dict[str, Any]:
        """Give the share and its interval."""
        low, high = wilson(self.hits, self.number)
        return {
            "value": self.value, "low": low, "high": high, "hits": self.hits, "number": self.number
        }  # fmt: skip


@dataclass(frozen=True)
class Skill:
    """What gold items say of one person."""

    completeness: Share  # of the real ones, called real
    false_positives: Share  # of the bogus ones, called real
    median_seconds: float | None


def last_answers(person: User) -> list[GoldAnswer]:
    """Give what a person said last of each gold item, withdrawn answers left out, oldest first."""
    rows = GoldAnswer.objects.filter(trial__person=person).select_related("trial__gold")
    last = {answer.trial_id: answer for answer in rows.order_by("id")}
    return [each for each in last.values() if each.verdict not in SILENT]


def shares(answers: Iterable[GoldAnswer]) -> tuple[Share, Share]:
    """Give completeness and false positives; unsure finds nothing, and is no false alarm."""
    said = [(each.trial.gold.truth, each.verdict == GoldVerdict.REAL) for each in answers]
    real = [called for truth, called in said if truth == Truth.REAL]
    bogus = [called for truth, called in said if truth == Truth.BOGUS]
    return Share(sum(real), len(real)), Share(sum(bogus), len(bogus))


def skill_of(person: User) -> Skill:
    """Measure one person, from what they said of gold items."""
    completeness, false_positives = shares(last_answers(person))
    return Skill(completeness, false_positives, _median_seconds(person))


def _median_seconds(person: User) -> float | None:
    timed = ValidationEvent.objects.filter(validator=person, withdrawn=False, ms_spent__gt=0)
    spent = [ms for ms in timed.order_by("-id").values_list("ms_spent", flat=True)[:TIMED] if ms]
    return median(spent) / 1000 if spent else None


def skills_of(people: Sequence[User]) -> dict[int, Skill]:
    """Measure several people at once, by key; as :func:`skill_of` does each."""
    last = GoldAnswer.objects.filter(trial__person__in=people).order_by("trial_id", "-id")
    said = GoldAnswer.objects.filter(pk__in=last.distinct("trial_id").values("pk"))
    is_real = Q(verdict=GoldVerdict.REAL)
    counted = (
        said.exclude(verdict__in=SILENT)
        .order_by()
        .values_list("trial__person", "trial__gold__truth")
        .annotate(hits=Count("pk", filter=is_real), number=Count("pk"))
    )
    found = {(person, truth): Share(hits, number) for person, truth, hits, number in counted}
    seconds = _medians_of(people)
    nothing = Share(0, 0)
    return {
        each.pk: Skill(
            found.get((each.pk, Truth.REAL), nothing),
            found.get((each.pk, Truth.BOGUS), nothing),
            seconds.get(each.pk),
        )
        for each in people
    }


_MEDIANS = """
SELECT person.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY last.ms_spent) / 1000
FROM unnest(%(people)s::int[]) AS person(id) CROSS JOIN LATERAL (
    SELECT ms_spent FROM curation_validationevent
    WHERE validator_id = person.id AND NOT withdrawn AND ms_spent > 0
    ORDER BY id DESC LIMIT %(timed)s
) AS last GROUP BY person.id
"""


def _medians_of(people: Sequence[User]) -> dict[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(_MEDIANS, {"people": [each.pk for each in people], "timed": TIMED})
        return dict(cursor.fetchall())


def judges() -> QuerySet[User]:
    """Give everybody who ever judged."""
    said = ValidationEvent.objects.filter(validator=OuterRef("pk"))
    tested = GoldAnswer.objects.filter(trial__person=OuterRef("pk"))
    return User.objects.filter(Exists(said) | Exists(tested)).order_by("username")


def measure(people: Iterable[User]) -> None:
    """Write the measured skill of people to their profiles."""
    for person in people:
        found = skill_of(person)
        Curator.objects.update_or_create(
            user=person,
            defaults={
                "completeness": found.completeness.value,
                "false_positive_rate": found.false_positives.value,
                "median_seconds": found.median_seconds,
            },
        )


def fatigue_of(person: User) -> str:
    """Say in one sentence why a pause would be good; empty where nothing speaks for one."""
    begin = session_start(person)
    if begin is None:
        return ""
    lasting = timezone.now() - begin
    if lasting > LONG_SESSION:
        minutes = int(lasting.total_seconds() // 60)
        return f"You have judged for {minutes} minutes without a pause; look away for a while."
    return _rise(last_answers(person), begin)


def session_start(person: User) -> datetime | None:
    """Give when a person began to judge without a pause; None where they are not at it."""
    now = timezone.now()
    rows = ValidationEvent.objects.filter(validator=person, created_at__gt=now - LOOKED_BACK)
    begin = now
    for moment in rows.order_by("-id").values_list("created_at", flat=True):
        if begin - moment > PAUSE:
            break
        begin = moment
    return begin if begin < now else None


def _rise(answers: Iterable[GoldAnswer], begin: datetime) -> str:
    """Compare the false alarms of this session with those before it."""
    known = list(answers)
    _, now = shares(each for each in known if each.created_at >= begin)
    _, before = shares(each for each in known if each.created_at < begin)
    if before.value is None or wilson(now.hits, now.number)[0] <= before.value:
        return ""
    return (
        f"{now.hits} of {now.number} test items that were bogus looked real to you in this "
        f"session, {before.hits} of {before.number} before; a pause may help."
    )
