"""How far long work has come: told by whoever works, heard by whoever asked for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int | None], None]
_listener: ContextVar[Listener | None] = ContextVar("astrid_progress", default=None)


def tell(done: int, total: int | None = None) -> None:
    """Say that so much is done, of so much in all where that is known; nobody need listen."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Hear what the block tells; what is told in threads of its own is not heard."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
