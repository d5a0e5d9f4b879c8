import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from astrid.core.errors import BadParameters
from curation import leases
from curation.filters import QueueFilter
from curation.models import ReviewQueue, ReviewTask
from curation.queue import is_near_galaxy, open_tasks
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_tasks(db):
    """One clean supernova in r beside a galaxy, and one saturated dipole in g, seen before."""
    observation = factories.make_observation(filter_band="r")
    run = factories.make_model_run(
        difference_run=factories.make_difference_run(observation=observation)
    )
    galaxy = {"context": {"neighbour": {"is_point": False, "half_light_radii": 1.5}}}
    clean = factories.make_detection(
        model_run=run,
        sky_object=factories.make_sky_object(first_seen=observation.observation_time),
        prediction_metadata=galaxy,
    )
    other = factories.make_difference_run(observation=factories.make_observation(filter_band="g"))
    doubtful = factories.make_detection(
        candidate=factories.make_candidate(
            difference_run=other, is_saturated=True, is_dipole=True, snr=55.0
        ),
        confidence_score=0.4,
        detection_type="variable",
    )
    open_tasks([clean, doubtful])
    return ReviewTask.objects.get(detection=clean), ReviewTask.objects.get(detection=doubtful)


@pytest.mark.parametrize(
    ("wanted", "first", "second"),
    [
        ({}, True, True),
        ({"bands": ["r"]}, True, False),
        ({"classes": ["variable"]}, False, True),
        ({"score_min": 0.5}, True, False),
        ({"score_max": 0.5}, False, True),
        ({"snr_min": 50}, False, True),
        ({"snr_max": 50.0}, True, False),
        ({"without_flags": ["dipole"]}, True, False),
        ({"without_flags": ["edge"]}, True, True),
        ({"only_new_objects": True}, True, False),
        ({"near_galaxy": True}, True, False),
        ({"near_galaxy": False}, False, True),
        ({"bands": ["g"], "classes": ["supernova"]}, False, False),
    ],
)
def test_a_filter_holds_what_it_says(two_tasks, curator, policy, wanted, first, second):
    queue = ReviewQueue.objects.create(slug="some", name="Some", filter=wanted)
    queue.full_clean()
    expected = {task.pk for task, is_in in zip(two_tasks, (first, second), strict=True) if is_in}
    assert set(leases.take(queue, curator, policy, number=9).tasks) == expected


def test_a_queue_of_one_survey_holds_its_tasks(two_tasks, curator, policy):
    task = two_tasks[1]
    queue = ReviewQueue(slug="one", name="One", filter={"surveys": [str(task.survey_id)]})
    assert leases.take(queue, curator, policy, number=9).tasks == [task.pk]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"colour": "red"}, "colour is no field of a filter; there are surveys, bands"),
        ({"score_min": 2}, "score_min is 2"),
        ({"score_min": 0.9, "score_max": 0.1}, "score_min is 0.9: it must not be above score_max"),
        ({"classes": ["kilonova"]}, "kilonova"),
        ({"without_flags": ["dipole; drop table"]}, "without_flags.0"),
        ({"snr_min": "many"}, "snr_min is 'many'"),
        ([], "the filter is"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_in_words(value, words):
    with pytest.raises(BadParameters, match=words):
        QueueFilter.of(value)
    with pytest.raises(ValidationError):
        ReviewQueue(slug="bad", name="Bad", filter=value).clean()


def test_a_filter_keeps_only_what_it_asks_for():
    wanted = {"bands": ["r"], "near_galaxy": False, "snr_min": 7.0}
    assert QueueFilter.of(wanted).as_json() == wanted


def test_a_point_source_or_nothing_beside_it_is_no_galaxy():
    point = {"context": {"neighbour": {"is_point": True, "half_light_radii": 0.1}}}
    far = {"context": {"neighbour": {"is_point": False, "half_light_radii": 9.0}}}
    assert not any(map(is_near_galaxy, (None, {}, {"context": {"neighbour": None}}, point, far)))


def test_an_operator_saves_a_queue_by_its_form(client, operator, two_tasks):
    client.force_login(operator)
    survey = two_tasks[0].survey
    form = {
        "name": "Bright and clean", "slug": "clean", "order": "score", "votes_required": "2",
        "position": "3", "is_active": "on", "gold_share": "0.05", "fake_share": "0",
        "surveys": [str(survey.pk)], "bands": "r, i", "classes": ["supernova"],
        "snr_min": "5", "without_flags": ["dipole", "edge"], "near_galaxy": "true",
    }  # fmt: skip
    response = client.post(reverse("admin:curation_reviewqueue_add"), form)
    assert response.status_code == 302
    queue = ReviewQueue.objects.get(slug="clean")
    assert queue.filter == {
        "surveys": [str(survey.pk)], "bands": ["r", "i"], "classes": ["supernova"],
        "snr_min": 5.0, "without_flags": ["dipole", "edge"], "near_galaxy": True,
    }  # fmt: skip
    two_tasks[0].refresh_from_db()
    assert two_tasks[0].votes_required == 2
    page = client.get(reverse("admin:curation_reviewqueue_change", args=[queue.pk]))
    assert page.context["adminform"].form.initial["bands"] == "r, i"


def test_a_form_with_an_empty_range_is_refused(client, operator):
    client.force_login(operator)
    form = {
        "name": "None", "slug": "none", "order": "score", "votes_required": "1", "position": "0",
        "gold_share": "0", "fake_share": "0", "score_min": "0.9", "score_max": "0.1",
    }  # fmt: skip
    response = client.post(reverse("admin:curation_reviewqueue_add"), form)
    assert "score_min is 0.9" in response.content.decode()
    assert not ReviewQueue.objects.filter(slug="none").exists()
