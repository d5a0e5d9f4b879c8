"""Without the right weights no network runs, and the differences stand."""

import shutil

import pytest

from astrid.core.errors import BadWeights
from astrid.core.models import RunStatus
from detection import registry, weights
from detection.models import Detection, Model, ModelRun
from differencing.models import DifferenceRun
from observations.models import ObservationStatus
from tests.bad_input.night import GOOD, failed, observation

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_weights(tmp_path, product_files):
    """A copy of the shipped weights, in force: the stored file that workers read."""
    copy = tmp_path / "weights" / "own.onnx"
    copy.parent.mkdir()
    for ending in (".onnx", ".json"):
        shutil.copyfile(weights.DEFAULT.with_suffix(ending), copy.with_suffix(ending))
    row = registry.register(copy, activate=True)
    registry._open.cache_clear()  # as in a worker that has just begun
    return product_files / row.model_path


def the_difference_stands():
    """Whether the difference stands although its inference failed."""
    run = DifferenceRun.objects.get(observation=observation(GOOD))
    return (
        observation(GOOD).status == ObservationStatus.DIFFERENCED
        and run.status == RunStatus.COMPLETED
        and run.candidates.count() == run.candidates_found > 0
        and not Detection.objects.exists()
    )


def test_missing_weights_fail_the_inference_and_the_difference_stands(night, own_weights):
    own_weights.unlink()
    night.run()
    sentence = failed(ModelRun, GOOD)
    assert f"{own_weights.name}' is gone" in sentence
    assert "restore it" in sentence
    assert the_difference_stands()


def test_altered_weights_fail_the_inference_and_the_difference_stands(night, own_weights):
    content = bytearray(own_weights.read_bytes())
    content[len(content) // 2] ^= 1
    own_weights.write_bytes(content)
    night.run()
    sentence = failed(ModelRun, GOOD)
    assert "has SHA-256" in sentence
    assert "restore it from a backup" in sentence
    assert the_difference_stands()


def test_without_the_shipped_weights_no_inference_begins_and_the_difference_stands(
    night, monkeypatch, tmp_path
):
    Model.objects.all().delete()
    monkeypatch.setattr(weights, "DEFAULT", tmp_path / "none.onnx")
    with pytest.raises(BadWeights, match="none"):
        night.run()
    assert not ModelRun.objects.exists()
    assert the_difference_stands()
