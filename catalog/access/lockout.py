"""What somebody is told who is locked out after wrong passwords: above all, until when."""

import math
from datetime import datetime
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from astrid.core.rest.refusals import TooOften
from catalog.audit import address_of

_FOR_PROGRAMS = ("/api/", "/vo/")  # they are told by their own views, in their own form


def ends_at(username: str, address: str) -> datetime | None:
    """Give when a name may try again from an address; None where it may now."""
    now, lasts = timezone.now(), get_cool_off()
    failures = 0
    recent = AccessAttempt.objects.filter(
        username=username, ip_address=address, attempt_time__gte=now - lasts
    ).order_by("-attempt_time")
    for attempt in recent:
        failures += attempt.failures_since_start
        if failures >= settings.AXES_FAILURE_LIMIT:
            end: datetime = attempt.attempt_time + lasts
            return end
    return None


def check(request: HttpRequest, username: str) -> None:
    """Tell a program whose password was not taken that it is locked out, if it is.

    Raises
    ------
    TooOften
        With the time until it may try again.
    """
    end = ends_at(username, address_of(request))
    if end is not None:
        raise TooOften(_seconds_until(end), f"too many wrong passwords; wait until {_words(end)}")


def answer(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Show people a page that says when it ends; ``AXES_LOCKOUT_CALLABLE`` names this."""
    if request.path.startswith(_FOR_PROGRAMS):
        return response
    username = str((credentials or {}).get("username", ""))
    end = ends_at(username, address_of(request))
    minutes = end and math.ceil(_seconds_until(end) / 60)
    context = {"username": username, "end": end, "minutes": minutes}
    page = render(request, "locked_out.html", context, status=429)
    if end is not None:
        page["Retry-After"] = str(_seconds_until(end))
    return page


def _seconds_until(end: datetime) -> int:
    return max(1, math.ceil((end - timezone.now()).total_seconds()))


def _words(end: datetime) -> str:
    return f"{end:%H:%M:%S} UTC"
