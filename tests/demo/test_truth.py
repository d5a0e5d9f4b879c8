"""What the demo says of the sources that it injected."""

import pytest
from astropy.table import Table

from astrid.demo.truth import false_positives, recoveries
from tests.factories import make_candidate, make_detection, make_difference_run, make_observation

pytestmark = pytest.mark.django_db

FAR_DEG, NEAR_DEG = 0.01, 0.3 / 3600


@pytest.fixture
def night(tmp_path):
    """A frame with four true sources: a bright one, a faint one, a masked one, one not found."""
    frame = make_observation(observation_id="field01_sci1")
    rows = [
        ("field01_sci1.fits", frame.ra, frame.dec, 30.0, False),
        ("field01_sci1.fits", frame.ra, frame.dec + FAR_DEG, 5.5, False),
        ("field01_sci1.fits", frame.ra, frame.dec - FAR_DEG, -40.0, True),
        ("field01_sci1.fits", frame.ra, frame.dec + 2 * FAR_DEG, -12.0, False),
    ]
    truth = tmp_path / "truth.ecsv"
    Table(rows=rows, names=("file", "ra", "dec", "snr", "is_masked")).write(truth)
    return truth, make_difference_run(observation=frame)


def found(run, offset_deg, *, is_believed):
    """Something found this far north of the middle of the frame."""
    frame = run.observation
    row = make_candidate(difference_run=run, dec=frame.dec + offset_deg)
    if is_believed:
        make_detection(candidate=row, observation=frame)


@pytest.fixture
def survey(night):
    """One true source detected, one rejected, a masked one and two false ones found."""
    run = night[1]
    found(run, NEAR_DEG, is_believed=True)
    found(run, FAR_DEG + NEAR_DEG, is_believed=False)
    found(run, -FAR_DEG, is_believed=True)
    found(run, 3 * FAR_DEG, is_believed=False)
    found(run, 4 * FAR_DEG, is_believed=True)
    return run.observation.survey.name


def test_injected_sources_are_counted_before_and_after_the_network(night, survey):
    counts = [
        (row.injected, row.candidates, row.detections) for row in recoveries(night[0], survey)
    ]
    assert counts == [(1, 1, 0), (0, 0, 0), (2, 1, 1)]


def test_only_what_lies_beside_every_injected_source_is_false(night, survey):
    assert vars(false_positives(night[0], survey)) == {"candidates": 2, "detections": 1}


def test_frames_of_another_survey_are_not_counted(night, survey):
    make_detection()
    assert vars(false_positives(night[0], survey)) == {"candidates": 2, "detections": 1}
