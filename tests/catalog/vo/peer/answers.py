"""Answers of two servers side by side."""

import numpy as np
import pytest

# The peer keeps wavelengths, sizes and the like in single precision: 2**-24, and some room.
SINGLE = 1.2e-7
# Degrees: the distance of what lies nearly on top of each other, from cosines or from chords.
TINY = 2e-8


def plain(table):
    """Give the rows of a table as plain values, None where there is none."""
    return [tuple(map(_value, row)) for row in table.to_table()]


def _value(given):
    if given is np.ma.masked or (isinstance(given, float | np.floating) and np.isnan(given)):
        return None
    return given.item() if isinstance(given, np.generic) else given


def check_alike(ours, theirs, *, in_order):
    """Hold that two answers have the same columns and rows."""
    assert ours.fieldnames == theirs.fieldnames
    mine, others = plain(ours), plain(theirs)
    assert len(mine) == len(others)
    if not in_order:
        mine, others = (sorted(each, key=_key) for each in (mine, others))
    for a, b in zip(mine, others, strict=True):
        for one, other in zip(a, b, strict=True):
            is_real = isinstance(one, float) and isinstance(other, float)
            assert one == (pytest.approx(other, rel=SINGLE, abs=TINY) if is_real else other)


def _key(row):
    return [(each is None, str(round(each, 6) if isinstance(each, float) else each))
            for each in row]  # fmt: skip
