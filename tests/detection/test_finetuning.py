"""The file that serves learns on: first it answers as before, then its numbers differ."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from astrid.core.errors import BadWeights
from detection import weights
from detection.card import CLASSIFIER
from detection.stampnet import finetuning, serving
from detection.stampnet.finetuning import MOST_RAISED, Tuning, balanced, mixed
from detection.stampnet.sight import INPUTS, look
from tests.detection.test_stampnet import labelled_as, sky

keras = pytest.importorskip("keras")
thawing = pytest.importorskip("detection.stampnet.thawing")

TUNING = Tuning(seed=3, epochs=1, learning_rate=1e-3, rehearsal_scenes=1)


@pytest.fixture(scope="module")
def shipped():
    return weights.load(weights.SHIPPED[CLASSIFIER])


def test_a_thawed_network_answers_as_its_file_and_goes_back_into_the_same_bytes(shipped):
    views = look(sky(8))
    model = thawing.thaw(shipped.content)
    said = model.predict({name: getattr(views, name) for name in INPUTS}, verbose=0)
    meant = serving.answers(shipped, views)
    for name, values in zip(("real", "class", "embedding"), meant, strict=True):
        assert np.abs(said[name] - values).max() < 1e-4
    assert thawing.freeze(model, shipped.content) == shipped.content


def test_two_tunings_with_one_seed_give_one_file_that_has_learned(shipped):
    stamps = labelled_as(sky(32), ["supernova", "artifact"] * 16)
    one, two = (finetuning.tune(shipped.content, stamps, TUNING) for _ in range(2))
    assert one == two != shipped.content
    graphs = [onnx.load_from_string(content).graph for content in (one, shipped.content)]
    assert [node.op_type for node in graphs[0].node] == [node.op_type for node in graphs[1].node]


def test_a_graph_with_an_unknown_operation_is_refused_by_name(shipped):
    network = onnx.load_from_string(shipped.content)
    network.graph.node[0].op_type = "Einsum"
    with pytest.raises(BadWeights, match=r"operations Einsum.*train it anew"):
        thawing.thaw(network.SerializeToString())


def test_a_rare_kind_of_verdict_is_raised_to_the_other_but_not_beyond_its_limit():
    even = balanced(labelled_as(sky(6), ["artifact"] * 2 + ["variable"] * 4))
    assert even.tolist() == [2, 2, 1, 1, 1, 1]
    lonely = balanced(labelled_as(sky(8), ["artifact"] + ["variable"] * 7))
    assert lonely[0] == MOST_RAISED


def test_verdicts_weigh_no_more_than_the_rehearsal_and_share_no_sky_with_it():
    verdicts = labelled_as(sky(6), ["artifact", "variable"] * 3)
    known = labelled_as(sky(12), ["artifact", "variable"] * 6)
    apart = replace(known, group=np.char.add("scene ", known.group))
    both = mixed(verdicts, apart)
    assert both.weight[:6].sum() == pytest.approx(both.weight[6:].sum())
    few = mixed(verdicts.chosen(np.arange(2)), apart)
    assert few.weight[:2].tolist() == [5, 5]
    with pytest.raises(ValueError, match="split by sky first"):
        mixed(verdicts, known)
