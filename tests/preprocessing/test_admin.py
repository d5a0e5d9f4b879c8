"""Pages of preprocessing runs and master frames."""

import pytest
from django.urls import reverse

from preprocessing.models import CalibrationFrame, PreprocessRun
from tests.factories import FIRST_NIGHT, make_observation, make_user
from tests.pages import list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def staff(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))


def make_run(**fields):
    given = {
        "observation": fields.pop("observation", None) or make_observation(),
        "status": "failed",
        "error_message": "3 stars matched; 5 are needed",
        "registration_rms_arcsec": 0.0354,
        "figures": {"seconds": {"calibrate": 2.5}, "peak_memory_mb": 310.0},
        "parameters": {"min_stars": 5},
    }
    return PreprocessRun.objects.create(**{**given, **fields})


def make_frame(**fields):
    given = {
        "kind": "flat",
        "instrument": "DECam",
        "valid_from": FIRST_NIGHT,
        "file_path": "cas/00/00",
        "number_of_inputs": 11,
        "statistics": {"median": 1.0},
    }
    return CalibrationFrame.objects.create(**{**given, **fields})


def test_a_run_shows_what_it_cost_and_why_it_failed(client):
    run = make_run()
    page = row_page(client, run).content.decode()
    assert "<td>seconds · calibrate</td><td>2.5</td>" in page
    assert "<td>peak_memory_mb</td><td>310</td>" in page
    assert "<td>min_stars</td><td>5</td>" in page
    listed = list_page(client, PreprocessRun).content.decode()
    assert "3 stars matched; 5 are needed" in listed
    assert ">35<" in listed  # milliarcseconds


def test_a_run_is_found_by_its_exposure(client):
    run, _other = make_run(), make_run()
    page = list_page(client, PreprocessRun, f"?q={run.observation_id}")
    assert list(page.context["cl"].result_list) == [run]


def test_staff_end_the_validity_of_a_frame_and_change_nothing_else(client):
    frame = make_frame()
    address = reverse("admin:preprocessing_calibrationframe_change", args=[frame.pk])
    data = {"valid_to_0": "2025-04-01", "valid_to_1": "00:00", "instrument": "another"}
    assert client.post(address, data).status_code == 302
    frame.refresh_from_db()
    assert (frame.is_active, frame.instrument) == (False, "DECam")
    assert frame.valid_to.year == 2025


def test_a_validity_that_ends_before_it_begins_is_refused(client):
    frame = make_frame()
    address = reverse("admin:preprocessing_calibrationframe_change", args=[frame.pk])
    page = client.post(address, {"valid_to_0": "2020-01-01", "valid_to_1": "00:00"})
    assert page.status_code == 200
    assert "The end must lie after the beginning, 2025-03-01 04:00:00 UTC" in page.content.decode()


def test_a_viewer_changes_no_frame(client):
    client.force_login(make_user(group="viewer", is_staff=True))
    assert 'name="_save"' not in row_page(client, make_frame()).content.decode()


@pytest.mark.parametrize("model", [PreprocessRun, CalibrationFrame])
def test_a_list_of_100_rows_takes_few_queries(client, django_assert_max_num_queries, model):
    for _ in range(100):
        make_run() if model is PreprocessRun else make_frame()
    with django_assert_max_num_queries(12):
        page = list_page(client, model)
    assert len(page.context["cl"].result_list) == 50
