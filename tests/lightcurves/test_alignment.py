"""Values find their cadence by its number, or it is an error; never the neighbour's."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lightcurves.alignment import align, places_in
from lightcurves.errors import NotAligned
from lightcurves.models import TESSObservation

NUMBERS = st.sets(st.integers(-50, 50), max_size=30).map(sorted)


@given(cadences=NUMBERS, reference=NUMBERS)
def test_every_value_stands_at_its_cadence_and_nothing_else_does(cadences, reference):
    values = np.array(cadences, np.float32) * 2
    aligned = align(values, np.array(cadences, int), np.array(reference, int), strict=False)
    expected = [2.0 * number if number in cadences else np.nan for number in reference]
    assert aligned.dtype == np.float32
    np.testing.assert_array_equal(aligned, expected)


@given(cadences=NUMBERS, reference=NUMBERS)
def test_strictly_a_cadence_that_is_not_there_is_an_error(cadences, reference):
    assume(set(cadences) - set(reference))
    with pytest.raises(NotAligned, match="are not among the"):
        places_in(np.array(cadences, int), np.array(reference, int))


@given(reference=NUMBERS, data=st.data())
def test_there_and_back_is_what_it_was(reference, data):
    cadences = np.array(sorted(data.draw(st.sets(st.sampled_from(reference)))) if reference else [])
    cadences, reference = cadences.astype(int), np.array(reference, int)
    values = np.arange(cadences.size)
    there = align(values, cadences, reference, fill=-1)
    np.testing.assert_array_equal(align(there, reference, cadences, strict=False), values)


def test_the_neighbour_of_a_missing_cadence_gets_nothing():
    # what the database this one follows did: 2 went to the place of 3
    with pytest.raises(NotAligned, match=r"1 cadences .* the 3 of the reference \(1 to 5\): 2;"):
        align(np.array([9.0]), np.array([2]), np.array([1, 3, 5]))
    kept = align(np.array([9.0]), np.array([2]), np.array([1, 3, 5]), strict=False)
    assert np.isnan(kept).all()


@pytest.mark.parametrize(
    ("values", "cadences", "reference", "words"),
    [
        ([1.0], [1, 2], [1, 2], "1 values for 2 cadences"),
        ([1.0, 2.0], [2, 1], [1, 2], r"cadences must increase; \[1\] is 1 after 2"),
        ([1.0, 2.0], [1, 2], [1, 1], r"reference must increase; \[1\] is 1 after 1"),
        ([1, 2], [1, 2], [1, 2, 3], "nan in gaps is no int64"),
        ([True], [1], [1, 2], "nan in gaps is no bool"),
        ([1.0], [1], [], r"the 0 of the reference \(none\)"),
    ],
)
def test_what_cannot_be_aligned_is_refused(values, cadences, reference, words):
    with pytest.raises(NotAligned, match=words):
        align(np.array(values), np.array(cadences), np.array(reference, int))


def test_whole_numbers_need_no_filling_where_there_is_no_gap():
    numbers = np.array([1, 2])
    assert align(np.array([7, 8], np.int32), numbers, numbers).tolist() == [7, 8]
    assert align(np.array([7, 8]), numbers, np.array([0, 1, 2]), fill=0).tolist() == [0, 7, 8]


def test_a_dataset_is_put_onto_the_cadences_of_another_observation(sky, make_dataset):
    whole = TESSObservation.objects.create(
        instrument=sky.instrument, cadence_reference=np.arange(7), sector=2
    )
    values, errors = make_dataset().aligned_to(whole)
    np.testing.assert_array_equal(values, [np.nan, 1.0, 2.0, 4.0, np.nan, 8.0, np.nan])
    np.testing.assert_array_equal(errors, values)
    few = TESSObservation.objects.create(
        instrument=sky.instrument, cadence_reference=[1, 5], sector=3
    )
    with pytest.raises(NotAligned, match="2 cadences are not among the 2"):
        make_dataset().aligned_to(few)
    assert make_dataset().aligned_to(few, strict=False)[0].tolist() == [1.0, 8.0]
