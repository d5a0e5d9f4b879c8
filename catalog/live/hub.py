"""One reader of events per process, for however many listeners it has."""

import logging
import threading
import time
from collections import deque

from django.db import DatabaseError, connection

from catalog.live import events
from catalog.live.events import BEGINNING, Place, place_of
from catalog.live.models import Event
from catalog.live.waking import Bell

logger = logging.getLogger(__name__)

POLL_S = 3.0  # between two looks that nobody asked for
REST_S = 0.3  # between two looks at least: a burst is read once
REMEMBERED = 2000
PART = 500


class Hub:
    """Reads events while somebody listens, and hands them to all.

    Listeners wait here without a connection to the database. Those who come back after a while
    read what they missed themselves, until they have caught up with what the hub remembers.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._remembered: deque[Event] = deque()
        self._floor = self._place = BEGINNING
        self._listeners = 0
        self._reader: threading.Thread | None = None

    def join(self) -> None:
        """Count one more listener; the first one starts the reading."""
        with self._changed:
            self._listeners += 1
            if self._reader is None:
                self._begin()

    def _begin(self) -> None:
        try:
            self._floor = self._place = events.newest()
        except DatabaseError:
            self._listeners -= 1
            raise
        self._remembered.clear()
        self._reader = threading.Thread(target=self._read_on, name="live events", daemon=True)
        self._reader.start()

    def leave(self) -> None:
        """Count one listener less; after the last one the reading ends."""
        with self._changed:
            self._listeners -= 1

    @property
    def place(self) -> Place:
        """How far it has read."""
        return self._place

    def nudge(self) -> None:
        """Let all who wait look whether they still should."""
        with self._changed:
            self._changed.notify_all()

    def after(self, place: Place, seconds: float, is_over: threading.Event) -> list[Event] | None:
        """Wait for events after a place, for some seconds at most.

        Returns
        -------
        list of Event or None
            None: some of them are no longer remembered, look into the database.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._place > place or is_over.is_set(), seconds)
            if place < self._floor:
                return None
            return [one for one in self._remembered if place_of(one) > place]

    def _read_on(self) -> None:
        bell = Bell()
        try:
            while self._is_wanted():
                self._look()
                time.sleep(REST_S)
                bell.wait(POLL_S)
        finally:
            bell.close()

    def _is_wanted(self) -> bool:
        with self._changed:
            if self._listeners == 0:
                self._reader = None
            return self._listeners > 0

    def _look(self) -> None:
        try:
            while found := events.after(self._place, PART):
                self._take(found)
        except DatabaseError as error:
            logger.warning("events cannot be read now: %s", error)
        finally:
            connection.close()

    def _take(self, found: list[Event]) -> None:
        with self._changed:
            self._remembered.extend(found)
            while len(self._remembered) > REMEMBERED:
                self._floor = place_of(self._remembered.popleft())
            self._place = place_of(found[-1])
            self._changed.notify_all()


HUB = Hub()
