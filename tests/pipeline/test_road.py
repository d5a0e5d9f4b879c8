"""The way of a frame from a file to review, and what comes first."""

import pytest

from astrid import pipeline
from astrid.core.models import RunStatus
from astrid.core.sky import separation_deg
from curation.models import ReviewTask
from detection.models import Detection, ModelRun, SkyObject
from differencing.models import Candidate, DifferenceRun, ReferenceImage
from observations.models import ObservationStatus
from tests.pipeline.work import the, work

pytestmark = pytest.mark.django_db


def test_a_frame_travels_from_a_file_to_review(camera, night, reference, science):
    camera(reference, science)
    assert not work().failed
    assert the("reference").status == ObservationStatus.PREPROCESSED
    assert the("science").status == ObservationStatus.DIFFERENCED
    brightest = max(night.truth[science.name], key=lambda source: abs(source.snr))
    found = [
        detection
        for detection in Detection.objects.all()
        # a pixel of the simulated camera is 0.4 arcsec; S/N 20 and more places to a tenth of it
        if separation_deg(detection.ra, detection.dec, brightest.ra, brightest.dec) < 1 / 3600
    ]
    assert len(found) == 1
    assert found[0].sky_object is not None
    assert {task.detection_id for task in ReviewTask.objects.all()} == {
        detection.pk for detection in Detection.objects.all()
    }


def test_references_come_first(camera, reference, science):
    camera(science, reference)
    first = list(pipeline.open_due(pipeline.STEPS[1], 10))
    assert [job.entity_id for job in first] == [the("reference").pk]
    assert not list(pipeline.open_due(pipeline.STEPS[1], 10))  # the science frame waits for it
    assert pipeline.work_off(first[0].pk)
    second = list(pipeline.open_due(pipeline.STEPS[1], 10))
    assert [job.entity_id for job in second] == [the("science").pk]


def test_a_later_night_uses_the_reference_that_is_there(camera, night):
    camera(night.references[0], night.science[0])
    work()
    camera(night.science[1])
    assert not work().failed
    references = set(DifferenceRun.objects.values_list("reference_observation", flat=True))
    assert references == {the("reference").pk}
    assert DifferenceRun.objects.count() == 2
    assert ReferenceImage.objects.count() == 1


def test_controls_make_no_objects_and_no_review(camera, night):
    rule = '[[differences]]\nscience = "sci"\nreference = "sci"\ncontrol = true\n'
    with (camera.folder / "astrid.toml").open("a") as rules:
        rules.write(rule)
    camera(night.references[0], *night.science)
    assert not work().failed
    assert list(DifferenceRun.objects.values_list("is_control", flat=True)) == [True, True]
    assert Candidate.objects.exists()  # real transients change between the epochs
    assert ModelRun.objects.filter(status=RunStatus.COMPLETED).count() == 2
    assert not SkyObject.objects.exists()
    assert not ReviewTask.objects.exists()
