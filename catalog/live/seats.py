"""How many may listen at once: a listener keeps a thread of the web server busy."""

import threading
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from astrid.core.errors import AstridError
from catalog.live.hub import HUB

PER_ACCOUNT = 4


class Full(AstridError):
    """As many listen as may."""


@dataclass(eq=False)
class Seat:
    """The place of one listener; ``is_over`` tells it to go."""

    account: Any
    is_over: threading.Event = field(default_factory=threading.Event)

    def leave(self) -> None:
        """Make room; a second time changes nothing."""
        self.is_over.set()
        with _LOCK:
            if self not in _TAKEN:
                return
            _TAKEN.remove(self)
        HUB.leave()


_LOCK = threading.Lock()
_TAKEN: list[Seat] = []


def take(account: Any) -> Seat:
    """Give a seat to an account.

    Who has :data:`PER_ACCOUNT` already loses the oldest: pages that were left are noticed late,
    and must not keep the next page waiting.

    Raises
    ------
    Full
        If every seat of this process is taken.
    """
    HUB.join()
    seat = Seat(account)
    with _LOCK:
        own = [one for one in _TAKEN if one.account == account and not one.is_over.is_set()]
        is_full = len(_TAKEN) >= settings.LIVE_STREAMS
        if own and (is_full or len(own) >= PER_ACCOUNT):
            own[0].is_over.set()
        if not is_full:
            _TAKEN.append(seat)
    HUB.nudge()
    if is_full:
        HUB.leave()
        raise Full(
            f"{settings.LIVE_STREAMS} listen to this process, as many as may; try again in a "
            "minute, or ask an operator for more (LIVE_STREAMS)"
        )
    return seat
