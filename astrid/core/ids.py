"""Row keys."""

import uuid
from datetime import datetime
from hashlib import sha256

import uuid_utils.compat

TIME_BITS = 80  # of a version 7 key, the bits behind the milliseconds


def new_id() -> uuid.UUID:
    """Make a UUID version 7: its bits begin with the time, so an index grows at one end."""
    return uuid_utils.compat.uuid7()


def first_id(when: datetime) -> uuid.UUID:
    """Give a key that is less than all that are made from then on."""
    return uuid.UUID(int=int(when.timestamp() * 1000) << TIME_BITS)


def lot_of(key: uuid.UUID) -> float:
    """Draw a number from 0 to below 1 for a row: fair, and the same for ever."""
    return int.from_bytes(sha256(key.bytes).digest()[:6]) / 2**48
