"""Analyses of stored curves leave new datasets with their origin, or figures beside the curve."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from lightcurves.analysing import ANALYSES, analyse
from lightcurves.analysis.binning import bin_by_width
from lightcurves.errors import BadLightCurve, NotInstalled
from lightcurves.exporting import series
from lightcurves.models import (
    BinnedObservation,
    CurveFeatures,
    DataSet,
    PhotometricSource,
    ProcessingMethod,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
)
from tests.factories import make_user

N, PERIOD = 200, 0.7


@pytest.fixture
def curve(sky):
    """A sine of 10 s cadence 0.1 d about 100, one outlier, one bad cadence, one cosmic ray."""
    sky.observation = TESSObservation.objects.create(
        instrument=sky.instrument, cadence_reference=np.arange(N) + 7, sector=2
    )
    where = {"target": sky.target, "observation": sky.observation}
    times = 1325.5 + np.arange(N) * 0.1
    TargetSpecificTime.objects.create(barycentric_julian_dates=times, **where)
    flags = np.zeros(N, int)
    flags[3], flags[5] = 2, 64  # safe mode, and a cosmic ray that was taken out
    TESSQualityFlags.objects.create(quality_flags=flags, **where)
    values = 100 + np.sin(2 * np.pi * times / PERIOD)
    values += np.random.default_rng(1).normal(0, 0.05, N)
    values[50], values[3] = 1e4, -1e4
    return DataSet.objects.create(
        values=values.astype(np.float32),
        errors=np.full(N, 0.05, np.float32),
        unit="electron / s",
        photometric_method=PhotometricSource.objects.create(name="PSF"),
        **where,
    )


def told(name, **words):
    return ANALYSES[name].read(words)


def run(*words):
    """Give what the command prints as JSON."""
    out = StringIO()
    call_command("analyse_lightcurves", *words, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_a_clipped_curve_has_nan_where_it_was_clipped_and_is_else_bit_for_bit(curve):
    child = analyse(curve, "clip", told("clip"))
    stored = DataSet.objects.with_arrays().get(pk=child.pk)
    assert np.flatnonzero(np.isnan(stored.values)).tolist() == [3, 50]
    kept = np.isfinite(stored.values)
    assert stored.values.dtype == np.float32
    np.testing.assert_array_equal(stored.values[kept], curve.values[kept])
    assert (stored.unit, stored.observation, stored.t_first) == (
        "electron / s", curve.observation, 1325.5,
    )  # fmt: skip


def test_a_derived_curve_says_from_what_and_how_it_was_made(curve):
    child = analyse(curve, "detrend", told("detrend", width="2.5"))
    assert [one.pk for one in child.sources()] == [curve.pk]
    method = child.processing_method
    assert (method.version, method.parameters["width"]) == ("1", 2.5)
    assert method.name.startswith("detrend 1: width=2.5, method=biweight")
    assert child.photometric_method == curve.photometric_method
    assert child.unit == ""
    assert np.nanmedian(child.values) == pytest.approx(1, abs=0.01)


def test_a_curve_in_magnitudes_has_its_trend_subtracted(curve):
    curve.unit = "mag"
    child = analyse(curve, "detrend", told("detrend", width="2.5"))
    assert child.unit == "mag"
    assert np.nanmedian(child.values) == pytest.approx(0, abs=0.2)
    np.testing.assert_allclose(child.errors[10], 0.05, rtol=1e-6)


def test_analysing_again_gives_a_new_row_by_the_same_method(curve):
    one, other = (analyse(curve, "clip", told("clip")) for _ in range(2))
    assert one.pk != other.pk
    assert one.processing_method == other.processing_method
    third = analyse(curve, "clip", told("clip", lower="3"))
    assert third.processing_method != one.processing_method
    assert ProcessingMethod.objects.count() == 2


def test_a_binned_curve_has_times_of_its_own(curve):
    child = analyse(curve, "bin", told("bin", width="0.5"))
    bins = child.observation
    assert isinstance(bins, BinnedObservation)
    assert (bins.source_observation, bins.width_days) == (curve.observation.pk, 0.5)
    times = TargetSpecificTime.objects.with_arrays().get(observation=bins)
    values = curve.values.astype(float)
    values[3] = np.nan
    expected = bin_by_width(1325.5 + np.arange(N) * 0.1, values, curve.errors, width=0.5)
    np.testing.assert_array_equal(child.values, expected.values)
    np.testing.assert_array_equal(times.barycentric_julian_dates, expected.times)
    assert child.n == bins.n == expected.times.size


def test_a_mission_that_counts_seconds_is_analysed_in_days(curve, sky):
    sky.mission.time_unit = "s"
    sky.mission.save()
    times = TargetSpecificTime.objects.with_arrays().get(observation=curve.observation)
    times.barycentric_julian_dates = times.barycentric_julian_dates * 86400
    times.save()
    curve = DataSet.objects.with_arrays().get(pk=curve.pk)
    child = analyse(curve, "bin", told("bin", width="0.5"))
    stored = TargetSpecificTime.objects.with_arrays().get(observation=child.observation)
    assert np.diff(stored.barycentric_julian_dates).mean() == pytest.approx(0.5 * 86400, rel=0.01)


def test_statistics_leave_out_what_flags_speak_against_but_not_cosmic_rays(curve):
    found = analyse(curve, "statistics", told("statistics"))
    assert found.features["n"] == N - 1
    assert analyse(curve, "statistics", told("statistics", flagged="true")).features["n"] == N
    assert found.period is None
    assert (found.kind, found.version, found.parameters) == (
        "statistics", "1", {"pair_days": 0.05, "flagged": False},
    )  # fmt: skip


def test_the_period_of_a_stored_curve_is_found_and_kept(curve):
    clipped = analyse(curve, "clip", told("clip"))
    found = analyse(clipped, "period", told("period"))
    assert found.period == pytest.approx(PERIOD, rel=0.005)
    assert found.features["period"] == found.period
    assert found.features["rivals"][0].keys() == {"period", "relation", "worse_by"}


def test_figures_that_do_not_exist_are_null(curve):
    curve.errors = np.full(N, np.nan)
    found = analyse(curve, "statistics", told("statistics"))
    assert found.features["reduced_chi2"] is None


def test_a_transit_in_magnitudes_is_a_rise(sky, curve):
    times = np.arange(N) * 0.1
    dips = 0.5 * ((times % 3.2) < 0.25)
    curve.values, curve.unit = 12 + dips + np.random.default_rng(3).normal(0, 0.02, N), "mag"
    found = analyse(curve, "transit", told("transit", durations="0.2,0.3", shortest="1"))
    assert found.period == pytest.approx(3.2, rel=0.02)
    assert found.features["depth"] == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("name", "words", "complaint"),
    [
        ("detrend", {"wide": "1"}, "there is no parameter wide; there are width, method"),
        ("detrend", {"width": "broad"}, "width: .*not 'broad'"),
        ("bin", {}, "width is None and points is None; give one of them"),
        ("bin", {"width": "1", "points": "2"}, "give one of them"),
    ],
)
def test_parameters_that_are_wrong_are_named(name, words, complaint):
    with pytest.raises(BadLightCurve, match=complaint):
        told(name, **words)


def test_a_curve_that_cannot_be_analysed_is_named_and_leaves_nothing(curve):
    curve.values = np.full(N, np.nan)
    with pytest.raises(BadLightCurve, match=f"DataSet {curve.pk}: 0 of 200 points are finite"):
        analyse(curve, "bin", told("bin", width="1"))
    assert DataSet.objects.count() == 1
    assert not ProcessingMethod.objects.exists()


def test_a_curve_without_times_says_so(sky, make_dataset):
    with pytest.raises(BadLightCurve, match="has no times: store those of target"):
        analyse(make_dataset(), "statistics", told("statistics"))


def test_the_command_tells_what_it_made_of_each_curve(curve):
    found = run("clip", "--target", str(curve.target_id), "--set", "upper=4")
    assert (found["datasets"], found["refused"], found["parameters"]["upper"]) == (1, 0, 4.0)
    derived = found["made"][0]["derived"]
    # What was derived here is not taken for a measured curve the next time.
    assert [one["dataset"] for one in run("statistics")["made"]] == [curve.pk]
    period = run("period", "--dataset", str(derived))["made"][0]
    assert period["period"] == pytest.approx(PERIOD, rel=0.005)
    assert CurveFeatures.objects.get(pk=period["features"]).dataset_id == derived


def test_a_refused_curve_costs_only_itself(curve, sky, make_dataset):
    elsewhere = TESSObservation.objects.create(
        instrument=sky.instrument, cadence_reference=[1, 2, 3, 4], sector=9
    )
    other = make_dataset(observation=elsewhere)
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 of 2 curves refused") as refusal:
        call_command("analyse_lightcurves", "statistics", stdout=out, stderr=err)
    assert refusal.value.returncode == 1
    assert f"refused DataSet {other.pk} has no times" in err.getvalue()
    assert CurveFeatures.objects.get().dataset == curve


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--dataset", "987654"], "there is no such dataset: 987654"),
        (["--source", "nobody"], "no light curve is like that"),
    ],
)
def test_the_command_refuses_to_do_nothing(curve, words, complaint):
    with pytest.raises(CommandError, match=complaint):
        run("statistics", *words)


def test_the_admin_analyses_what_is_selected_and_shows_what_it_found(client, curve):
    client.force_login(make_user("vera", is_staff=True, is_superuser=True))
    answer = client.post(
        reverse("admin:lightcurves_dataset_changelist"),
        {"action": "search_period", "_selected_action": [curve.pk]},
        follow=True,
    )
    assert [str(one) for one in answer.context["messages"]] == ["1 curves: period stored"]
    found = CurveFeatures.objects.get()
    address = reverse("admin:lightcurves_curvefeatures_change", args=[found.pk])
    assert f"period: {found.period}" in client.get(address).content.decode()


def test_a_time_series_has_units_times_and_flags(curve):
    found = DataSet.objects.with_arrays().get(pk=curve.pk).to_astropy()
    assert found.time.format == "btjd"
    assert found.time.jd[0] == pytest.approx(2457000 + 1325.5)
    assert str(found["flux"].unit) == "electron / s"
    np.testing.assert_array_equal(found["flux"].value, curve.values)
    assert found["tess_quality"].tolist()[3:6] == [2, 0, 64]
    assert found["cadence"][0] == 7
    assert found.meta["dataset"] == curve.pk


def test_without_lightkurve_one_is_told_how_to_get_it(curve, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(series, "import_module", missing)
    with pytest.raises(NotInstalled, match="pip install lightkurve"):
        DataSet.objects.get(pk=curve.pk).to_lightkurve()


def test_a_curve_of_lightkurve_has_the_same_numbers(curve):
    pytest.importorskip("lightkurve")
    found = DataSet.objects.get(pk=curve.pk).to_lightkurve()
    np.testing.assert_array_equal(found.flux.value, curve.values)
    assert found["quality"][3] == 2
    assert found["cadenceno"][0] == 7
    assert found.time.format == "btjd"
