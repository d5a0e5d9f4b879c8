import hashlib
import json
import shutil

import pytest

from astrid.core.errors import BadWeights
from detection import normalise, weights
from detection.card import read_card


@pytest.fixture
def copy(tmp_path):
    """The shipped weights and card, where they may be spoiled."""
    for ending in (".onnx", ".json"):
        shutil.copy(weights.DEFAULT.with_suffix(ending), tmp_path / f"net{ending}")
    return tmp_path / "net.onnx"


def change_card(path, **values):
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | values))


def test_the_shipped_weights_load_and_are_small():
    loaded = weights.load()
    assert loaded.card.normalisation == normalise.VERSION
    assert weights.DEFAULT.stat().st_size <= 2_000_000
    assert 0 < loaded.card.thresholds["detection"] < 1


def test_the_shipped_card_tells_measured_figures_with_their_intervals():
    metrics = read_card(weights.DEFAULT.with_suffix(".json")).metrics
    for name in ("auc", "fpr_at_tpr95", "ece"):
        assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"]


def test_missing_weights_say_how_to_get_them(tmp_path, copy):
    with pytest.raises(BadWeights, match="run train_model"):
        weights.load(tmp_path / "other.onnx")
    copy.unlink()
    with pytest.raises(BadWeights, match=r"no weights at .* restore them"):
        weights.load(copy)


def test_one_changed_byte_is_noticed(copy):
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(BadWeights, match=r"SHA-256 .* its card says"):
        weights.load(copy)


def test_another_hash_than_the_caller_expects_is_refused(copy):
    with pytest.raises(BadWeights, match="the caller says 0000"):
        weights.load(copy, sha256="0" * 64)


def test_weights_for_another_normalisation_or_channels_are_refused(copy):
    change_card(copy, normalisation=normalise.VERSION + 1)
    with pytest.raises(BadWeights, match="normalisation"):
        weights.load(copy)
    change_card(copy, normalisation=normalise.VERSION, channels=["science"])
    with pytest.raises(BadWeights, match="channels"):
        weights.load(copy)


def test_a_file_that_is_no_network_is_refused_even_with_the_right_hash(copy):
    content = b"not a network"
    copy.write_bytes(content)
    change_card(copy, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(BadWeights, match="not a network that ONNX Runtime can open"):
        weights.load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"calibration": {"slope": -1}}', "\x00"])
def test_a_spoiled_card_is_refused(copy, content):
    copy.with_suffix(".json").write_text(content)
    with pytest.raises(BadWeights, match="is not a model card"):
        weights.load(copy)


def test_a_card_that_promises_other_inputs_than_the_file_has_is_refused(copy):
    inputs = {"fovea": [25, 25, 5]}
    change_card(copy, model_type="classifier", classes=["variable", "artifact"], inputs=inputs)
    with pytest.raises(BadWeights, match=r"maps \{'stack'.* its card says classifier"):
        weights.load(copy)


def test_a_card_of_an_unknown_kind_is_refused(copy):
    change_card(copy, model_type="oracle")
    with pytest.raises(BadWeights, match="is not a model card"):
        weights.load(copy)
