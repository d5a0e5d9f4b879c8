import json

import numpy as np
import pytest
from django.core.management import call_command
from scipy import special

from detection import weights
from detection.card import CLASSIFIER
from detection.stampnet import serving
from detection.stampnet.labelled import labelled
from detection.stampnet.light import Shape, moffat
from detection.stamps import read_stamps
from tests.detection.test_stampnet import noise, stamps_of
from tests.shared_data import shared


@pytest.fixture(scope="module")
def network():
    return weights.load(serving.DEFAULT)


def test_the_shipped_ensemble_is_small_and_says_what_it_is(network):
    assert serving.DEFAULT.stat().st_size <= 2_000_000
    assert network.card.model_type == CLASSIFIER
    assert network.card.architecture["members"] == 3
    real = network.card.metrics["real_out_of_fold"]
    assert real["auc"]["low"] <= real["auc"]["value"] <= real["auc"]["high"]


def test_probabilities_are_probabilities_and_the_members_differ(network):
    planes = noise(30, seed=5)
    star = moffat(2.5, 3.0, Shape())
    planes[:15, [0, 2]] += (15 * star).astype(np.float32)
    judged = serving.judge(network, stamps_of(planes))
    whole = serving.class_probabilities(judged, network.card)
    assert np.allclose(sum(whole.values()), 1)
    assert ((judged.confidence > 0) & (judged.confidence < 1)).all()
    assert (judged.uncertainty > 0).all()
    # isolated stars of 15 sigma per pixel against blank noise
    assert judged.confidence[:15].min() > judged.confidence[15:].max()


def test_a_stamp_is_judged_alike_alone_and_among_others(network):
    planes = noise(300, seed=6)
    together = serving.judge(network, stamps_of(planes))
    alone = serving.judge(network, stamps_of(planes[270:271]))
    assert together.confidence[270] == pytest.approx(alone.confidence[0], abs=1e-5)


def test_stamps_turned_by_a_quarter_are_judged_nearly_alike(network):
    planes = noise(20, seed=7)
    planes[:, [0, 2]] += (8 * moffat(2.5, 3.0, Shape())).astype(np.float32)
    one = serving.judge(network, stamps_of(planes)).confidence
    turned = np.ascontiguousarray(np.rot90(planes, axes=(2, 3)))
    two = serving.judge(network, stamps_of(turned)).confidence
    assert np.abs(special.logit(one) - special.logit(two)).mean() < 2


def test_real_stamps_of_a_survey_are_told_apart_as_the_card_says():
    path = shared("alerts/real_triplets_dev.npz")
    network = weights.load(serving.DEFAULT)
    stamps = labelled(read_stamps(path))
    confidence = serving.judge(network, stamps).confidence
    # learned ones: this is a check of reading and scoring, no measurement
    assert np.median(confidence[stamps.is_real]) > 0.9
    assert confidence[~stamps.is_real].max() < np.median(confidence[stamps.is_real])


def test_evaluate_model_adds_classes_where_they_are_named(tmp_path, capsys):
    planes = noise(40, seed=8)
    planes[:20, [0, 2]] += (15 * moffat(2.5, 3.0, Shape())).astype(np.float32)
    classes = np.where(np.arange(40) < 20, "asteroid", "")
    np.savez(tmp_path / "s.npz", x=planes, y=(np.arange(40) < 20).astype(int), cls=classes)
    call_command("evaluate_model", str(tmp_path / "s.npz"), "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["classes"]["transient"]["n"] == 20
    assert report["model"].startswith("astrid-stamps")
