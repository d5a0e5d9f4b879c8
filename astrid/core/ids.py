"""Row keys."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Make a UUID version 7: its bits begin with the time, so an index grows at one end."""
    return uuid_utils.compat.uuid7()
