"""References stacked from the frames of a sky cell, and replaced by better ones."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from astrid import pipeline
from astrid.core import store
from astrid.core.errors import InvalidTransition
from astrid.core.models import RunStatus
from catalog import config
from catalog.models import JobStatus, JobType, ProcessingJob
from differencing import services
from differencing.models import DifferenceRun, ReferenceImage, ReferenceRun
from differencing.parameters import DifferenceParameters
from differencing.references import stacks
from differencing.references.cells import plan_for
from differencing.references.parameters import ReferenceParameters
from observations.models import ObservationStatus, Role
from preprocessing.astrometry.register import grid_of, register
from preprocessing.calibrated import from_fits, to_fits
from preprocessing.masks import MaskBit
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from preprocessing.quality.figures import examine
from tests.factories import FIRST_NIGHT, make_observation, make_preprocess_run, make_survey
from tests.preprocessing import synthetic

pytestmark = pytest.mark.django_db

SHAPE = (200, 220)
WCS = synthetic.tan_wcs(SHAPE)
PARAMETERS = ReferenceParameters(min_frames=3, new_frames=2, min_age_days=2.0)


@pytest.fixture
def sky():
    return synthetic.scatter_stars(SHAPE, 30, np.random.default_rng(5), flux=(5e3, 1e5), apart=20)


@pytest.fixture
def cell(sky):
    """A grid frame, and a function that adds frames to its cell."""
    config.put("reference", vars(PARAMETERS))
    survey = make_survey()
    corners = WCS.all_pix2world(
        [(-0.5, -0.5), (219.5, -0.5), (219.5, 199.5), (-0.5, 199.5)], 0
    ).tolist()

    def add(day, *, grid=None, noise=10.0, fwhm=3.0, clear=1.0, change=None, **fields):
        seed, seen = int(10 * day) + 1, replace(sky, flux=clear * sky.flux)
        frame = synthetic.expose(seen, SHAPE, wcs=WCS, noise=noise, fwhm=fwhm, seed=seed)
        if change:
            frame = change(frame)
        figures = examine(frame, PreprocessParameters()).quality.figures()
        row = make_observation(
            survey=survey,
            role=Role.SCIENCE if grid else Role.REFERENCE,
            footprint=corners,
            radius_deg=0.017,
            pixel_scale=synthetic.SCALE_ARCSEC,
            seeing=figures["seeing_px"] * synthetic.SCALE_ARCSEC,
            observation_time=FIRST_NIGHT + timedelta(days=day),
            **{"status": ObservationStatus.DIFFERENCED, **fields},
        )
        run = make_preprocess_run(
            observation=row,
            grid_observation=grid,
            figures={"quality": figures},
            wcs_info={"registration": registered(frame).facts()} if grid else {},
        )
        run.status = RunStatus.RUNNING
        type(run).objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)
        run.complete(processed_fits_path=store.put(to_fits(frame)))
        return row

    first = synthetic.expose(sky, SHAPE, wcs=WCS, noise=10.0, fwhm=3.0, seed=1)
    on_grid = grid_of(first, PreprocessParameters())

    def registered(frame):
        return register(frame, on_grid, PreprocessParameters())

    add.grid = add(0)
    return add


def due():
    return list(stacks.due(PARAMETERS))


def work():
    """Do the jobs of this stage that are due."""
    step = next(step for step in pipeline.STEPS if step.job_type == JobType.REFERENCE)
    for job in pipeline.open_due(step, 10):
        pipeline.work_off(job.pk)
        job.refresh_from_db()
        assert job.status == JobStatus.COMPLETED, job.error_message
    return ReferenceRun.objects.order_by("id").last()


def fill(cell, days=(3, 6), **fields):
    return [cell(day, grid=cell.grid, **fields) for day in days]


def test_a_cell_is_due_once_it_has_enough_frames_and_then_after_so_many_new_ones(cell):
    cell(3, grid=cell.grid)
    assert due() == []
    cell(6, grid=cell.grid)
    assert due() == [cell.grid]
    (run,) = stacks.begin(cell.grid, PARAMETERS)
    assert due() == []
    assert stacks.begin(cell.grid, PARAMETERS) == []
    cell(9, grid=cell.grid)
    run.start()
    run.complete(outcome="done")
    assert due() == []
    cell(12, grid=cell.grid)
    assert due() == [cell.grid]


def test_a_survey_that_pairs_its_frames_itself_gets_no_stacks(cell):
    fill(cell)
    rules = {"survey": "x", "differences": [{"science": "a", "reference": "b"}]}
    survey = cell.grid.survey
    survey.adapter_settings = {"rules": rules}
    survey.save()
    assert due() == []
    survey.adapter_settings = {"rules": {**rules, "differences": []}}
    survey.save()
    assert due() == [cell.grid]


def test_the_best_frames_become_a_reference_that_says_how_it_was_made(cell, sky):
    fill(cell, (3, 4, 7))
    run = work()
    image = run.reference_image
    assert (image.number_of_frames, image.coverage, image.is_active) == (3, 1, True)
    assert image.grid_observation == cell.grid
    # the frame of day 7 is more recent than two days before the newest, itself
    assert (
        sorted(image.observations.values_list("mjd_utc", flat=True))[-1] < cell.grid.mjd_utc + 6.5
    )
    assert run.figures["left_out"] == {"too recent": 1}
    stacked = from_fits(store.get(image.file_path))
    assert np.median(stacked.noise) == pytest.approx(10 / 3**0.5, rel=0.02)
    # 5 sigma of the noise of three frames together
    single = cell.grid.preprocess_runs.get().figures["quality"]["limiting_flux"]
    assert image.depth == pytest.approx(single / 3**0.5, rel=0.03)
    assert store.get(image.thumbnail_path).startswith(b"\x89PNG")
    assert image.recipe["stack"]["noise_ratio"] == pytest.approx(1, abs=0.2)
    assert set(run.provenance["inputs"]) == set(image.recipe["frames"])


def test_a_stack_of_calibrated_frames_has_a_zero_point_and_a_limiting_magnitude(cell):
    known = ZeroPoint(25.0, 0.02, ZeroPointSource.CATALOGUE, System.AB, "r")
    fill(cell, (3, 4, 5, 8), change=lambda frame: replace(frame, zero_point=known))
    image = work().reference_image
    stored = from_fits(store.get(image.file_path)).zero_point
    # the frame that gives the grid is not calibrated; the others have its flux to about 1 %
    assert stored.value == pytest.approx(25.0, abs=0.01)
    assert image.recipe["zero_point"]["value"] == pytest.approx(stored.value)
    assert image.limiting_magnitude == pytest.approx(stored.value - 2.5 * np.log10(image.depth))
    assert image.photometric_system == "AB"


def test_a_stack_of_frames_without_zero_points_has_no_limiting_magnitude(cell):
    fill(cell, (3, 4, 7))
    image = work().reference_image
    assert (image.limiting_magnitude, image.photometric_system) == (None, "")
    assert image.recipe["zero_point"] == {}


def test_bad_frames_are_left_out_with_the_reason(cell):
    fill(cell, (3, 6, 9))
    cell(4, grid=cell.grid, fwhm=6.0)
    cell(5, grid=cell.grid, noise=40.0)
    cell(8, grid=cell.grid, status=ObservationStatus.FAILED)
    cell(20, grid=cell.grid)
    run = work()
    assert run.reference_image.number_of_frames == 4
    assert run.figures["left_out"] == {"in bad seeing": 1, "too shallow": 1, "too recent": 1}


def test_frames_are_compared_by_the_light_that_their_counts_are_worth(cell):
    """One behind clouds, whose noise is that of the others; one that counts half of the light."""
    clear, cloudy, slow = (
        cell(3, grid=cell.grid),
        cell(6, grid=cell.grid, clear=0.6),
        cell(9, grid=cell.grid, exposure_time=2 * cell.grid.exposure_time),
    )
    cell(20, grid=cell.grid)  # so that none of the others is too recent
    limits = {one.frame: one.limit for one in plan_for(cell.grid, PARAMETERS).chosen}
    assert set(limits) == {cell.grid, clear, cloudy, slow}
    # Noise of the limits: that of the sky, and of 30 stars in the ratio of fluxes.
    assert limits[clear] / limits[cell.grid] == pytest.approx(1, rel=0.05)
    assert limits[slow] / limits[cell.grid] == pytest.approx(1, rel=0.05)
    assert limits[cloudy] / limits[cell.grid] == pytest.approx(1 / 0.6, rel=0.07)


def test_a_stack_is_compared_with_the_next_in_the_unit_of_the_cell(cell):
    fill(cell, (3, 6, 9), clear=0.7)
    image = work().reference_image
    plan = plan_for(cell.grid, PARAMETERS)
    # What was planned is what came out, whatever frame gives the stack its scale.
    assert plan.present_score == pytest.approx(plan.expected_score, abs=0.02)
    assert image.recipe["grid_scale"] == pytest.approx(plan.chosen[0].scale)


def test_a_frame_that_does_not_show_the_same_sky_is_left_out_by_its_pixels(cell):
    fill(cell, (3, 6, 12))

    def shifted(frame):
        return replace(frame, pixels=np.roll(frame.pixels, 9, axis=1))

    odd = cell(9, grid=cell.grid, change=shifted)
    image = work().reference_image
    assert odd not in image.observations.all()
    assert str(odd) in image.recipe["left_out"][0]


def test_a_better_stack_replaces_the_one_in_force_and_old_runs_keep_theirs(cell):
    fill(cell)
    science = cell(20, grid=cell.grid, status=ObservationStatus.PREPROCESSED)
    first = work().reference_image
    (used,) = services.begin(science, DifferenceParameters())
    assert (used.reference_image, used.reference_observation) == (first, None)
    fill(cell, range(7, 16))
    second = work().reference_image
    first.refresh_from_db()
    assert (first.is_active, first.replaced_by) == (False, second)
    assert first.valid_to is not None
    assert second.is_active
    services.difference(DifferenceRun.objects.get(pk=_started(used).pk))
    used.refresh_from_db()
    assert used.reference_image == first
    assert used.provenance["inputs"]["reference"] == first.file_path
    later = cell(40, grid=cell.grid, status=ObservationStatus.PREPROCESSED)
    (run,) = services.begin(later, DifferenceParameters())
    assert run.reference_image == second


def _started(run):
    run.start()
    return run


def test_a_stack_that_is_no_better_is_not_made(cell):
    fill(cell)
    cell(20, grid=cell.grid)
    first = work().reference_image
    # two frames of a quarter of the information each add 2 % of the depth, and 1 % is asked for
    fill(cell, (8, 9), noise=19.0)
    config.put("reference", vars(PARAMETERS) | {"margin": 0.05})
    run = work()
    assert run.reference_image is None
    assert "not better by 0.05" in run.outcome
    first.refresh_from_db()
    assert first.is_active


def test_a_cell_is_built_once_at_a_time(cell):
    fill(cell)
    stacks.open_run(cell.grid, PARAMETERS)
    with pytest.raises(InvalidTransition, match="being built already"):
        stacks.open_run(cell.grid, PARAMETERS)


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_opens_the_run(cell):
    fill(cell)
    start = threading.Barrier(2)

    def sweep():
        start.wait()
        try:
            return len(stacks.begin(cell.grid, PARAMETERS))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        opened = [future.result() for future in [pool.submit(sweep), pool.submit(sweep)]]
    assert sorted(opened) == [0, 1]


def test_what_somebody_asks_for_is_built_even_if_it_is_no_better(cell):
    fill(cell)
    cell(20, grid=cell.grid)
    first = work().reference_image
    stacks.ask_for(first)
    job = ProcessingJob.objects.get(status=JobStatus.PENDING)
    assert pipeline.work_off(job.pk)
    run = ReferenceRun.objects.order_by("id").last()
    assert run.is_forced
    assert run.reference_image.is_active
    assert ReferenceImage.objects.filter(is_active=True, number_of_frames__gt=1).count() == 1


def test_too_few_usable_frames_fail_the_run_and_nothing_else(cell):
    def halved(frame):
        mask = frame.mask.copy()
        mask[:, 12:] |= np.uint16(MaskBit.BAD_PIXEL)
        return replace(frame, mask=mask)

    frames = fill(cell, (3, 6))
    cell(20, grid=cell.grid)
    spoilt = frames[0].preprocess_runs.get()
    whole = from_fits(store.get(spoilt.processed_fits_path))
    spoilt.processed_fits_path = store.put(to_fits(halved(whole)))
    spoilt.save()
    step = next(step for step in pipeline.STEPS if step.job_type == JobType.REFERENCE)
    (job,) = pipeline.open_due(step, 10)
    pipeline.work_off(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert "2 frames are left, 3 are needed" in job.error_message
    cell.grid.refresh_from_db()
    assert cell.grid.status == ObservationStatus.DIFFERENCED


def test_the_command_plans_then_builds_and_says_so(cell):
    fill(cell)
    cell(20, grid=cell.grid)
    (planned,) = asked("--dry-run")
    assert (planned["would_build"], len(planned["frames"])) == (True, 3)
    assert planned["outcome"] == "a stack of 3 would be built"
    assert not ReferenceImage.objects.exists()
    (built,) = asked("--survey", cell.grid.survey.name)
    assert built["status"] == "completed"
    assert built["reference_image"] == str(ReferenceImage.objects.get().pk)
    (kept,) = asked()
    assert (kept["status"], kept["reference_image"]) == ("kept", None)
    with pytest.raises(CommandError, match="no survey is called 'Other'; there are: survey"):
        asked("--survey", "Other")


def asked(*options):
    out = StringIO()
    call_command("build_references", "--json", *options, stdout=out)
    return json.loads(out.getvalue())["cells"]


def test_looking_for_cells_takes_one_query(cell, django_assert_num_queries):
    fill(cell)
    with django_assert_num_queries(1):
        due()
