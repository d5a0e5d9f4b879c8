"""Redis says "look now" to those who wait for events; what happened, it does not say."""

import logging
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

CHANNEL = "astrid:events"
_TIMEOUT_S = 1.0
# While the broker is away, work must not wait for it again and again.
_PAUSE_S = 30.0
_silent_until = {"time": 0.0}


def address_of(broker: str) -> str:
    """Give the address of a broker as the client of Redis reads it, from that of Celery."""
    if not broker.startswith("redis+socket://"):
        return broker
    parts = urlsplit(broker)
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    return f"unix://{unquote(parts.path)}?db={database}"


@cache
def _client(address: str) -> Redis:
    return Redis.from_url(address, socket_connect_timeout=_TIMEOUT_S, socket_timeout=_TIMEOUT_S)


def wake() -> None:
    """Wake whoever listens once the transaction is committed; without a broker they look anyway."""
    transaction.on_commit(_publish)


def _publish() -> None:
    if time.monotonic() < _silent_until["time"]:
        return
    try:
        _client(address_of(settings.CELERY_BROKER_URL)).publish(CHANNEL, "")
    except RedisError as error:
        _silent_until["time"] = time.monotonic() + _PAUSE_S
        logger.warning("listeners are not woken (%s); they look every few seconds", error)


class Bell:
    """Waits for somebody to call :func:`wake`; without a broker it is a clock."""

    def __init__(self) -> None:
        self._heard: Any = None
        self._try_again = 0.0

    def wait(self, seconds: float) -> None:
        """Come back when it rang, or after some seconds."""
        end = time.monotonic() + seconds
        try:
            if not self._is_up():
                time.sleep(seconds)
                return
            while (left := end - time.monotonic()) > 0:
                if self._heard.get_message(ignore_subscribe_messages=True, timeout=left):
                    return
        except RedisError as error:
            logger.warning("the broker does not say when events come (%s)", error)
            self.close()
            self._try_again = time.monotonic() + _PAUSE_S
            time.sleep(max(0.0, end - time.monotonic()))

    def _is_up(self) -> bool:
        if self._heard is None and time.monotonic() >= self._try_again:
            client = Redis.from_url(
                address_of(settings.CELERY_BROKER_URL), socket_connect_timeout=_TIMEOUT_S
            )
            self._heard = client.pubsub()  # type: ignore[no-untyped-call]
            self._heard.subscribe(CHANNEL)
        return self._heard is not None

    def close(self) -> None:
        """Stop listening."""
        if self._heard is not None:
            self._heard.close()
            self._heard = None
