"""Another algorithm beside the one that counts: looked at, never judged."""

import io

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from astrid.core.errors import InvalidTransition
from astrid.core.models import RunStatus
from catalog import config
from catalog.models import JobStatus, JobType, ProcessingJob
from curation.models import ReviewTask
from detection.models import Detection, ModelRun, SkyObject
from differencing.comparison import completed, matched, open_comparison
from differencing.models import Candidate, CandidateStatus, DifferenceRun
from differencing.parameters import Algorithm
from observations.models import ObservationStatus
from tests.factories import make_user
from tests.pipeline.work import the, work

pytestmark = pytest.mark.django_db
JUDGED = (ModelRun, Detection, SkyObject, ReviewTask)


@pytest.fixture
def standing(camera, reference, science):
    """The difference that counts, with everything that follows from it."""
    camera(reference, science)
    assert not work().failed
    return DifferenceRun.objects.get()


def test_a_comparison_is_made_and_nothing_follows_from_it(standing):
    before = {model: model.objects.count() for model in JUDGED}
    waiting = Candidate.objects.filter(status=CandidateStatus.PENDING).count()
    opened = open_comparison(standing, Algorithm.CLASSIC)
    assert work().done == {JobType.DIFFERENCE: 1}
    opened.refresh_from_db()
    assert opened.status == RunStatus.COMPLETED
    assert opened.figures["quality"]["n_kernel_stars"] > 0
    assert {model: model.objects.count() for model in JUDGED} == before
    assert Candidate.objects.filter(status=CandidateStatus.PENDING).count() == waiting
    assert the("science").status == ObservationStatus.DIFFERENCED


def is_plain(candidate):
    """Tell a clear point source from the residue of a bright or saturated star."""
    is_spoiled = candidate.near_bright_star or candidate.is_dipole or candidate.mask_bits
    # fainter than this is a variable star of the field: one of the six that kernels are fitted to
    return candidate.significance > 20 and candidate.psf_misfit < 3 and not is_spoiled


def test_two_algorithms_find_the_same_sources_with_the_same_flux(standing):
    open_comparison(standing, Algorithm.CLASSIC)
    work()
    runs = completed(standing)
    assert [run.algorithm for run in runs] == ["zogy", "classic"]
    assert runs[0].pk == standing.pk
    strong = [one for one in matched(runs) if is_plain(one.strongest)]
    assert len(strong) >= 3
    assert all(one.is_everywhere for one in strong)
    for one in strong:
        proper, classic = one.found
        # the same pixels, whose noise is in both: what differs is PSF against kernel
        assert abs(proper.flux - classic.flux) < 1.5 * proper.flux_error
        # this small field has six stars to fit a kernel to: a host leaves a residue of some per
        # cent, which pulls the place of a supernova on it
        assert np.hypot(proper.pixel_x - classic.pixel_x, proper.pixel_y - classic.pixel_y) < 0.6


def page_of(client, run, name="compare", **words):
    return client.get(reverse(f"admin:differencing_differencerun_{name}", args=[run.pk]), **words)


@pytest.fixture
def staff(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def test_a_page_shows_algorithms_side_by_side(standing, staff, django_assert_max_num_queries):
    open_comparison(standing, Algorithm.CLASSIC)
    work()
    with django_assert_max_num_queries(12):  # one more per run, however many candidates
        page = page_of(staff, standing)
    runs = [column.run.algorithm for column in page.context["columns"]]
    assert runs == ["zogy", "classic"]
    assert page.context["missing"] == ["hotpants"]
    text = page.content.decode()
    assert "zogy, difference (the run that counts)" in text
    assert "classic, significance" in text
    labels = dict(page.context["figures"])
    assert labels["Candidates"] == [str(run.candidates_found) for run in completed(standing)]
    assert float(labels["Std of S_corr in blank sky, before scaling"][1]) == pytest.approx(
        1, abs=0.1
    )
    assert labels["Stars in the kernel"][0] == "-"
    quicklook = page_of(staff, standing, "change").context["quicklook"]
    assert staff.get(quicklook.replace("/quicklook/", "/science/")).status_code == 404
    pictures = [quicklook]
    pictures += [address for column in page.context["columns"] for _, address in column.pictures]
    for address in [*pictures, *(address for _, address in page.context["frames"])]:
        answer = staff.get(address)
        assert answer.status_code == 200
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.width >= 320


def test_an_algorithm_is_asked_for_once(standing):
    open_comparison(standing, Algorithm.CLASSIC)
    with pytest.raises(InvalidTransition, match="by classic already: that run is pending"):
        open_comparison(standing, Algorithm.CLASSIC)
    with pytest.raises(InvalidTransition, match="by zogy already: that run is completed"):
        open_comparison(standing, Algorithm.ZOGY)


def test_a_missing_program_fails_the_comparison_in_words_and_nothing_else(standing, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    opened = open_comparison(standing, Algorithm.HOTPANTS)
    assert len(work().failed) == 1
    opened.refresh_from_db()
    assert opened.status == RunStatus.FAILED
    assert "the program hotpants is not on the PATH" in opened.error_message
    assert "https://github.com/acbecker/hotpants" in opened.error_message
    assert the("science").status == ObservationStatus.DIFFERENCED
    assert ProcessingJob.objects.get(run_id=opened.pk).status == JobStatus.FAILED


def test_the_configured_algorithm_makes_the_difference_that_counts(camera, reference, science):
    config.put("difference", {"algorithm": "classic"})
    camera(reference, science)
    assert not work().failed
    run = DifferenceRun.objects.get()
    assert (run.algorithm, run.is_comparison) == ("classic", False)
    assert run.parameters["algorithm"] == "classic"
    assert ModelRun.objects.get().difference_run == run


def test_a_frame_done_again_keeps_its_comparisons_apart(standing):
    comparison = open_comparison(standing, Algorithm.CLASSIC)
    work()
    standing.status = RunStatus.FAILED
    standing.save()
    again = open_comparison(standing, Algorithm.ZOGY)  # the one that counts has failed
    assert again.is_comparison
    assert [run.pk for run in completed(standing)] == [comparison.pk]
