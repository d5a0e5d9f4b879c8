"""Pages of subtractions, candidates and baselines."""

import pytest
from django.urls import reverse

from catalog.models import ProcessingJob
from differencing.models import Candidate, DifferenceRun, ReferenceImage
from tests.factories import (
    FIRST_NIGHT,
    make_candidate,
    make_difference_run,
    make_observation,
    make_survey,
    make_user,
)
from tests.pages import list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def staff(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))


def make_reference(**fields):
    given = {
        "survey": fields.pop("survey", None) or make_survey(),
        "filter_band": "r",
        "file_path": "cas/00/00",
        "radius_deg": 0.1,
        "ra": 150.0,
        "dec": 2.0,
        "valid_from": FIRST_NIGHT,
    }
    return ReferenceImage.objects.create(**{**given, **fields})


def test_a_run_shows_seconds_and_memory_of_each_step(client):
    figures = {"cost": {"seconds": {"subtract": 4.25, "extract": 0.5}, "peak_memory_mb": 812.4}}
    page = row_page(client, make_difference_run(figures=figures)).content.decode()
    assert "<td>cost · seconds · subtract</td><td>4.25</td>" in page
    assert "<td>cost · peak_memory_mb</td><td>812.4</td>" in page


def test_a_run_is_found_by_its_reference(client):
    run, _other = make_difference_run(), make_difference_run()
    page = list_page(client, DifferenceRun, f"?q={run.reference_observation_id}")
    assert list(page.context["cl"].result_list) == [run]


def test_a_candidate_is_found_by_a_cone_and_by_its_run(client):
    near, _far = make_candidate(ra=10.0, dec=89.99), make_candidate(ra=100.0, dec=89.9)
    for query in ("190 89.99 73", str(near.difference_run_id)):
        page = list_page(client, Candidate, f"?q={query.replace(' ', '+')}")
        assert list(page.context["cl"].result_list) == [near]


def test_the_flags_of_a_candidate_are_named(client):
    make_candidate(is_edge=True, near_bright_star=True)
    assert "edge, near bright star" in list_page(client, Candidate).content.decode()


def test_staff_take_a_baseline_out_of_use(client):
    reference = make_reference()
    frame = make_observation(observation_id="stacked one")
    reference.observations.add(frame)
    assert "stacked one" in row_page(client, reference).content.decode()
    address = reverse("admin:differencing_referenceimage_change", args=[reference.pk])
    assert client.post(address, {"valid_to_0": "", "valid_to_1": ""}).status_code == 302
    reference.refresh_from_db()
    assert not reference.is_active


@pytest.mark.parametrize("model", [DifferenceRun, Candidate, ReferenceImage])
def test_a_list_of_100_rows_takes_few_queries(client, django_assert_max_num_queries, model):
    survey, run = make_survey(), make_difference_run()
    make = {
        DifferenceRun: make_difference_run,
        Candidate: lambda: make_candidate(difference_run=run),
        ReferenceImage: lambda: make_reference(survey=survey),
    }[model]
    for _ in range(100):
        make()
    with django_assert_max_num_queries(12):
        page = list_page(client, model)
    assert len(page.context["cl"].result_list) >= 100


def ask_again(client, run, algorithm):
    address = reverse("admin:differencing_differencerun_changelist")
    chosen = {"action": f"again_with_{algorithm}", "_selected_action": [str(run.pk)]}
    return client.post(address, chosen, follow=True).content.decode()


def test_an_operator_asks_for_another_algorithm_and_a_job_does_it(client):
    run = make_difference_run(detection_threshold=6.0, parameters={"threshold": 6.0})
    page = ask_again(client, run, "classic")
    assert "1 will be subtracted again with classic, beside the run that counts" in page
    opened = DifferenceRun.objects.get(algorithm="classic")
    assert (opened.is_comparison, opened.status, opened.detection_threshold) == (
        True, "pending", 6.0,
    )  # fmt: skip
    assert ProcessingJob.objects.get().run_id == opened.pk


def test_the_algorithm_of_the_run_itself_is_refused_in_words(client):
    assert "was subtracted by zogy already" in ask_again(client, make_difference_run(), "zogy")


def test_who_may_only_look_is_offered_no_comparison(client):
    client.force_login(make_user(is_staff=True, group="viewer"))
    page = list_page(client, DifferenceRun).content.decode()
    assert "again_with" not in page
