"""A survey that goes on: its frames become a reference that later frames are compared with."""

import pytest

from catalog import config
from catalog.models import JobType
from differencing.models import DifferenceRun, ReferenceImage, ReferenceRun
from observations.models import Observation
from observations.simulator import SceneParameters, simulate_night
from tests.pipeline.work import work

pytestmark = pytest.mark.django_db


def test_later_frames_are_compared_with_the_stack_of_earlier_ones(camera, tmp_path):
    scene = SceneParameters(size=320, transients_per_mpix=60, snr_range=(20, 50))
    night = simulate_night(
        tmp_path / "survey", seed=6, fields=1, science_epochs=6, parameters=scene
    )
    config.put("reference", {"min_frames": 4, "new_frames": 2, "min_age_days": 0.5})
    *early, last = night.science
    camera(*night.references, *early)
    report = work()
    assert not report.failed
    assert report.done[JobType.REFERENCE] == 1
    stack = ReferenceImage.objects.stacks().get()
    # all but the newest, which is of the night that now is
    assert stack.number_of_frames == 5
    # frames of the stack are of its nights: they are compared with the single reference
    single = set(DifferenceRun.objects.values_list("reference_image__number_of_frames", flat=True))
    assert single == {1, 5}
    camera(last)
    work()
    run = Observation.objects.get(observation_id=last.stem).difference_runs.get()
    assert (run.status, run.reference_image, run.reference_observation) == (
        "completed",
        stack,
        None,
    )
    assert run.figures["quality"]["uncovered_share"] < 0.05
    assert run.noise_level == pytest.approx(1, abs=0.1)
    assert run.candidates.exists()
    assert run.model_runs.get().status == "completed"
    # one new frame is too few for another look
    assert ReferenceRun.objects.count() == 1
