"""Known objects are measured on every difference that covers them, seen there or not."""

from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from astrid import pipeline
from astrid.core import store
from astrid.core.models import RunStatus
from curation.series import history_of
from curation.seriesrows import points_in_time
from detection import forced
from detection.curves.former import current
from detection.models import Detection, ForcedMeasurement, ForcedPhotometryRun, SkyObject
from detection.parameters import DetectionParameters
from detection.tasks import force
from differencing import product
from differencing.models import DifferenceRun
from lightcurves.models import DataSet, Target
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from tests.factories import make_difference_run, make_model_run, make_sky_object
from tests.pipeline.work import rows, work

pytestmark = pytest.mark.django_db


def know(*places):
    """Make objects that nobody has detected yet."""
    return [make_sky_object(ra=ra, dec=dec) for ra, dec in places]


def empty_place(night):
    """Give a place of the field that is far from everything that changes."""
    sources = [one for frame in night.science for one in night.truth[frame.name]]
    ra, dec = (np.array([getattr(one, name) for one in sources]) for name in ("ra", "dec"))
    middle = ra.mean(), dec.mean()
    grid = np.stack(np.meshgrid(*(np.linspace(-0.008, 0.008, 33),) * 2), -1).reshape(-1, 2)
    apart = np.hypot(*(grid[:, None] + middle - np.column_stack([ra, dec])).transpose(2, 0, 1))
    return tuple(grid[apart.min(axis=1).argmax()] + middle)


def test_fluxes_of_known_objects_are_those_that_were_injected(camera, night, reference, science):
    sources = [one for one in night.truth[science.name] if not one.is_masked]
    things = know(*((one.ra, one.dec) for one in sources))
    camera(reference, science)
    assert not work().failed
    found = {row.sky_object_id: row for row in ForcedMeasurement.objects.all()}
    truth = {thing.pk: one.flux for thing, one in zip(things, sources, strict=True)}
    measured = [(found[key], flux) for key, flux in truth.items() if found[key].mask_bits == 0]
    assert len(measured) > len(sources) / 2
    # the mean of the detections places an object to 0.1 px; its flux keeps 3 % then
    pulls = [(row.flux - flux) / np.hypot(row.flux_error, 0.03 * flux) for row, flux in measured]
    assert max(map(abs, pulls)) < 4.5
    assert abs(np.mean(pulls)) < 3 / np.sqrt(len(pulls)) + 0.5
    # beside what changed, the science frame has the light of hosts and of stars that vary
    pulls = {thing.pk: (found[thing.pk].total_flux - one.flux)
             / np.hypot(found[thing.pk].total_flux_error, 0.03 * one.flux)
             for thing, one in zip(things, sources, strict=True)}  # fmt: skip
    alone = [pulls[thing.pk] for thing, one in zip(things, sources, strict=True)
             if one.kind == "transient"]  # fmt: skip
    assert max(map(abs, alone)) < 4.5
    assert max(pulls.values()) > 10 > -4.5 < min(pulls.values())


def test_no_total_flux_is_measured_where_it_is_not_wanted(camera, night, reference, science):
    know((night.truth[science.name][0].ra, night.truth[science.name][0].dec))
    camera(reference, science)
    work()
    (run,) = ForcedPhotometryRun.objects.all()
    assert not ForcedMeasurement.objects.filter(total_mask_bits=None).exists()
    ForcedMeasurement.objects.all().delete()
    run.parameters |= {"forced_total": False}
    run.status = RunStatus.PENDING
    run.save()
    force(str(run.pk))
    totals = ForcedMeasurement.objects.values_list(
        "total_flux", "total_flux_ujy", "total_mask_bits"
    )
    assert set(totals) == {(None, None, None)}


def test_what_the_pipeline_measured_is_in_the_light_curve_store(camera, night):
    camera(night.references[0], *night.science)
    work()
    rows = ForcedMeasurement.objects.exclude(flux=None).order_by("observation__mjd_utc")
    thing = next(row.sky_object for row in rows if row.sky_object.forced_measurements.count() == 2)
    change, total = current().with_arrays().filter(target__sky_objects=thing).order_by("id")
    fluxes = thing.forced_measurements.order_by("observation__mjd_utc")
    stored = np.column_stack([change.values, change.errors, total.values, total.errors])
    columns = ("flux", "flux_error", "total_flux", "total_flux_error")
    np.testing.assert_array_equal(stored, np.array(fluxes.values_list(*columns), float))
    # the frame that came first was stored at once, and is where the curve came from
    assert change.source_datasets.get().n == 1
    stored = [run.figures["stored_curves"] for run in ForcedPhotometryRun.objects.all()]
    assert sum(stored) == DataSet.objects.count() > 0


def test_where_nothing_is_there_is_an_upper_limit(camera, night, reference, science):
    (thing,) = know(empty_place(night))
    camera(reference, science)
    work()
    row = thing.forced_measurements.get()
    assert abs(row.flux) < 4 * row.flux_error
    assert row.magnitude is None
    assert row.upper_limit is not None
    assert (row.photometric_system, row.flux_ujy) == ("instrumental", None)


def test_an_object_that_is_new_is_measured_back_through_time(camera, night):
    camera(night.references[0], night.science[0])
    work()
    early = DifferenceRun.objects.get()
    (thing,) = know(empty_place(night))  # somebody else found it meanwhile
    camera(night.science[1])
    assert not work().failed
    late = DifferenceRun.objects.exclude(pk=early.pk).get()
    pairs = {(run.asked_by_id, run.difference_run_id) for run in ForcedPhotometryRun.objects.all()}
    assert pairs == {(early.pk, early.pk), (late.pk, late.pk), (late.pk, early.pk)}
    assert {row.difference_run for row in thing.forced_measurements.all()} == {early, late}
    # and those that were known keep the one flux they had there
    back = ForcedPhotometryRun.objects.get(asked_by=late, difference_run=early)
    new = SkyObject.objects.exclude(forced_measurements__run__asked_by=early)
    assert back.measured_objects == new.count() > 0


def test_the_curve_of_an_object_has_its_forced_fluxes_and_marks_its_detections(camera, night):
    camera(night.references[0], *night.science)
    work()
    brightest = Detection.objects.filter(magnitude__isnull=False).order_by("magnitude").first()
    its_own = Detection.objects.filter(sky_object=brightest.sky_object)
    its_own.exclude(pk=brightest.pk).delete()
    epochs = history_of(list(points_in_time().filter(pk=brightest.pk))).epochs
    fluxes = brightest.sky_object.forced_measurements.order_by("observation__mjd_utc")
    assert [epoch.value for epoch in epochs] == [
        row.upper_limit if row.magnitude is None else row.magnitude for row in fluxes
    ]
    marked = [epoch.detection for epoch in epochs if epoch.detection]
    assert marked == [brightest.pk]
    assert len(epochs) == 2


def test_doing_it_again_changes_nothing(camera, night, reference, science):
    camera(reference, science)
    work()
    before = [*ForcedMeasurement.objects.order_by("pk").values()], rows()
    assert before[0]
    assert not forced.due().exists()
    difference = DifferenceRun.objects.get()
    assert forced.begin(difference, DetectionParameters()) == []
    ForcedPhotometryRun.objects.update(status=RunStatus.PENDING)
    force(str(ForcedPhotometryRun.objects.get().pk))
    assert ForcedPhotometryRun.objects.get().measured_objects == 0
    assert before == ([*ForcedMeasurement.objects.order_by("pk").values()], rows())


def test_a_frame_costs_as_many_queries_however_many_objects(camera, night, reference, science):
    camera(reference, science)
    work()
    run = ForcedPhotometryRun.objects.select_related("difference_run__observation").get()
    known = SkyObject.objects.count()
    source = night.truth[science.name][0]
    asked = []
    for number in (1, 40):
        ForcedMeasurement.objects.all().delete()
        ForcedPhotometryRun.objects.update(status=RunStatus.RUNNING)
        run.status = RunStatus.RUNNING
        know(*((source.ra + 1e-6 * n, source.dec) for n in range(number - 1)))
        Target.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            forced.measure(run)
        asked.append(len(queries))
        assert run.measured_objects == known + number - 1
    assert asked[0] == asked[1] < 60


def test_a_zero_point_gives_microjansky(camera, night, reference, science):
    camera(reference, science)
    work()
    difference = DifferenceRun.objects.get()
    stored = product.from_fits(store.get(difference.difference_image_path))
    # 1 ADU has 23.9 AB magnitudes less 2.5: 10 microjansky, by their definition
    zero_point = ZeroPoint(21.4, 0.01, ZeroPointSource.GIVEN, System.AB)
    calibrated = store.put(product.to_fits(replace(stored, zero_point=zero_point)))
    DifferenceRun.objects.update(difference_image_path=calibrated)
    ForcedMeasurement.objects.all().delete()
    ForcedPhotometryRun.objects.update(status=RunStatus.PENDING)
    force(str(ForcedPhotometryRun.objects.get().pk))
    measured = ForcedMeasurement.objects.exclude(flux=None)
    assert measured
    for row in measured:
        assert row.photometric_system == "AB"
        assert row.flux_ujy == pytest.approx(10 * row.flux)
        assert row.flux_error_ujy == pytest.approx(10 * row.flux_error)
        assert row.total_flux_ujy == pytest.approx(10 * row.total_flux)
        assert row.total_flux_error_ujy == pytest.approx(10 * row.total_flux_error)
        if row.magnitude is not None:
            assert row.magnitude == pytest.approx(23.9 - 2.5 * np.log10(row.flux_ujy))


@pytest.mark.parametrize(
    ("fields", "is_due"),
    [({}, True), ({"is_control": True}, False), ({"is_comparison": True}, False)],
    ids=["counts", "control", "comparison"],
)
def test_what_counts_is_measured_once_it_was_judged(fields, is_due):
    run = make_difference_run(**fields)
    assert not forced.due().exists()  # nobody knows its objects yet
    make_model_run(difference_run=run)
    assert forced.due().exists() == is_due


def test_only_the_newest_differences_are_looked_back_at_and_none_twice():
    runs = [make_difference_run() for _ in range(4)]
    know((150.0, 2.0))
    opened = forced.begin(runs[3], DetectionParameters(forced_epochs=2))
    assert [one.difference_run for one in opened] == [runs[3], runs[2], runs[1]]
    # those wait already, and will see whatever is new by then
    opened = forced.begin(runs[2], DetectionParameters(forced_epochs=2))
    assert [one.difference_run for one in opened] == [runs[2], runs[0]]


def test_photometry_that_fails_is_told_of_and_leaves_the_frame_as_it_is(
    camera, night, reference, science, product_files
):
    camera(reference, science)
    step = pipeline.STEPS[-1]
    for earlier in pipeline.STEPS[:-1]:
        while opened := list(pipeline.open_due(earlier, 10)):
            for job in opened:
                pipeline.work_off(job.pk)
    DifferenceRun.objects.update(difference_image_path="gone.fits")
    (job,) = pipeline.open_due(step, 10)
    pipeline.work_off(job.pk)
    run = ForcedPhotometryRun.objects.get()
    assert run.status == RunStatus.FAILED
    assert "gone.fits" in run.error_message
    assert not ForcedMeasurement.objects.exists()
