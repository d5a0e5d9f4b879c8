"""What the pipeline writes down, and that it writes it once."""

from dataclasses import asdict

import numpy as np
import pytest

from astrid import pipeline
from astrid.core import store
from catalog import config
from catalog.models import ProcessingJob
from detection.registry import in_force
from differencing.models import DifferenceRun
from tests.pipeline.work import rows, the, work

pytestmark = pytest.mark.django_db


def test_jobs_mirror_runs(camera, reference, science):
    camera(reference, science)
    work()
    for step in pipeline.STEPS:
        mirrored = ProcessingJob.objects.filter(job_type=step.job_type)
        assert sorted(mirrored.values_list("run_id", "status")) == sorted(
            step.run.objects.values_list("pk", "status")
        )
        assert not mirrored.filter(completed_at=None).exists()
    entities = ProcessingJob.objects.order_by("id").values_list("entity_type", "entity_id")
    difference = DifferenceRun.objects.get()
    assert list(entities) == [
        ("observations.Observation", the("reference").pk),
        ("observations.Observation", the("science").pk),
        ("observations.Observation", the("science").pk),
        ("differencing.DifferenceRun", difference.pk),  # its inference
        ("differencing.DifferenceRun", difference.pk),  # its photometry
    ]


def test_runs_keep_parameters_figures_and_provenance(camera, reference, science):
    camera(reference, science)
    work()
    networks = {
        "weights": in_force("classifier").sha256,
        "unet": in_force("unet").sha256,
        "anomaly_detector": in_force("anomaly_detector").sha256,
    }
    for step in pipeline.STEPS:
        for run in step.run.objects.all():
            assert run.parameters == asdict(config.get(step.setting))
            assert sum(run.figures["seconds"].values()) > 0
            assert run.figures["peak_memory_mb"] > 0
            assert run.processing_time_seconds > 0
            assert run.provenance["versions"]["numpy"] == np.__version__
            files = {**run.provenance["inputs"], **run.provenance["outputs"]}
            for name, sha256 in networks.items():
                assert files.pop(name, sha256) == sha256
            for name in (*files.pop("pictures", {}).values(), *files.values()):
                assert store.name_of(store.digest(store.get(name))) == name


def test_a_changed_setting_is_kept_by_the_next_run(camera, night):
    camera(night.references[0], night.science[0])
    work()
    config.put("difference", {"threshold": 7.5})
    camera(night.science[1])
    work()
    first, second = DifferenceRun.objects.order_by("id")
    assert (first.parameters["threshold"], second.parameters["threshold"]) == (5.0, 7.5)
    assert second.detection_threshold == 7.5
    assert not second.candidates.filter(significance__range=(-7.5, 7.5)).exists()


def test_doing_it_all_again_changes_nothing(camera, reference, science):
    camera(reference, science)
    work()
    before = rows()
    again = camera(reference, science)
    assert (again.found, again.new, again.known, again.refused) == (2, 0, 2, 0)
    assert not work().done
    pipeline.sweep()
    for job in ProcessingJob.objects.all():
        assert not pipeline.work_off(job.pk)
    assert rows() == before
