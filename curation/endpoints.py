"""The addresses that the console's pages talk to: JSON in, JSON out."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from astrid.core.errors import AstridError
from curation import batch, cases, gold, items, leases, policy, skill, wire
from curation.errors import NotAllowed, NotFound, ReviewError
from curation.models import Curator, Order, ReviewQueue
from curation.page_config import preferences_of
from curation.parameters import ReviewPolicy
from curation.queue import open_to
from curation.services import check_may_judge

Answer = dict[str, Any]
_STATUS = {NotAllowed.code: 403, NotFound.code: 404}


def talking(view: Callable[..., Answer]) -> Callable[..., HttpResponseBase]:
    """Answer a signed-in person in JSON, refusals in one sentence with their code."""

    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> JsonResponse:
        if not request.user.is_authenticated:
            return _refusal(
                "sign in again; what you judged is kept on this page", "signed_out", 401
            )
        try:
            return JsonResponse(view(request, request.user, **parts))
        except ReviewError as error:
            return _refusal(str(error), error.code, _STATUS.get(error.code, 400))
        except AstridError as error:
            return _refusal(str(error), ReviewError.code, 400)

    return answer


def _refusal(words: str, code: str, status: int) -> JsonResponse:
    return JsonResponse({"error": words, "code": code}, status=status)


def body_of(request: HttpRequest) -> str | bytes:
    """Give the JSON text of a request; a form, as beacons send it, has it as ``body``."""
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request.POST.get("body", "")
    return request.body


def queue_of(slug: str, person: User) -> ReviewQueue:
    """Give an active queue that a person may work on.

    Raises
    ------
    NotFound
        If there is none of this name for them.
    """
    queue = open_to(person).filter(slug=slug).first()
    if queue is None:
        raise NotFound(f"there is no queue {slug!r} for you; choose one of the list")
    return queue


@require_POST
@talking
def lease(request: HttpRequest, person: User, slug: str) -> Answer:
    """Give the next items of a queue, and hold them for this person."""
    check_may_judge(person)
    wanted = wire.read(wire.LeaseMessage, body_of(request))
    queue, in_force = queue_of(slug, person), policy.in_force(ReviewPolicy)
    if wanted.alike:
        queue.order = Order.SIMILARITY  # for this answer; it is not saved
    taken = leases.take(queue, person, in_force, number=wanted.n, have=wanted.have)
    tests = gold.serve(queue, person, taken.tasks, wanted.have)
    return {
        "lease_end": taken.ends_at.isoformat(),
        "waiting": leases.waiting_for(queue, person),
        "items": items.items_of(taken.tasks, queue, tests),
    }


@require_POST
@talking
def verdicts(request: HttpRequest, person: User) -> Answer:
    """Record a batch of verdicts; each by itself."""
    message = wire.read(wire.BatchMessage, body_of(request))
    answers = batch.record_all(message.events, person, policy.in_force(ReviewPolicy))
    results = [answer.as_json() for answer in answers]
    return {"results": results, "hint": skill.fatigue_of(person)}


@require_POST
@talking
def open_cases(request: HttpRequest, person: User) -> Answer:
    """Give the next cases to somebody who settles disputes; nobody holds them."""
    cases.check_may_decide(person)
    wanted = wire.read(wire.LeaseMessage, body_of(request))
    found, waiting = cases.take(person, wanted.n, wanted.have)
    return {"items": found, "waiting": waiting}


@require_POST
@talking
def heartbeat(request: HttpRequest, person: User) -> Answer:
    """Hold tasks for longer; say which are lost."""
    check_may_judge(person)
    tasks = wire.read(wire.TasksMessage, body_of(request)).tasks
    kept = leases.renew(person, tasks, policy.in_force(ReviewPolicy))
    held = {*kept.tasks, *gold.shown_to(person, tasks)}
    lost = [str(task) for task in tasks if task not in held]
    return {"lease_end": kept.ends_at.isoformat(), "lost": lost}


@require_POST
@talking
def release(request: HttpRequest, person: User) -> Answer:
    """Let go of tasks."""
    tasks = wire.read(wire.TasksMessage, body_of(request)).tasks
    return {"released": leases.release(person, tasks, policy.in_force(ReviewPolicy))}


@require_http_methods(["GET", "HEAD", "PUT"])
@talking
def preferences(request: HttpRequest, person: User) -> Answer:
    """Give, or replace, what a person set on the console: keys, stretch, colours, layout."""
    if request.method == "PUT":
        wanted = wire.read(wire.PreferencesMessage, body_of(request)).root
        Curator.objects.update_or_create(user=person, defaults={"preferences": wanted})
        return dict(wanted)
    return preferences_of(person)
