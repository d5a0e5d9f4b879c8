"""Events as lines of text: the format of server-sent events (HTML standard, section 9.2)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from catalog.live import events
from catalog.live.events import Place, place_of
from catalog.live.hub import HUB, PART
from catalog.live.models import Event
from catalog.live.seats import Seat

BEAT_S = 10.0  # a listener who has gone is noticed at the second beat
# Then the listener comes back by itself and is asked again who it is: nobody listens on with a
# right or a key that was taken back.
LONGEST_S = 300.0
COME_BACK_MS = 3000


class Stream:
    """What one listener is sent.

    Parameters
    ----------
    kinds : collection of str
        What it wants and may hear of.
    place : Place or None
        The last event that it has; None: it wants new ones only.
    seat : Seat
        Left when the stream ends or is closed.
    person_id : int
        Who listens: some events are for one person alone.
    """

    def __init__(
        self, kinds: Collection[str], place: Place | None, seat: Seat, person_id: int
    ) -> None:
        self._kinds = frozenset(kinds)
        self._place = place
        self._seat = seat
        self._person_id = person_id
        self._end = time.monotonic() + LONGEST_S
        self._parts = self._all()

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """Leave the seat, however the stream ended."""
        self._seat.leave()

    def __del__(self) -> None:
        """Leave it, too, where the server forgot the answer without closing it."""
        self.close()

    def _all(self) -> Iterator[bytes]:
        try:
            yield f"retry: {COME_BACK_MS}\n\n".encode()
            place = HUB.place if self._place is None else self._place
            if not self._is_known(place):
                place = HUB.place
                yield block("reset", place, {"reason": "events between are no longer kept"})
            yield beat(place)
            yield from self._from(place)
        finally:
            self.close()

    def _is_known(self, place: Place) -> bool:
        try:
            return self._place is None or events.is_known(place)
        finally:
            _let_go()

    def _from(self, place: Place) -> Iterator[bytes]:
        while not self._seat.is_over.is_set() and time.monotonic() < self._end:
            found = HUB.after(place, BEAT_S, self._seat.is_over)
            if found is None:
                found = _read(place)
            place = place_of(found[-1]) if found else place
            yield b"".join(told(one) for one in found if self._wants(one)) or beat(place)

    def _wants(self, event: Event) -> bool:
        return event.kind in self._kinds and events.is_for(event, self._person_id)


def _read(place: Place) -> list[Event]:
    try:
        return events.after(place, PART)
    finally:
        _let_go()


def _let_go() -> None:
    """Give the connection back: a listener waits for minutes."""
    if not connection.in_atomic_block:
        connection.close()


def told(event: Event) -> bytes:
    """Write one event."""
    facts = {"id": str(event.entity_id), "at": event.created_at.isoformat(), **event.facts}
    return block(event.kind, place_of(event), facts)


def block(kind: str, place: Place, facts: dict[str, object]) -> bytes:
    """Write one message; JSON has no line breaks of its own."""
    return f"id: {place}\nevent: {kind}\ndata: {json.dumps(facts)}\n\n".encode()


def beat(place: Place) -> bytes:
    """Write what keeps the line open and says how far the listener has come."""
    return f"id: {place}\n: here\n\n".encode()


_THREADS = ThreadPoolExecutor(thread_name_prefix="listener")


class AsyncStream:
    """The same under an ASGI server, whose loop must not wait."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop, parts = asyncio.get_running_loop(), iter(self._stream)
        while (part := await loop.run_in_executor(_THREADS, next, parts, None)) is not None:
            yield part

    def close(self) -> None:
        """Leave the seat."""
        self._stream.close()
