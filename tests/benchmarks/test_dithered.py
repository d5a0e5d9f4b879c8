import json

import numpy as np
import pytest
from astropy.wcs import WCS
from django.core.management import CommandError, call_command
from scipy import stats

from benchmarks import estimates, ground, pages, score, summary
from benchmarks.dithered import try_pair
from benchmarks.ground import Ground
from differencing.extraction.extract import DTYPE
from differencing.subtraction.subtract import Difference
from observations.models import Observation
from observations.simulator import SceneParameters, Source, simulate_pair

SIDE = 200


@pytest.mark.parametrize(("found", "asked"), [(0, 10), (9, 10), (10, 10), (350, 351)])
def test_an_interval_is_that_of_wilson(found, asked):
    expected = stats.binomtest(found, asked).proportion_ci(method="wilson")
    assert estimates.wilson(found, asked) == pytest.approx((expected.low, expected.high))


def test_a_share_of_nothing_has_no_interval():
    with pytest.raises(ValueError, match="0 trials"):
        estimates.wilson(0, 0)


def test_the_error_of_a_median_is_its_scatter_over_repetitions():
    draws = np.random.default_rng(1).normal(2.0, 0.5, (400, 300))
    found = np.array([estimates.median_with_error(row) for row in draws])
    assert found[:, 0].mean() == pytest.approx(2.0, abs=4 * 0.5 * 1.2533 / np.sqrt(400 * 300))
    # the scatter of 400 repetitions is known to 1 / sqrt(800) = 3.5 %; allow 4 of them
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.14)


# --- the truth on the grid of the difference


@pytest.fixture(scope="module")
def pair():
    parameters = SceneParameters(size=400, max_dither=12.0, cosmic_rays_per_mpix=60)
    return simulate_pair(parameters, 3, dithered=True)


@pytest.fixture(scope="module")
def laid(pair):
    return ground.ground_of(pair)


def test_a_variable_star_lies_where_the_reference_shows_it(pair, laid):
    light = pair.reference.light - pair.reference.conditions.sky()
    shown = 0
    for source, x, y in zip(laid.sources, laid.x, laid.y, strict=True):
        if source.kind != "variable" or source.is_masked:
            continue
        row, column = round(y), round(x)
        around = light[row - 2 : row + 3, column - 2 : column + 3]
        found = np.unravel_index(around.argmax(), around.shape)
        # a bright neighbour may outshine it, so most of them must peak in their own pixel
        shown += np.hypot(found[0] - 2 + row - y, found[1] - 2 + column - x) < 0.9
    assert shown >= 0.8 * sum(source.kind == "variable" for source in laid.sources)


def test_blank_sky_holds_no_light_of_either_frame(pair, laid):
    reference = pair.reference.light - pair.reference.conditions.sky()
    limit = ground.BLANK_SIGMA * pair.science.conditions.sky_sigma / pair.flux_ratio
    assert 0.3 < laid.is_blank.mean() < 1
    assert reference[laid.is_blank].max() <= limit * 1.001  # float32
    assert not (laid.is_blank & laid.is_source).any()


def test_what_is_near_a_change_a_ray_or_a_defect_is_not_blank(pair, laid):
    for x, y in zip(laid.x, laid.y, strict=True):
        assert not laid.is_steady[
            round(y) - 10 : round(y) + 11, round(x) - 10 : round(x) + 11
        ].any()
    assert not (laid.is_steady & laid.is_cosmic).any()
    assert not (laid.is_steady & ground.grown(pair.reference.is_masked, 5)).any()
    assert laid.is_cosmic.any()


def test_pixels_that_the_science_frame_does_not_see_are_not_usable(pair, laid):
    corners = np.array([[0.0, 0.0], [0.0, 399.0], [399.0, 0.0], [399.0, 399.0]])
    scene = ground._from_frame(pair.reference.conditions.pointing, *corners.T)
    back = pair.reference.conditions.pointing.to_frame(*scene)
    assert np.allclose(np.column_stack(back), corners)  # the inverse is one
    x, y = pair.science.conditions.pointing.to_frame(*scene)
    unseen = (x < 0) | (x > 399) | (y < 0) | (y > 399)
    assert unseen.any()
    assert not laid.is_usable[[0, 0, -1, -1], [0, -1, 0, -1]].any()


# --- scoring by hand


def source(kind="transient", snr=20.0, flux=1000.0, is_masked=False):
    return Source("name", kind, 0, 0, 0, 0, flux, snr, np.nan, is_masked)


def plain_ground(sources, places, **planes):
    """A usable, blank field with ``sources`` at ``places`` (x, y)."""
    yes, no = np.ones((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    defaults = {"is_usable": yes, "is_steady": yes, "is_blank": yes, "is_source": yes}
    x, y = np.array(places, float).reshape(-1, 2).T
    return Ground(sources, x, y, **{**defaults, "is_cosmic": no, **planes})


def candidates(*rows):
    """Candidates from (x, y, flux)."""
    made = np.zeros(len(rows), DTYPE)
    for one, (x, y, flux) in zip(made, rows, strict=True):
        one["x"], one["y"], one["flux"], one["is_negative"] = x, y, flux, flux < 0
    return made


def test_each_candidate_serves_the_source_nearest_to_it():
    where = plain_ground([source(), source()], [(50, 50), (52, 50)])
    match = score.match_sources(candidates((51.8, 50, 900)), where)
    assert match.tolist() == [-1, 0]


def test_a_candidate_of_the_other_sign_is_no_match():
    where = plain_ground([source(flux=-1000.0, snr=-20.0)], [(50, 50)])
    assert score.match_sources(candidates((50, 50, 900)), where).tolist() == [-1]
    assert score.match_sources(candidates((50, 50, -900)), where).tolist() == [0]


def test_what_matches_nothing_is_counted_by_what_is_there():
    cosmic, usable, blank = (np.full((SIDE, SIDE), value) for value in (False, True, True))
    cosmic[20:30, 20:30], usable[60:70, 60:70], blank[100:110, 100:110] = True, False, False
    where = plain_ground(
        [source("variable")], [(150, 150)], is_cosmic=cosmic, is_usable=usable, is_blank=blank
    )
    found = candidates(
        (150, 150.5, 900),  # the variable itself
        (150, 158, 90),  # in its halo
        (25, 25, 90),  # a ray
        (65, 65, 90),  # a defect
        (105, 105, 90),  # a star
        (180, 20, 90),  # sky
    )
    match = score.match_sources(found, where)
    counted = score.extras(found, match, where)
    assert vars(counted) == dict.fromkeys(vars(counted), 1)


def test_masked_sources_are_not_asked_for():
    where = plain_ground([source(is_masked=True), source(snr=8.0)], [(50, 50), (90, 90)])
    result = score.score(difference(), candidates((90, 90, 900)), where)
    assert [(one.injected, one.found) for one in result.transients] == [(0, 0), (1, 1), (0, 0)]


def difference(sigma=1.0):
    """Noise of a known scatter in place of a score."""
    noise = np.random.default_rng(4).normal(0, sigma, (SIDE, SIDE)).astype(np.float32)
    mask = np.zeros((SIDE, SIDE), np.uint16)
    psf = np.ones((3, 3), np.float32) / 9
    return Difference(
        noise, noise, noise, noise, mask, psf, WCS(naxis=2), figures={"noise_scale": 1.1}
    )


def test_the_scatter_of_blank_sky_is_that_of_its_pixels():
    half = np.zeros((SIDE, SIDE), bool)
    half[:, : SIDE // 2] = True
    where = plain_ground([], [], is_blank=half, is_source=~half)
    noisy = difference(1.2)
    noisy.significance[:, SIDE // 2 :] *= 2
    measured = score.noise_of(noisy, where)
    # 20,000 pixels know a scatter to 1 / sqrt(40,000) = 0.5 %, by MAD to 0.8 %; allow 4 of them
    assert measured.blank == pytest.approx(1.2, rel=0.02)
    assert measured.blank_robust == pytest.approx(1.2, rel=0.033)
    assert measured.source == pytest.approx(2.4, rel=0.033)
    assert measured.scale == 1.1


def test_flux_and_place_are_compared_with_the_truth():
    places = [(20.0 + 30 * n, 50.0) for n in range(5)]
    where = plain_ground([source() for _ in places], places)
    found = candidates(*((x + 0.3, y - 0.4, 1020.0) for x, y in places))
    result = score.score(difference(), found, where)
    assert result.flux_excess == pytest.approx([0.02] * 5)
    assert result.offsets == pytest.approx(np.tile([0.3, -0.4], (5, 1)))


# --- the whole of it


def test_trials_add_up_and_say_whether_they_reach_what_is_required():
    trials = [try_pair(seed, 320) for seed in (1, 2)]
    joined = summary.summarise(trials)
    bright = joined["completeness"]["all"][">10"]
    parts = [finds[2] for one in trials for finds in (one.score.transients, one.score.variables)]
    assert bright["injected"] == sum(part.injected for part in parts) > 0
    assert bright["found"] == sum(part.found for part in parts)
    assert joined["required"]["found >10"] == (bright["share"] >= 0.98)
    # 0.2 Mpix of which beams of 40 px are independent know the scatter to 1 %; allow 5 of them
    assert joined["noise"]["std_blank"] == pytest.approx(1.0, abs=0.05)


def test_the_command_prints_one_json_object(capsys):
    call_command("benchmark", "dithered", "--seeds", "1", "--size", "256", "--json")
    figures = json.loads(capsys.readouterr().out)
    assert figures["size"] == 256
    assert figures["cost"]["cpu_s_per_mpix"].keys() == {
        "calibrate", "onto grid", "subtract", "extract",
    }  # fmt: skip
    assert figures["required"].keys() == {"std_blank", "found 7-10", "found >10", "flux_bias"}


def test_the_command_prints_a_table_and_puts_it_on_a_page(capsys, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("\n".join(pages.markers("dithered")))
    call_command("benchmark", "dithered", "--seeds", "1", "--size", "256", "--table", str(page))
    written = capsys.readouterr()
    assert written.out == ""
    assert "flux bias" in written.err
    assert "| flux bias" in page.read_text()


@pytest.mark.django_db
def test_a_night_is_measured_stage_by_stage_as_a_survey_of_its_own(capsys):
    call_command(
        "benchmark", "pipeline", "--seeds", "1", "--size", "256", "--fields", "1", "--json"
    )
    figures = json.loads(capsys.readouterr().out)
    assert figures["failed"] == {}
    expected = {"ingest": 3, "preprocess": 3, "difference": 2, "inference": 2}
    # objects that the second frame shows are looked for in the first, which is a run of its own
    assert figures["runs"] == expected | {"photometry": 3}
    assert figures["seconds"].keys() == figures["runs"].keys()
    assert Observation.objects.filter(survey__name=figures["survey"]).count() == 3


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(CommandError, match="invalid choice: 'speed'"):
        call_command("benchmark", "speed")


def test_a_frame_too_small_to_measure_is_refused():
    with pytest.raises(CommandError, match="256 or more"):
        call_command("benchmark", "dithered", "--size", "64")
