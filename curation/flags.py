"""What speaks for caution about a detection, as bits of a task and as words."""

from enum import IntFlag
from typing import Any


class Flag(IntFlag):
    """One bit for each property of a candidate that queues can leave out."""

    SATURATED = 1
    EDGE = 2
    DIPOLE = 4
    NEAR_BRIGHT_STAR = 8
    MASKED = 16
    BLENDED = 32
    NEGATIVE = 64


NAMES = tuple(flag.name.lower() for flag in Flag if flag.name)


def of_candidate(found: Any) -> Flag:
    """Give the bits of a candidate; none where a detection has no candidate."""
    if found is None:
        return Flag(0)
    held = {
        Flag.SATURATED: found.is_saturated,
        Flag.EDGE: found.is_edge,
        Flag.DIPOLE: found.is_dipole,
        Flag.NEAR_BRIGHT_STAR: found.near_bright_star,
        Flag.MASKED: found.mask_bits != 0,
        Flag.BLENDED: found.is_blended,
        Flag.NEGATIVE: found.is_negative,
    }
    return Flag(sum(flag for flag, is_set in held.items() if is_set))


def named(names: Any) -> Flag:
    """Give the bits of these names, lower case as in :data:`NAMES`."""
    return Flag(sum(Flag[name.upper()] for name in set(names)))
