"""The change between two real epochs, as a benchmark."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from benchmarks import commands, decam
from tests.shared_data import shared


@pytest.mark.parametrize(
    ("values", "is_it", "counts", "rank"),
    [
        ([9, 7, 5], [0, 1, 0], [1, 1, 1], 2),
        ([9, 7, 5], [0, 1, 0], [0, 1, 1], 1),  # a stronger one that does not count
        ([9, 7, 5], [0, 1, 0], [1, 0, 1], None),  # it does not count itself
        ([9, 7, 5], [0, 1, 1], [1, 1, 1], 2),  # two of them: the better one
        ([9, 7, 7], [0, 0, 1], [1, 1, 1], 2),  # a tie is no worse rank
        ([], [], [], None),
    ],
)
def test_the_rank_counts_what_is_stronger(values, is_it, counts, rank):
    columns = np.array(values, float), np.array(is_it, bool), np.array(counts, bool)
    assert decam.rank_of(*columns) == rank


def test_the_change_ranks_first_and_nothing_stands_there_within_an_epoch(capsys):
    folder = shared("images/decam_i_2epoch_transient")
    options = {"data": folder, "exposures": 2, "json": True}
    found = commands.BENCHMARKS["decam"].run(options)
    assert len(found["pairs"]) == len(found["controls"]) == 4
    assert found["first_by_significance"]["found"] == 4
    assert found["first_by_network"]["found"] == 4
    assert found["controls_with_a_candidate_there"] == 0
    commands.BENCHMARKS["decam"].show(found)
    assert "first by network" in capsys.readouterr().err


def test_a_folder_without_the_exposures_is_refused(tmp_path):
    with pytest.raises(CommandError, match="OBS04a"):
        call_command("benchmark", "decam", "--data", str(tmp_path), "--json")
