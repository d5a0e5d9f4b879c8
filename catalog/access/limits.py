"""How often somebody may ask: counted in the cache, by minute, role and group of addresses.

The minute is that of the clock: what is left of it is told with every answer. Where the cache is
away, nobody is counted, and the log says so: these limits keep a busy site quick, while rights,
scopes and the lock-out after wrong passwords do not depend on them.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from astrid.core.rest.refusals import TooOften
from catalog import config
from catalog.access.models import ApiKey, KeyKind
from catalog.access.parameters import RateParameters
from catalog.audit import SAFE_METHODS, address_of
from curation.roles import role_of

logger = logging.getLogger(__name__)

PREFIX = "rates"
MINUTE_S = 60
_SETTING_KEPT_S = 10.0
_SIGN_IN = "sign_in"
_REFUSED = "refused"
remembered: dict[str, tuple[float, RateParameters]] = {}  # until when, by the monotonic clock


@dataclass(frozen=True)
class Rate:
    """How much of a limit is left, and for how many seconds it is the same minute."""

    limit: int
    used: int
    reset_s: int

    @property
    def is_over(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit


class RoleThrottle(BaseThrottle):
    """Refuses with 429 whoever asked too often within this minute."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request.

        Raises
        ------
        TooOften
            If it is one too many.
        """
        group = group_of(request, view)
        role, who = _caller(request, group)
        rate = _counted(f"{group}:{role}:{who}", lambda r: r.limit(role, group))
        if rate is not None:
            request._request.astrid_rate = rate  # type: ignore[attr-defined]
            if rate.is_over:
                words = f"more than {rate.limit} such requests within a minute"
                raise TooOften(rate.reset_s, f"{words}; wait {rate.reset_s} seconds")
        return True


def group_of(request: Request, view: Any) -> str:
    """Name the group of addresses that a request belongs to."""
    group = getattr(view, "rate_group", None) or getattr(view, "scope_domain", None)
    if group in (_SIGN_IN, "vo", "infer"):
        return str(group)
    return "read" if request.method in SAFE_METHODS else "write"


def _caller(request: Request, group: str) -> tuple[str, str]:
    """Give role and name under which a request is counted."""
    if group == _SIGN_IN or not request.user.is_authenticated:
        return "anonymous", address_of(request._request)
    key = request.auth
    if isinstance(key, ApiKey) and key.kind == KeyKind.SERVICE:
        return "service", str(key.pk)
    return role_of(request.user) or "anonymous", str(request.user.pk)


def _counted(name: str, limit_of: Callable[[RateParameters], int]) -> Rate | None:
    """Count one more request of this minute; None where the cache is away."""
    minute, second = divmod(_now_s(), MINUTE_S)
    key = f"{PREFIX}:{name}:{minute}"
    try:
        used = _one_more(key)
    except RedisError as error:
        logger.warning("requests of %s are not counted: the cache is away: %s", name, error)
        return None
    return Rate(limit_of(_setting()), used, MINUTE_S - second)


def _now_s() -> int:
    return int(time.time())


def _setting() -> RateParameters:
    """Give the setting; a change holds after some seconds, since each request asks for it."""
    until, found = remembered.get("rates", (0.0, None))
    if found is None or time.monotonic() > until:
        found = config.get("rates")
        remembered["rates"] = (time.monotonic() + _SETTING_KEPT_S, found)
    return found


def _one_more(key: str) -> int:
    cache.add(key, 0, 2 * MINUTE_S)
    return int(cache.incr(key))


@contextmanager
def counting_refusals(request: Any) -> Iterator[None]:
    """Answer 429 where keys and tokens that open nothing come too often from one address.

    Valid ones are never held up by it: many people may share an address, and what is guessed
    here has 256 bits.
    """
    try:
        yield
    except AuthenticationFailed as refusal:
        address = address_of(getattr(request, "_request", request))
        rate = _counted(f"{_REFUSED}:{address}", lambda rates: rates.refused)
        if rate is not None and rate.is_over:
            words = f"{rate.limit} keys of this address opened nothing within a minute"
            raise TooOften(rate.reset_s, f"{words}; wait {rate.reset_s} seconds") from refusal
        raise


def headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Tell with every answer of the API what is left of the limit."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        rate: Rate | None = getattr(request, "astrid_rate", None)
        if rate is not None:
            response["RateLimit-Limit"] = str(rate.limit)
            response["RateLimit-Remaining"] = str(max(rate.limit - rate.used, 0))
            response["RateLimit-Reset"] = str(rate.reset_s)
        return response

    return answer
