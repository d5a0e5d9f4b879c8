"""Times as counts in bins whose width grows with the time: summed as they are, and cheap to keep.

The sketch is DDSketch (Masson, Rim & Lee 2019, Proc. VLDB 12, 2195, section 2.1): a time of x
seconds is counted in bin ceil(log x / log GAMMA), so a quantile read from the counts is wrong by at
most (GAMMA - 1) / (GAMMA + 1), 4.8 % of itself, and counts of several days or surveys add up.
"""

import math
from collections.abc import Mapping

GAMMA = 1.1
SHORTEST_S = 1.0  # what is shorter counts as this long


def bin_of(seconds: float) -> int:
    """Give the bin of a time, as the database does."""
    return math.ceil(math.log(max(seconds, SHORTEST_S)) / math.log(GAMMA))


def seconds_of(number: int) -> float:
    """Give the time that stands for a bin: within 4.8 % of all that are in it."""
    return 2 * GAMMA**number / (GAMMA + 1)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Give the time that a share of all times does not exceed, in seconds; None without any.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}: it must be between 0 and 1")
    rank, seen = share * (sum(counts.values()) - 1), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen > rank:
            return seconds_of(number)
    return None
