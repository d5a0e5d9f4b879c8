"""Row keys."""

import os
import time
import uuid
from datetime import datetime
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import uuid_utils.compat

TIME_BITS = 80  # of a version 7 key, the bits behind the milliseconds


def new_id() -> uuid.UUID:
    """Make a UUID version 7: its bits begin with the time, so an index grows at one end."""
    return uuid_utils.compat.uuid7()


def new_ids(number: int) -> npt.NDArray[np.void]:
    """Make many keys like that of :func:`new_id` at once: 16 raw bytes each, rising."""
    # RFC 9562, 5.7: 48 bits of milliseconds, 4 of the version, 12 by chance; 2 of the variant, 62
    # by chance. What is by chance is put in order, so that rows keep theirs.
    words = np.frombuffer(os.urandom(16 * number), ">u8").reshape(-1, 2).astype(np.uint64)
    early, late = words[:, 0] & np.uint64(0xFFF), words[:, 1] >> np.uint64(2)
    order = np.lexsort((late, early))
    made = np.empty((number, 2), ">u8")
    made[:, 0] = np.uint64(time.time_ns() // 1_000_000 << 16 | 7 << 12) | early[order]
    made[:, 1] = np.uint64(1 << 63) | late[order]
    return made.view("V16").reshape(-1)


def first_id(when: datetime) -> uuid.UUID:
    """Give a key that is less than all that are made from then on."""
    return uuid.UUID(int=int(when.timestamp() * 1000) << TIME_BITS)


def lot_of(key: uuid.UUID) -> float:
    """Draw a number from 0 to below 1 for a row: fair, and the same for ever."""
    return int.from_bytes(sha256(key.bytes).digest()[:6]) / 2**48
