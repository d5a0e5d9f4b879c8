import os
import threading

import numpy as np
import pytest

from astrid.core.threads import allowed_threads, hold_threads, in_threads, plain_libraries


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_parts(threads):
    assert in_threads(lambda part: part**2, range(20), threads=threads) == [
        n * n for n in range(20)
    ]


def test_parts_are_worked_on_side_by_side():
    meeting = threading.Barrier(2, timeout=20)
    # each waits for the other: one after the other would break the barrier
    assert sorted(in_threads(lambda _: meeting.wait(), range(2), threads=2)) == [0, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_a_part_is_that_of_the_whole(threads):
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 / part, [2, 1, 0], threads=threads)


def test_no_thread_at_all_is_refused():
    with pytest.raises(ValueError, match="threads is 0"):
        in_threads(abs, [1], threads=0)


def test_a_process_uses_its_processors_unless_it_is_held_to_fewer():
    assert allowed_threads() == len(os.sched_getaffinity(0))
    hold_threads(1)
    try:
        assert allowed_threads() == 1
    finally:
        hold_threads(None)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_buffers_of_numpy_are_small_in_all_threads_of_a_block_and_nowhere_else(threads):
    before = np.getbufsize()
    with plain_libraries():
        inside = in_threads(lambda _: np.getbufsize(), range(3), threads=threads)
    assert np.getbufsize() == before
    assert set(inside) == {512}
