"""What vanishes or changes under the pipeline fails what needs it, and nothing else."""

import io

import pytest
from django.core.files.storage import storages

from astrid.core import store
from astrid.core.models import RunStatus
from detection.models import ModelRun
from differencing.models import DifferenceRun
from preprocessing.models import PreprocessRun
from tests.bad_input.night import (
    BAD,
    failed,
    has_no_product,
    ingested_with_another,
    observation,
    through,
    through_preprocessing,
    went_through,
    work_off,
)

pytestmark = pytest.mark.django_db


def spoil(name):
    storages["products"].delete(name)
    storages["products"].save(name, io.BytesIO(b"spoilt"))


def test_an_image_that_vanished_from_the_store_fails_its_frame_alone(night):
    ingested_with_another(night)
    storages["products"].delete(observation().fits_file_path)
    work_off()
    sentence = failed(PreprocessRun)
    assert "is gone" in sentence
    assert observation().fits_file_path in sentence
    assert went_through()


def test_an_image_that_was_altered_in_the_store_fails_its_frame_alone(night):
    ingested_with_another(night)
    spoil(observation().fits_file_path)
    work_off()
    assert "restore it from a backup" in failed(PreprocessRun)
    assert went_through()


def test_a_calibrated_frame_that_is_damaged_fails_what_needs_it_alone(night):
    ingested_with_another(night)
    through_preprocessing()
    run = PreprocessRun.objects.get(observation=observation())
    # the bytes are what was stored, and yet no calibrated frame
    run.processed_fits_path = store.put(night.content())
    run.save()
    work_off()
    sentence = failed(DifferenceRun)
    assert f"the calibrated frame of {BAD} cannot be read (no extension SCI" in sentence
    assert "retry the observation" in sentence
    assert went_through()


def test_bytes_in_place_of_a_calibrated_frame_fail_what_needs_them_alone(night):
    ingested_with_another(night)
    through_preprocessing()
    run = PreprocessRun.objects.get(observation=observation())
    run.processed_fits_path = store.put(b"no FITS at all")
    run.save()
    work_off()
    assert f"the calibrated frame of {BAD} cannot be read" in failed(DifferenceRun)
    assert went_through()


def test_a_difference_without_provenance_fails_its_inference_alone(night):
    """An error of a kind that nobody foresaw: the row lost what the stage relies on."""
    ingested_with_another(night)
    through_preprocessing()
    through(DifferenceRun)
    run = DifferenceRun.objects.get(observation=observation())
    run.provenance = {}
    run.save()
    work_off()
    broken = ModelRun.objects.get(difference_run=run)
    assert broken.status == RunStatus.FAILED
    assert "unexpected KeyError: 'inputs'" in broken.error_message
    assert has_no_product(broken)
    assert run.candidates.exists()
    assert went_through()
