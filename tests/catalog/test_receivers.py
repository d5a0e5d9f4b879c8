import pytest

from catalog import config
from curation.models import Alert, ReviewTask
from detection.models import Detection
from detection.signals import detections_made
from tests import factories

pytestmark = pytest.mark.django_db


def test_one_thing_in_one_exposure_is_told_of_once_however_many_references_show_it():
    config.put("alert_rules", [{"name": "found", "trigger": "detected"}])
    same = {
        "sky_object": factories.make_sky_object(),
        "observation": factories.make_observation(),
    }
    seen = [factories.make_detection(confidence_score=s, **same) for s in (0.7, 0.9, 0.8)]
    detections_made.send(sender=Detection, detections=seen[:2])
    detections_made.send(sender=Detection, detections=seen[2:])
    assert Alert.objects.get().detection == seen[1]
    assert ReviewTask.objects.get().detection == seen[1]
