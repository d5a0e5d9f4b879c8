"""Pages of subtractions, candidates and baselines."""

import pytest
from django.urls import reverse

from astrid.core import store
from catalog.models import JobType, ProcessingJob
from differencing.models import Candidate, DifferenceRun, ReferenceImage, ReferenceRun
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


def make_stack(**fields):
    return make_reference(
        number_of_frames=5,
        grid_observation=fields.pop("grid_observation", None) or make_observation(),
        depth=60.0,
        exposure_time=30.0,
        seeing=1.234,
        coverage=0.987,
        **fields,
    )


def test_the_list_of_baselines_shows_what_they_are(client):
    make_stack(thumbnail_path=store.put(b"\x89PNG a picture"))
    page = list_page(client, ReferenceImage).content.decode()
    for words in ("r stack of 5", ">2<", ">1.23<", ">98.7%<", "picture of r stack"):
        assert words in page


def test_the_picture_of_a_baseline_is_sent_to_those_who_may_see_it(client):
    image = make_stack(thumbnail_path=store.put(b"\x89PNG a picture"))
    version = image.thumbnail_path.rpartition("/")[2]
    address = reverse("admin:differencing_reference_picture", args=[image.pk, version])
    assert client.get(address).content == b"\x89PNG a picture"
    assert "immutable" in client.get(address)["Cache-Control"]
    old = reverse("admin:differencing_reference_picture", args=[image.pk, "0" * 64])
    assert client.get(old).status_code == 404
    client.force_login(make_user(is_staff=True))
    assert client.get(address).status_code == 404


def act(client, action, *rows):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    address = reverse("admin:differencing_referenceimage_changelist")
    return client.post(address, data, follow=True).content.decode()


def test_staff_have_a_reference_built_anew_once_at_a_time(client):
    image = make_stack()
    assert "1 will be built anew" in act(client, "build_anew", image)
    run = ReferenceRun.objects.get()
    assert (run.grid_observation, run.is_forced) == (image.grid_observation, True)
    assert ProcessingJob.objects.get(run_id=run.pk).job_type == JobType.REFERENCE
    assert "is being built already" in act(client, "build_anew", image)
    assert "names no grid" in act(client, "build_anew", make_reference())


def test_staff_retire_references(client):
    image = make_stack()
    assert "1 subtracted no more" in act(client, "retire", image)
    image.refresh_from_db()
    assert not image.is_active
    assert image.valid_to is not None


def test_a_second_stack_of_a_cell_is_not_brought_back(client):
    old = make_stack(is_active=False)
    make_stack(grid_observation=old.grid_observation)
    address = reverse("admin:differencing_referenceimage_change", args=[old.pk])
    page = client.post(address, {"is_active": "on", "valid_to_0": "", "valid_to_1": ""})
    assert "is in force: retire it first" in page.content.decode()
    old.refresh_from_db()
    assert not old.is_active


def test_a_run_names_its_stack_and_says_why(client):
    run = make_difference_run(
        reference_observation=None, reference_image=make_stack(), choice={"score": 0.9371}
    )
    assert "r stack of 5" in list_page(client, DifferenceRun).content.decode()
    assert "0.9371" in row_page(client, run).content.decode()


def make_reference_run():
    return ReferenceRun.objects.create(grid_observation=make_observation(), status="completed")


@pytest.mark.parametrize("model", [DifferenceRun, Candidate, ReferenceImage, ReferenceRun])
def test_a_list_of_100_rows_takes_few_queries(client, django_assert_max_num_queries, model):
    survey, run = make_survey(), make_difference_run()
    make = {
        DifferenceRun: make_difference_run,
        Candidate: lambda: make_candidate(difference_run=run),
        ReferenceImage: lambda: make_reference(survey=survey),
        ReferenceRun: make_reference_run,
    }[model]
    for _ in range(100):
        make()
    with django_assert_max_num_queries(12):
        page = list_page(client, model)
    assert len(page.context["cl"].result_list) == 50


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


def compare_page(run):
    return reverse("admin:differencing_differencerun_compare", args=[run.pk])


def test_an_algorithm_is_asked_for_from_the_page_that_compares(client):
    run = make_difference_run()

    def ask(algorithm):
        page = client.post(compare_page(run), {"algorithm": algorithm}, follow=True)
        return [str(message) for message in page.context["messages"]]

    assert "the pair will be subtracted with classic" in ask("classic")[0]
    assert "by classic already: that run is pending" in ask("classic")[0]
    assert ask("sfft") == ["there is no algorithm 'sfft'"]
    assert DifferenceRun.objects.filter(is_comparison=True).count() == 1


def test_an_exposure_links_to_where_its_differences_are_compared(client):
    run = make_difference_run()
    pair = {name: getattr(run, name) for name in ("observation", "reference_observation")}
    other = make_difference_run(algorithm="classic", is_comparison=True, **pair)
    page = row_page(client, run.observation).content.decode()
    assert f'href="{compare_page(run)}"' in page
    # the page of one run shows all of its pair
    assert compare_page(other) not in page
    assert client.get(compare_page(run)).status_code == 200
    assert "nothing was subtracted" in row_page(client, make_observation()).content.decode()


def test_who_may_only_look_sees_the_comparison_and_asks_for_nothing(client):
    run = make_difference_run()
    client.force_login(make_user(is_staff=True, group="viewer"))
    assert 'name="algorithm"' not in client.get(compare_page(run)).content.decode()
    assert client.post(compare_page(run), {"algorithm": "classic"}).status_code == 403


def test_a_comparison_lists_a_source_once_and_says_who_missed_it(client):
    proper = make_difference_run()
    pair = {name: getattr(proper, name) for name in ("observation", "reference_observation")}
    classic = make_difference_run(algorithm="classic", is_comparison=True, **pair)
    for run, x in ((proper, 100.0), (classic, 101.5)):
        make_candidate(difference_run=run, pixel_x=x, pixel_y=50.0, significance=9.0)
    make_candidate(difference_run=classic, pixel_x=100.0, pixel_y=50.0, is_negative=True)
    page = client.get(compare_page(proper))
    assert (len(page.context["sources"]), page.context["everywhere"]) == (2, 1)
    assert page.content.decode().count("not found") == 1
