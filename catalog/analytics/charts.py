"""Series as drawings: the same for the page, which has no scripts for it, and for paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from catalog.analytics.latency import GAMMA

WIDTH, HEIGHT = 600, 96
_BARS = 24  # of a histogram at most


@dataclass(frozen=True)
class Bar:
    """One bar, in units of the drawing, with what it says."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Bars over days or over times, with the ends of both axes in words."""

    title: str
    note: str
    bars: list[Bar]
    greatest: int
    left: str
    right: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.greatest == 0


def of_days(title: str, days: Sequence[date], numbers: Sequence[int], note: str = "") -> Chart:
    """Draw a number for each day."""
    words = [f"{day}: {number:,}" for day, number in zip(days, numbers, strict=True)]
    bars = _bars(numbers, words)
    return Chart(title, note, bars, max(numbers, default=0), str(days[0]), str(days[-1]))


def of_times(title: str, counts: dict[int, int], note: str = "") -> Chart:
    """Draw how often a time occurred; neighbouring bins are joined until few are left."""
    if not counts:
        return Chart(title, note, [], 0, "", "")
    first, last = min(counts), max(counts)
    joined = math.ceil((last - first + 1) / _BARS)
    starts = range(first, last + 1, joined)
    numbers = [sum(counts.get(one + each, 0) for each in range(joined)) for one in starts]
    # A bin reaches from the power of GAMMA below it to its own.
    words = [
        f"{in_words(GAMMA ** (one - 1))} to {in_words(GAMMA ** (one + joined - 1))}: {number:,}"
        for one, number in zip(starts, numbers, strict=True)
    ]
    ends = in_words(GAMMA**first), in_words(GAMMA**last)
    return Chart(title, note, _bars(numbers, words), max(numbers), *ends)


def _bars(numbers: Sequence[int], words: Sequence[str]) -> list[Bar]:
    greatest = max(numbers, default=0)
    if greatest <= 0:
        return []
    step = WIDTH / len(numbers)
    gap = min(2.0, step * 0.2)
    # What is there is seen, however little it is beside the greatest.
    heights = [round(max(HEIGHT * one / greatest, min(one, 1.0), 0.0), 2) for one in numbers]
    return [
        Bar(round(place * step, 2), round(HEIGHT - tall, 2), round(step - gap, 2), tall, said)
        for place, (tall, said) in enumerate(zip(heights, words, strict=True))
    ]


_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def in_words(seconds: float | None) -> str:
    """Write a time in the unit that suits it; a dash where there is none."""
    if seconds is None:
        return "\N{EN DASH}"
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"
