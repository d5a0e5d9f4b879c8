"""Leases: what a person works on is in nobody else's hands until they judge it or go away."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from curation import policy as policies
from curation.models import Curator, Lease, Order, ReviewQueue, ReviewTask, ReviewTaskQuerySet
from curation.parameters import ReviewOrder, ReviewPolicy
from curation.similar import alike
from curation.urgency import is_audit_turn

MOST_TRIES = 3  # to find tasks that nobody takes at the same moment
COUNTED = 1000  # more waiting tasks than this are not counted
# Somebody else may take a place between the choice of a task and the lease of it: the choice
# looks at the moment its statement began. So the rows are locked first, and this second
# statement, which sees all that was committed before those locks, gives the places left.
_PLACES = "greatest(1, greatest(task.votes_required, %(required)s) - task.votes)"
GRANT = f"""
INSERT INTO curation_lease (id, created_at, updated_at, task_id, holder_id, ends_at)
SELECT gen_random_uuid(), %(now)s, %(now)s, task.id, %(holder)s, %(ends_at)s
FROM curation_reviewtask AS task
WHERE task.id = ANY(%(tasks)s) AND task.done_at IS NULL AND NOT task.seen_by @> ARRAY[%(holder)s]
  AND (
      SELECT count(*) FROM curation_lease AS other
      WHERE other.task_id = task.id AND other.ends_at > %(now)s AND other.holder_id <> %(holder)s
  ) < {_PLACES}
ON CONFLICT (task_id, holder_id)
    DO UPDATE SET ends_at = EXCLUDED.ends_at, updated_at = EXCLUDED.updated_at
RETURNING task_id
"""  # noqa: S608 -- no word of it comes from outside
# Without this column the next task would cost one look at the leases for each task before it.
MARK_BUSY = f"""
UPDATE curation_reviewtask AS task SET busy_until = (
    SELECT min(lease.ends_at) FROM curation_lease AS lease
    WHERE lease.task_id = task.id AND lease.ends_at > %(now)s HAVING count(*) >= {_PLACES}
) WHERE task.id = ANY(%(tasks)s)
"""  # noqa: S608


@dataclass(frozen=True)
class Leased:
    """Tasks in a person's hands, in the order of the queue, and until when."""

    tasks: list[UUID]
    ends_at: datetime


@transaction.atomic
def take(
    queue: ReviewQueue,
    person: User,
    policy: ReviewPolicy,
    *,
    number: int = 1,
    have: Collection[UUID] = (),
) -> Leased:
    """Lease the next tasks of a queue to a person.

    What they hold already and is not on their screen, ``have``, comes first, so that a reload
    shows the same again.
    """
    now = timezone.now()
    ends_at = now + timedelta(seconds=policy.lease_seconds)
    held = list(_held(queue, person, now).exclude(pk__in=have).values_list("pk", flat=True))
    chosen, tried, tasks = held[:number], list(held), list[UUID]()
    for _ in range(MOST_TRIES):
        missing = number - len(tasks) - len(chosen)
        chosen += _chosen(queue, person, now, missing, tried) if missing else []
        granted = _grant(chosen, person, policy, ends_at)
        tasks += granted
        if len(granted) == len(chosen):
            break  # nobody was faster: what is missing is not there
        tried, chosen = tried + chosen, []
    return Leased(tasks, ends_at)


def waiting_for(queue: ReviewQueue, person: User) -> int:
    """Count what waits for a person in a queue, their own leases included, up to a limit."""
    now = timezone.now()
    held = _held(queue, person, now).order_by().values("pk")[:COUNTED]
    free = available(queue, person, now).order_by().values("pk")[:COUNTED]
    return min(COUNTED, held.union(free, all=True).count())


def _held(queue: ReviewQueue, person: User, now: datetime) -> ReviewTaskQuerySet:
    mine = Lease.objects.filter(holder=person, ends_at__gt=now).values("task")
    rows = ReviewTask.objects.waiting().new_to(person.pk).filter(queue.condition, pk__in=mine)
    return rows.in_order(queue.order)


def available(queue: ReviewQueue, person: User, now: datetime) -> ReviewTaskQuerySet:
    """Give the tasks of a queue with a place left for a person who does not hold them yet."""
    mine = Lease.objects.filter(task=OuterRef("pk"), holder=person, ends_at__gt=now)
    is_free = Q(busy_until=None) | Q(busy_until__lte=now)
    rows = ReviewTask.objects.waiting().new_to(person.pk)
    return rows.filter(is_free, queue.condition).filter(~Exists(mine))


def _chosen(
    queue: ReviewQueue, person: User, now: datetime, number: int, tried: Collection[UUID]
) -> list[UUID]:
    """Lock the next tasks: of a queue without filter, a share of them by chance alone.

    A filter would choose, and the figures that rest on the sample would be those of its choice.
    """
    free = available(queue, person, now).exclude(pk__in=tried)
    if queue.filter:
        return _first(free, queue.order, number)
    drawn = _by_chance(free, _places_of_chance(person, number), now)
    # What chance drew waits for its turn, unless an operator wants it at once.
    others = free.filter(Q(sampling_weight=None) | Q(priority__gt=0)).exclude(pk__in=drawn)
    chosen = [*_first(others, queue.order, number - len(drawn)), *drawn]
    left = free.exclude(pk__in=chosen)
    return [*chosen, *_by_chance(left, number - len(chosen), now)]


def _first(free: ReviewTaskQuerySet, order: str, number: int) -> list[UUID]:
    """Lock the first tasks of an order; of likeness, those that are like the first one."""
    if order != Order.SIMILARITY or number < 1:
        return _locked(free.in_order(order), number)
    wanted = alike(free, number)
    locked = set(_locked(free.filter(pk__in=wanted), number))
    return [task for task in wanted if task in locked]


def _by_chance(free: ReviewTaskQuerySet, number: int, now: datetime) -> list[UUID]:
    """Lock the next tasks of the random sample and note that their turn has come."""
    drawn = _locked(free.by_chance(), number) if number else []
    ReviewTask.objects.filter(pk__in=drawn, offered_at=None).update(offered_at=now)
    return drawn


def _places_of_chance(person: User, number: int) -> int:
    """Say how many of a person's next tasks belong to the random sample."""
    share = policies.in_force(ReviewOrder).random_share
    if not share:
        return 0
    given = Curator.objects.filter(user=person).values_list("verdicts", flat=True).first() or 0
    return sum(is_audit_turn(given + place, share) for place in range(number))


def _locked(free: ReviewTaskQuerySet, number: int) -> list[UUID]:
    rows = free.select_for_update(skip_locked=True, of=("self",))
    return list(rows.values_list("pk", flat=True)[:number])


def _grant(
    tasks: Collection[UUID], person: User, policy: ReviewPolicy, ends_at: datetime
) -> list[UUID]:
    """Write leases on locked tasks as far as places are left; give those tasks, in order."""
    if not tasks:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            GRANT,
            {
                "tasks": list(tasks),
                "holder": person.pk,
                "ends_at": ends_at,
                "now": timezone.now(),
                "required": policy.votes_required,
            },
        )
        granted = {task for (task,) in cursor.fetchall()}
    mark_busy(granted, policy)
    return [task for task in tasks if task in granted]


def mark_busy(tasks: Collection[UUID], policy: ReviewPolicy) -> None:
    """Note on tasks whether a place is left, and until when none is."""
    known: dict[str, Any] = {
        "tasks": list(tasks),
        "now": timezone.now(),
        "required": policy.votes_required,
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK_BUSY, known)


@transaction.atomic
def renew(person: User, tasks: Collection[UUID], policy: ReviewPolicy) -> Leased:
    """Move the end of leases on; of those that ran out, take again what nobody else has taken.

    Tasks that are not in the answer are lost to this person.
    """
    now = timezone.now()
    ends_at = now + timedelta(seconds=policy.lease_seconds)
    wanted = ReviewTask.objects.waiting().new_to(person.pk).filter(pk__in=tasks)
    # In one order for all, so that two who want the same wait for one another, not in a circle.
    locked = wanted.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True)
    kept = set(_grant(list(locked), person, policy, ends_at))
    return Leased([task for task in tasks if task in kept], ends_at)


@transaction.atomic
def release(person: User, tasks: Collection[UUID], policy: ReviewPolicy) -> int:
    """Let go of tasks; say how many were held."""
    live = {"leases__holder": person, "leases__ends_at__gt": timezone.now()}
    rows = ReviewTask.objects.filter(pk__in=tasks, **live)
    locked = rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True)
    held = list(locked)
    number, _ = Lease.objects.filter(holder=person, task__in=held).delete()
    mark_busy(held, policy)
    return number
