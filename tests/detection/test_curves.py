"""Forced photometry in the light-curve store: versions that follow from one another."""

import json
from datetime import timedelta

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from astrid.core.ids import first_id
from detection.curves.catchup import settled
from detection.curves.former import current
from detection.curves.keys import DIFFERENCE, TOTAL
from detection.curves.store import store_forced
from detection.curves.times import Clock, cadence_numbers
from detection.fluxes import VERSION
from detection.models import ForcedMeasurement, ForcedPhotometryRun, SkyObject
from detection.tasks import store_light_curves
from lightcurves.models import (
    DataSet,
    DifferenceQualityFlags,
    ForcedObservation,
    ForcedQuality,
    Observation,
    QualityFlagArray,
    TargetSpecificTime,
    TotalQualityFlags,
)
from preprocessing.masks import MaskBit
from tests.detection.looks import look
from tests.factories import make_difference_run, make_observation, make_sky_object

db = pytest.mark.django_db
SITE = EarthLocation.from_geodetic(-70.8 * units.deg, -30.2 * units.deg, 2200 * units.m)


def frames(number, **fields):
    """Make exposures of one survey."""
    first = make_observation(**fields)
    others = [make_observation(survey=first.survey, **fields) for _ in range(number - 1)]
    return [first, *others]


def curve(source=DIFFERENCE, **fields):
    """Give the only curve in force of a source, with its arrays."""
    return current().with_arrays().get(photometric_method__name=source, **fields)


@db
def test_a_curve_holds_the_fluxes_with_errors_times_and_flags():
    thing = make_sky_object()
    late, early = frames(2)[::-1]
    look(late, [thing], flux=7.0, mask_bits=int(MaskBit.EDGE | MaskBit.GROWN))
    look(early, [thing], flux=-3.0, total_flux=None, total_flux_ujy=None, total_mask_bits=None)
    assert store_forced([thing.pk]) == 2
    thing.refresh_from_db()
    target = thing.light_curve_target
    assert (str(target), target.ra, target.dec) == ("AstrID 1", thing.ra, thing.dec)
    change, total = curve(), curve(TOTAL)
    assert change.unit == total.unit == "uJy"
    np.testing.assert_array_equal(change.values, [-30.0, 70.0])
    np.testing.assert_array_equal(change.errors, [50.0, 50.0])
    np.testing.assert_array_equal(total.values, [np.nan, 570.0])
    seen = ForcedObservation.objects.with_arrays().get()
    assert (seen.band, seen.unit, seen.survey) == ("r", "uJy", early.survey.name)
    middle = np.array([early.mjd_utc, late.mjd_utc]) + 30 / 86_400
    np.testing.assert_allclose(seen.cadence_reference / 86.4e6, middle, atol=1e-8)
    flags = DifferenceQualityFlags.objects.with_arrays().get()
    assert [flags.decode(0), flags.decode(1)] == [[], ["edge", "grown"]]
    totals = TotalQualityFlags.objects.with_arrays().get()
    assert totals.has("not_measured").tolist() == [True, False]
    times = TargetSpecificTime.objects.with_arrays().get().barycentric_julian_dates
    mission = thing.light_curve_target.catalog.host_mission
    mission.register_time_format()
    stored = Time(times, format=mission.time_format_name)
    there = Time(middle, format="mjd", scale="utc", location=SITE)
    delay = there.light_travel_time(SkyCoord(thing.ra, thing.dec, unit="deg"), "barycentric")
    # the centre of the Earth stands for the site: 6400 km are 21 ms
    assert np.abs((stored - (there.tdb + delay)).sec).max() < 0.022


def test_bits_are_those_of_masks():
    names = {bit.name.lower(): bit.value for bit in MaskBit}
    assert names == {bit.name: bit.value for bit in ForcedQuality if bit.name != "not_measured"}


@db
def test_objects_that_the_same_exposures_cover_share_an_observation():
    things = [make_sky_object(ra=150 + n / 1000) for n in range(3)]
    for frame in frames(2):
        look(frame, things)
    look(frames(1)[0], things[:1])  # another survey
    assert store_forced([thing.pk for thing in things]) == 8
    assert Observation.objects.count() == 2
    assert sorted(current().values_list("target__name", flat=True)) == [1, 1, 1, 1, 2, 2, 3, 3]


@db
def test_new_epochs_make_a_version_derived_from_the_former_which_stays():
    thing = make_sky_object()
    first, second = frames(2)
    look(first, [thing])
    store_forced([thing.pk])
    before = curve()
    look(second, [thing], flux=9.0)
    assert store_forced([thing.pk]) == 2
    after = curve()
    assert list(after.source_datasets.all()) == [before]
    assert [before.values.tolist(), after.values.tolist()] == [[1000.0], [1000.0, 90.0]]
    assert store_forced([thing.pk]) == 0
    assert DataSet.objects.count() == 4


@db
def test_a_curve_is_stored_anew_once_it_has_grown_by_a_share():
    thing = make_sky_object()
    *many, eleventh, twelfth = frames(13)
    for frame in many:
        look(frame, [thing])
    store_forced([thing.pk], growth=0.15)
    look(eleventh, [thing])
    assert store_forced([thing.pk], growth=0.15) == 0
    look(twelfth, [thing])
    assert store_forced([thing.pk], growth=0.15) == 2
    assert curve().n == 13


@db
def test_fluxes_measured_anew_make_a_version_and_change_nothing_that_is_stored():
    thing, other = make_sky_object(), make_sky_object(ra=150.001)
    (frame,) = frames(1)
    look(frame, [thing, other])
    store_forced([thing.pk, other.pk])
    stored = list(DataSet.objects.with_arrays().order_by("pk"))
    look(frame, [thing], flux=101.0, mask_bits=int(MaskBit.COSMIC_RAY))
    assert store_forced([thing.pk, other.pk]) == 2
    thing.refresh_from_db()
    after = curve(target=thing.light_curve_target)
    assert after.values.tolist() == [1010.0]
    assert after.source_datasets.get().values.tolist() == [1000.0]
    bits = QualityFlagArray.objects.with_arrays().filter(type="forced_difference_quality")
    assert [row.quality_flags.tolist() for row in bits.order_by("pk")] == [[0], [0], [8]]
    assert ForcedObservation.objects.filter(revision=1).get() == after.observation
    again = list(DataSet.objects.with_arrays().filter(pk__in=[row.pk for row in stored]))
    assert [row.values.tolist() for row in again] == [row.values.tolist() for row in stored]
    # and the same once more is nothing new
    look(frame, [thing], flux=101.0, mask_bits=int(MaskBit.COSMIC_RAY))
    assert store_forced([thing.pk, other.pk]) == 0


@db
def test_a_zero_point_that_came_later_makes_a_curve_in_microjansky_from_that_in_counts():
    thing = make_sky_object()
    first, second = frames(2)
    for frame in (first, second):
        look(frame, [thing], scale=None)
    store_forced([thing.pk])
    counts = curve()
    assert (counts.observation.unit, counts.values.tolist()) == ("adu", [100.0, 100.0])
    look(first, [thing])
    assert store_forced([thing.pk]) == 4
    rest = curve(observation__extra__unit="adu")
    fluxes = curve(observation__extra__unit="uJy")
    assert [rest.values.tolist(), fluxes.values.tolist()] == [[100.0], [1000.0]]
    assert fluxes.source_datasets.get() == rest.source_datasets.get() == counts
    look(second, [thing])
    store_forced([thing.pk])
    assert curve(observation__extra__unit="uJy").values.tolist() == [1000.0, 1000.0]


@db
def test_a_new_version_of_the_method_makes_a_version_of_the_curve(monkeypatch):
    thing = make_sky_object()
    (frame,) = frames(1)
    look(frame, [thing])
    store_forced([thing.pk])
    for module in ("epochs", "build", "store"):
        monkeypatch.setattr(f"detection.curves.{module}.VERSION", "next")
    look(frame, [thing], version="next")
    assert store_forced([thing.pk]) == 2
    after = curve()
    assert str(after.processing_method) == "AstrID forced photometry next"
    assert str(after.source_datasets.get().processing_method).endswith(VERSION)
    assert store_forced([thing.pk]) == 0


@db
def test_frames_that_are_gone_are_gone_from_the_next_version_only():
    thing = make_sky_object()
    first, second = frames(2)
    look(first, [thing])
    look(second, [thing], flux=9.0)
    store_forced([thing.pk])
    second.delete()
    assert store_forced([thing.pk]) == 2
    after = curve()
    assert [after.n, after.source_datasets.get().n] == [1, 2]


@db
def test_what_was_never_measured_is_no_curve():
    thing = make_sky_object()
    difference = make_difference_run()
    run = ForcedPhotometryRun.objects.create(
        difference_run=difference, asked_by=difference, method_version=VERSION
    )
    ForcedMeasurement.objects.create(
        sky_object=thing, difference_run=difference, observation=difference.observation, run=run,
        method_version=VERSION, hidden_share=1.0, mask_bits=int(MaskBit.SATURATED),
    )  # fmt: skip
    assert store_forced([thing.pk]) == 0
    assert not DataSet.objects.exists()


def test_exposures_in_one_millisecond_have_numbers_of_their_own():
    mjd = np.array([60_000.0, 60_000.0, 60_000.0 + 1 / 86.4e6, 60_001.0])
    first = 60_000 * 86_400_000
    expected = [first, first + 1, first + 2, first + 86_400_000]
    assert cadence_numbers(mjd).tolist() == expected


def test_light_of_the_ecliptic_comes_early_half_of_the_year():
    mjd = np.arange(60_000.0, 60_366.0)
    delays = (Clock(mjd).at(0.0, 0.0, mjd) - Time(mjd, format="mjd").tdb.mjd) * 86_400
    # 499 s for the astronomical unit, some 3 s for the Sun's way round the barycentre
    assert delays.max() == pytest.approx(499, abs=12)
    assert delays.min() == pytest.approx(-499, abs=12)


@db
def test_a_command_brings_all_curves_or_some_up_to_date(capsys):
    one, other = make_sky_object(), make_sky_object(ra=150.001)
    look(frames(1)[0], [one, other])
    call_command("store_light_curves", "--object", one.designation)
    assert "1 objects: 2 new datasets" in capsys.readouterr().out
    call_command("store_light_curves", "--json")
    assert json.loads(capsys.readouterr().out) == {"objects": 2, "datasets": 2}
    with pytest.raises(CommandError, match="no object AstrID J0"):
        call_command("store_light_curves", "--object", "AstrID J0")


@db
def test_what_nobody_measures_any_more_is_brought_up_to_date_by_beat(monkeypatch):
    things = [make_sky_object(ra=150 + n / 1000) for n in range(2)]
    *many, last = frames(21)
    for frame in many:
        look(frame, things)
    for thing in things:
        store_forced([thing.pk])
    look(last, things)
    for thing in things:
        assert store_forced([thing.pk], growth=0.1) == 0
    days = [timezone.now() + timedelta(days=number) for number in (6, 8)]
    assert [len(settled(day)) for day in days] == [0, 2]
    later = first_id(timezone.now() + timedelta(days=7.5))
    ForcedMeasurement.objects.filter(sky_object=things[1], observation=last).update(id=later)
    monkeypatch.setattr("detection.tasks.timezone.now", lambda: days[1])
    store_light_curves()
    assert sorted(current().values_list("target__sky_objects__ra", "n")) == [
        (150.0, 21), (150.0, 21), (150.001, 20), (150.001, 20),
    ]  # fmt: skip


@db
def test_curves_cost_as_many_queries_however_many_objects():
    things = [make_sky_object(ra=150 + n / 1000).pk for n in range(40)]
    known = SkyObject.objects.filter(pk__in=things)
    first, second = frames(2)
    look(first, known)
    store_forced(things)
    look(second, known)
    numbers = []
    for some in (things[:2], things[2:]):
        with CaptureQueriesContext(connection) as asked:
            assert store_forced(some) == 2 * len(some)
        numbers.append(len(asked))
    assert numbers[1] <= numbers[0] < 60
