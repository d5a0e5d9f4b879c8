"""What speaks against candidates, and which come first."""

import numpy as np
import pytest

from differencing.extraction import flags
from differencing.extraction.extract import DTYPE
from preprocessing.masks import MaskBit


def rows(significance, **columns):
    found = np.zeros(len(significance), DTYPE)
    found["significance"] = significance
    for name, values in columns.items():
        found[name] = values
    return found


def test_candidates_without_flags_come_first_then_the_most_significant():
    found = rows([90, 7, 60, 12, 30], is_saturated=[1, 0, 0, 0, 0], mask_bits=[0, 0, 8, 0, 0])
    assert flags.clean_first(found).tolist() == [4, 3, 1, 0, 2]


@pytest.mark.parametrize("name", ["is_saturated", "is_edge", "is_dipole", "near_bright_star"])
def test_every_doubt_is_a_flag(name):
    assert flags.is_flagged(rows([9, 8], **{name: [True, False]})).tolist() == [True, False]


def test_a_blend_is_named_but_counts_as_no_flag():
    found = rows([9], is_blended=[True])
    assert not flags.is_flagged(found).any()
    assert flags.words_of(found[0]) == "blended"


def test_flags_are_named_in_words():
    bits = MaskBit.NO_DATA | MaskBit.COSMIC_RAY
    found = rows([9, 8], is_dipole=[True, False], mask_bits=[bits, 0])
    assert flags.words_of(found[0]).startswith("dipole, ")
    assert set(flags.words_of(found[0]).split(", ")) == {"dipole", "NO_DATA", "COSMIC_RAY"}
    assert flags.words_of(found[1]) == ""


def test_many_flagged_candidates_are_warned_of_with_the_numbers():
    found = rows(np.arange(10.0), is_dipole=[1] * 2 + [0] * 8, mask_bits=[0] * 4 + [8] * 6)
    (said,) = flags.warnings_of(found)
    assert said.startswith("8 of 10 candidates are flagged (6 touch masked pixels)")
    assert flags.warnings_of(found[1:5]) == [], "four candidates show nothing"
    assert flags.warnings_of(rows([9, 8, 7, 6, 5, 4], mask_bits=[8, 8, 8, 0, 0, 0])) == []
