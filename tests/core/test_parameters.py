"""Fields that can be tuned: what they say of themselves, and what they refuse."""

from dataclasses import dataclass, fields

import pytest

from astrid.core.parameters import REQUIRED, check_limits, in_words, limits_of, tunable


@dataclass(frozen=True)
class Oven:
    label: str = tunable(REQUIRED, "what is baked")
    heat: float = tunable(180.0, "of the air", unit="deg C", gt=0, le=250)
    shelf: int | None = tunable(None, "counted from below; empty: the middle", ge=1, lt=5)

    def __post_init__(self):
        check_limits(self)


def test_a_field_says_its_unit_meaning_and_limits():
    label, heat, shelf = fields(Oven)
    assert dict(label.metadata) == {"meaning": "what is baked"}
    assert dict(heat.metadata) == {"meaning": "of the air", "unit": "deg C", "gt": 0, "le": 250}
    assert [in_words(limits_of(each)) for each in (label, heat, shelf)] == [
        "", "> 0 and ≤ 250", "≥ 1 and < 5"
    ]  # fmt: skip


def test_a_field_without_a_default_must_be_given():
    with pytest.raises(TypeError, match="label"):
        Oven()


@pytest.mark.parametrize("value", [{"heat": 250}, {"heat": 0.1}, {"shelf": 1}, {"shelf": 4}])
def test_values_at_a_limit_that_counts_are_taken(value):
    assert Oven("bread", **value).label == "bread"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"heat": 0}, "heat is 0: it must be > 0 and ≤ 250"),
        ({"heat": 251}, "heat is 251"),
        ({"heat": float("nan")}, "heat is nan"),
        ({"shelf": 0}, "shelf is 0: it must be ≥ 1 and < 5"),
        ({"shelf": 5}, "shelf is 5"),
    ],
)
def test_values_outside_are_refused_by_name(value, words):
    with pytest.raises(ValueError, match=words):
        Oven("bread", **value)


def test_a_limit_of_another_name_is_refused():
    with pytest.raises(TypeError, match="max is no limit; there are gt, ge, lt, le"):
        tunable(1, "of something", max=3)
