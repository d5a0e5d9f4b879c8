"""Whether the site is alive, and whether it can do its work."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from django.core.cache import cache
from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from astrid.celery import app
from astrid.core import store

# What the parts raise when they are not there; a fault of the program still shows as one.
_AWAY = (DatabaseError, RedisError, OperationalError, OSError, BotoCoreError, ClientError)
_TIMEOUT_S = 2


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer that the process runs; asks nobody else."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Say of every part that the site needs whether it answers; 503 when one does not."""
    parts = {name: _state_of(check) for name, check in CHECKS.items()}
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"ready": is_ready, "parts": parts}, status=200 if is_ready else 503)


def _state_of(check: Callable[[], None]) -> str:
    try:
        check()
    except _AWAY as error:
        return type(error).__name__  # no address, no secret: this page is open to all
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    with app.connection_for_read(connect_timeout=_TIMEOUT_S) as broker:
        broker.ensure_connection(max_retries=1, timeout=_TIMEOUT_S)


def _cache() -> None:
    cache.get("ready")


def _storage() -> None:
    storages[store.ALIAS].exists("ready")


CHECKS = {"database": _database, "broker": _broker, "cache": _cache, "storage": _storage}
