from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy import stats

from astrid.core.errors import BadWeights
from detection import anomaly, modelcards, weights
from detection.anomaly import choose_distance, fit_clouds, novelty
from detection.anomalytraining import Samples, train
from detection.card import ANOMALY, CLASSIFIER
from detection.classifier import judge_stamps
from detection.stampnet.labelled import labelled
from detection.stamps import read_stamps
from tests.detection import foreign
from tests.shared_data import shared

SIZE, KNOWN = 12, 4000
CENTRES = np.random.default_rng(1).normal(0, 4, (3, SIZE))
# Not round: what is far along one direction is near along another.
MIXING = np.random.default_rng(2).normal(0, 1, (SIZE, SIZE))


def drawn(count, seed, centres=CENTRES):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(centres), count)
    return centres[label] + rng.normal(0, 1, (count, SIZE)) @ MIXING, label


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    embedding, label = drawn(KNOWN, 3)
    held_out, _ = drawn(KNOWN, 4)
    path = tmp_path_factory.mktemp("anomaly") / "astrid-anomaly-1.onnx"
    classifier = weights.load(weights.SHIPPED[CLASSIFIER]).card
    train(Samples(embedding, label, held_out), replace(classifier, sha256="a" * 64), path)
    return weights.load(path)


def test_distances_within_a_class_follow_chi_of_as_many_dimensions():
    embedding, label = drawn(KNOWN, 3)
    distance = fit_clouds(embedding, label).distances(drawn(KNOWN, 5)[0])
    # shrinking the covariance bends the tail: a tenth of the median
    assert np.median(distance) == pytest.approx(stats.chi.median(SIZE), rel=0.1)


def test_the_served_network_measures_what_numpy_measures(detector):
    embedding, label = drawn(KNOWN, 3)
    asked = drawn(50, 6)[0].astype(np.float32)
    expected = fit_clouds(embedding, label).distances(asked) / detector.card.thresholds["unknown"]
    # float32 against double
    assert novelty(detector, asked) == pytest.approx(expected, rel=1e-4)


def test_one_in_a_hundred_known_ones_is_called_unknown(detector):
    share = (novelty(detector, drawn(KNOWN, 7)[0]) > 1).mean()
    # binomial: 0.0016 on either side, the threshold's own error as much; 4 of both together
    assert share == pytest.approx(detector.card.training["false_rate"], abs=0.009)
    assert detector.card.metrics["called_unknown"]["value"] == pytest.approx(0.01, abs=0.001)


def test_what_lies_beside_every_class_is_called_unknown(detector):
    rng = np.random.default_rng(8)
    away = rng.normal(0, 1, (500, SIZE))
    away *= 40 / np.linalg.norm(away, axis=1, keepdims=True)
    foreign = CENTRES[rng.integers(0, 3, 500)] + away
    assert (novelty(detector, foreign) > 1).all()


def test_an_embedding_that_is_not_finite_has_no_novelty_and_the_others_do(detector):
    asked = drawn(3, 9)[0]
    asked[1, 4] = np.nan
    assert np.isnan(novelty(detector, asked)).tolist() == [False, True, False]


def test_numbers_that_never_vary_do_not_break_the_measure():
    embedding, label = drawn(KNOWN, 3)
    embedding[:, 5] = 2.0
    distance = fit_clouds(embedding, label).distances(embedding)
    assert np.isfinite(distance).all()


def test_too_few_held_out_samples_give_no_threshold():
    with pytest.raises(ValueError, match="299 held-out candidates: at least 300 needed"):
        choose_distance(np.ones(299))


@pytest.mark.parametrize(("embedding", "words"), [
    (np.full((4, 2), np.nan), "8 numbers of embeddings are not finite"),
    (np.zeros((1, 2)), "2 needed"),
])  # fmt: skip
def test_what_no_cloud_can_be_measured_from_is_refused(embedding, words):
    with pytest.raises(ValueError, match=words):
        fit_clouds(embedding, np.zeros(len(embedding), int))


def test_a_detector_of_another_classifier_is_refused(detector):
    with pytest.raises(BadWeights, match=r"classifier with SHA-256 aaaaaaaaaaaa\.\.\., but"):
        anomaly.check_pair(detector, weights.load())


def test_the_card_as_a_page_says_what_was_measured_and_on_how_many(detector):
    page = modelcards.page_of(detector.card)
    share = detector.card.metrics["called_unknown"]
    assert f"Of those {KNOWN}, {share['value']:.2%} are called unknown" in page
    assert "a" * 64 in page


def test_a_detector_is_fitted_to_the_data_of_its_classifier_or_not_at_all(tmp_path):
    with pytest.raises(CommandError, match="name the same"):
        call_command("train_anomaly", seed=12345, out=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def shipped():
    """The shipped detector and the classifier whose embeddings it measures."""
    pair = [weights.load(weights.SHIPPED[kind]) for kind in (ANOMALY, CLASSIFIER)]
    anomaly.check_pair(*pair)
    return pair


@pytest.mark.parametrize("kind", [draw.__name__ for draw in foreign.KINDS])
def test_stamps_of_things_that_no_sky_holds_are_like_nothing_learned(shipped, kind):
    detector, classifier = shipped
    stamps, names = foreign.foreign_stamps(8, seed=11)
    judged = judge_stamps(classifier, stamps.chosen(np.flatnonzero(names == kind)))
    # every one of 280 others was, when the detector was made
    assert (novelty(detector, judged.embedding) > 1).mean() >= 7 / 8


def test_few_real_stamps_of_a_survey_are_called_unknown(shipped):
    detector, classifier = shipped
    stamps = labelled(read_stamps(shared("alerts/real_triplets_dev.npz")))
    judged = judge_stamps(classifier, stamps.chosen(np.flatnonzero(stamps.is_real)))
    # 1 % of 142 and four binomial sigma
    assert (novelty(detector, judged.embedding) > 1).mean() <= 0.05
