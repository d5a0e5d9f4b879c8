"""The networks are told how often a place was seen before, once the place was looked at often."""

from datetime import timedelta

import numpy as np
import pytest

from detection.ensemble import Places
from detection.models import Detection
from detection.parameters import DetectionParameters
from detection.past import histories, note, noted
from tests import factories

pytestmark = pytest.mark.django_db
PARAMETERS = DetectionParameters(history_visits=3)
STEP = 1e-4  # degrees, a third of an arcsecond


@pytest.fixture
def survey():
    return factories.make_survey()


def visit(survey, **fields):
    """One scored frame of the field at RA 150, Dec 2."""
    seen = factories.make_observation(survey=survey, **fields)
    difference = factories.make_difference_run(observation=seen)
    return factories.make_model_run(difference_run=difference, observation=seen)


def candidates_of(run, *places):
    return [
        factories.make_candidate(difference_run=run.difference_run, ra=ra, dec=dec)
        for ra, dec in places
    ]


def told(run, *places):
    found = candidates_of(run, *places)
    answer = histories(run.observation, found, PARAMETERS)
    return [answer[one.pk] for one in found]


def test_a_place_counts_the_earlier_detections_of_its_object_and_itself(survey):
    star = factories.make_sky_object(ra=150.0, dec=2.0)
    for _ in range(3):
        factories.make_detection(model_run=(run := visit(survey)), sky_object=star,
                                 observation=run.observation)  # fmt: skip
    rejected = visit(survey)
    factories.make_detection(model_run=rejected, observation=rejected.observation,
                             sky_object=star, is_audit=True)  # fmt: skip
    # at the star within the radius of association, and beside it
    assert told(visit(survey), (150.0, 2.0 + STEP), (150.0, 2.0 + 20 * STEP)) == [4, 1]


def test_a_place_that_was_seldom_looked_at_has_no_history(survey):
    for _ in range(2):
        visit(survey)
    visit(factories.make_survey())  # of another survey
    visit(survey, ra=190.0)  # of another field
    assert np.isnan(told(visit(survey), (150.0, 2.0))).all()


def test_what_came_later_is_not_known_yet(survey):
    runs = [visit(survey) for _ in range(5)]
    star = factories.make_sky_object(ra=150.0, dec=2.0)
    factories.make_detection(model_run=runs[4], observation=runs[4].observation, sky_object=star)
    assert told(runs[3], (150.0, 2.0)) == [1]
    early = visit(survey, observation_time=runs[0].observation.observation_time - timedelta(days=1))
    assert np.isnan(told(early, (150.0, 2.0))).all()


def test_the_number_of_candidates_costs_no_queries(survey, django_assert_num_queries):
    for _ in range(3):
        visit(survey)
    run = visit(survey)
    for count in (1, 40):
        found = candidates_of(run, *((150 + i * STEP, 2.0) for i in range(count)))
        with django_assert_num_queries(2):
            assert len(histories(run.observation, found, PARAMETERS)) == count


def test_what_the_networks_were_told_stands_on_the_detection_for_later_trainings():
    known, unknown = (factories.make_candidate() for _ in range(2))
    rows = [Detection(candidate=one) for one in (known, unknown)]
    note(rows, {known.pk: 7.0, unknown.pk: float("nan")})
    assert noted(rows[0]) == 7
    assert np.isnan(noted(rows[1]))
    assert rows[1].prediction_metadata == {"history": None}


def test_places_keep_their_history_when_some_are_chosen():
    places = Places(np.arange(3.0), np.arange(3.0), np.zeros(3, bool), np.array([1.0, 5.0, 9.0]))
    assert places.chosen(slice(1, 3)).history.tolist() == [5, 9]
