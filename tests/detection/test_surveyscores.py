"""A network beside the survey's own scores, on the stamps that have both."""

import json

import numpy as np
import pytest
from django.core.management import call_command

from astrid.core.errors import BadImage
from detection import metrics
from detection.stamps import read_stamps
from detection.surveyscores import beside_survey, in_words
from tests.detection.test_stampnet import noise


def test_pairs_are_made_of_the_stamps_that_have_both_scores():
    rng = np.random.default_rng(2)
    is_real = rng.random(400) < 0.5
    mine = np.clip(0.5 * is_real + rng.uniform(0, 0.5, 400), 0, 1)  # separates perfectly
    theirs = np.clip(0.3 * is_real + rng.uniform(0, 0.7, 400), 0, 1)
    theirs[:100] = np.nan
    found = beside_survey(mine, is_real, None, {"drb": theirs})["drb"]
    known = slice(100, None)
    assert found["real"] + found["bogus"] == 300
    assert found["auc"]["survey"]["value"] == metrics.auc(theirs[known], is_real[known])
    assert found["auc"]["network"]["value"] == 1
    # the survey loses pairs; no draw of the same objects shows otherwise
    assert 0 < found["auc"]["difference"]["low"] < found["auc"]["difference"]["high"]
    assert "AUC" in in_words(found)


def test_a_score_that_is_known_of_one_kind_only_compares_nothing():
    is_real = np.arange(6) < 3
    found = beside_survey(np.full(6, 0.5), is_real, None, {"rb": np.where(is_real, 0.9, np.nan)})
    assert found == {"rb": {"real": 3, "bogus": 0}}
    assert "3 real, 0 bogus: nothing can be compared" in in_words(found["rb"])


@pytest.fixture
def file(tmp_path):
    def write(**arrays):
        labels = np.arange(8) % 2
        np.savez(tmp_path / "s.npz", x=noise(8, seed=4), y=labels, **arrays)
        return tmp_path / "s.npz"

    return write


def test_scores_of_packets_are_found_by_their_names_and_reported(file, capsys):
    scores = np.linspace(0, 1, 8)
    path = file(rb=scores, drb_d6_m7=np.where(scores > 0.5, scores, -999), rbversion=scores)
    assert set(read_stamps(path).survey_scores) == {"rb", "drb_d6_m7"}
    call_command("evaluate_model", str(path), "--json")
    report = json.loads(capsys.readouterr().out)["survey_scores"]
    assert (report["rb"]["real"], report["drb_d6_m7"]["real"]) == (4, 2)


def test_scores_that_are_no_numbers_are_refused(file):
    with pytest.raises(BadImage, match=r"rb is <U1 of shape \(8,\), not 8 numbers"):
        read_stamps(file(rb=np.full(8, "a")))
