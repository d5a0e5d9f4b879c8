import numpy as np
import pytest
from scipy import stats

from astrid.core.errors import BadWeights
from detection import anomaly, weights
from detection.anomaly import choose_distance, fit_clouds, novelty
from detection.anomalytraining import Samples, train

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
    train(Samples(embedding, label, held_out), "a" * 64, path)
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
