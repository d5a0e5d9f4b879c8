"""Sources injected into the frames of a night go the way of all sources, and end as tests."""

import numpy as np
import pytest
from django.db.models import Model as Row

from astrid.core import store
from catalog.models import CatalogEntry
from curation.fakes import detection_of, make_fakes
from curation.models import Alert, GoldItem, ReviewQueue, ValidationEvent
from detection import cutouts
from detection.models import Detection, ModelRun, SkyObject
from differencing.models import Candidate
from tests import factories
from tests.pipeline.work import work

pytestmark = pytest.mark.django_db
KEPT: tuple[type[Row], ...] = (Detection, Candidate, SkyObject, Alert, CatalogEntry)


@pytest.fixture
def run(camera, reference, science):
    camera(reference, science)
    work()
    return ModelRun.objects.get(difference_run__is_control=False)


def counts():
    return {table: table.objects.count() for table in KEPT}


def test_fakes_are_measured_scored_and_cut_out_but_are_no_detections(run, client):
    before = counts()
    made = make_fakes(run, 4, seed=7)
    assert counts() == before
    assert made
    for item in made:
        fake = detection_of(item)
        # S/N is measured on noise: 4 sigma of it
        assert fake.candidate.significance == pytest.approx(item.snr, abs=4 + 0.1 * item.snr)
        # that of the flux counts what the PSF is wrong by, too
        assert 5 < fake.candidate.snr < fake.candidate.significance + 4
        stamps = cutouts.from_npz(store.get(fake.cutouts_path)).astype(float)
        middle = stamps.shape[1] // 2
        core = stamps[3, middle - 2 : middle + 3, middle - 2 : middle + 3]
        assert np.nanmax(core) == pytest.approx(item.snr, abs=4 + 0.1 * item.snr)
        assert 0 <= fake.confidence_score <= 1
        assert fake.prediction_metadata["north"]
    assert counts() == before


def test_the_same_seed_makes_the_same_fakes(run):
    one, again = make_fakes(run, 3, seed=7), make_fakes(run, 3, seed=7)
    assert [item.facts for item in one] == [item.facts for item in again]


def test_a_fake_is_shown_and_answered_as_any_item(run, client):
    (fake, *_) = make_fakes(run, 4, seed=7)
    GoldItem.objects.exclude(pk=fake.pk).delete()
    ReviewQueue.objects.update(fake_share=0.5)
    factories.make_tasks(20)
    client.force_login(factories.make_user("ada", group="curator"))
    options = {"content_type": "application/json"}
    items = client.post("/console/queues/all/lease/", {"n": 20}, **options).json()["items"]
    (item,) = (each for each in items if each["detection"] == str(fake.pk))
    assert set(item) == set(items[-1])
    assert client.get(item["pixels"]).status_code == 200
    assert item["name"].startswith("AstrID J")
    message = {
        "uuid": "7b0c6ff5-7a44-4c6c-b1c5-6d3a0b8a6a01", "detection": item["detection"],
        "verdict": "real", "queue": "all",
    }  # fmt: skip
    (answer,) = client.post("/console/verdicts/", {"events": [message]}, **options).json()[
        "results"
    ]
    assert answer["status"] == "saved"
    assert not ValidationEvent.objects.exists()
    assert not Alert.objects.filter(alert_type="confirmed").exists()
