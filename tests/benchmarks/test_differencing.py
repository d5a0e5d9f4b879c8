"""The neutral scorer against truths that are made by hand, and the command end to end."""

import json
import mmap
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy import stats

from benchmarks import pages
from benchmarks.differencing import pairs, required, summary, table
from benchmarks.differencing.classes import Detections, score
from benchmarks.differencing.field import Changes, Field, Frame
from benchmarks.differencing.ideal import bounds
from benchmarks.differencing.inputs import write_job
from benchmarks.differencing.measure import PEERS, Bench, Outcome, try_method, version_of
from benchmarks.differencing.run import Plan, _names
from benchmarks.differencing.score import Noise, detect, lay, matched_filter, noise_of
from benchmarks.peers.meter import measure

SIDE = 240
SIGMA = 1.5  # px, of a Gaussian PSF
NOTHING = Path("/nonexistent/python")


def gaussian(x, y, width):
    """A pixel-sampled Gaussian centred on a pixel, wherever that is."""
    grid = np.arange(width) - width // 2
    one = np.exp(-(grid**2) / (2 * SIGMA**2)) / np.sqrt(2 * np.pi * SIGMA**2)
    return np.outer(one, one)


def frame(light=None, *, sky=100.0, gain=1.0):
    light = np.zeros((SIDE, SIDE)) if light is None else light
    flat = np.full((SIDE, SIDE), sky)
    masked = np.zeros((SIDE, SIDE), bool)
    return Frame((light + flat).astype(np.float32), light, flat, masked, gain, 0.0, gaussian)


def changes(*rows):
    """From (x, y, flux, S/N, is hosted)."""
    x, y, flux, snr, hosted = np.array(rows, float).reshape(-1, 5).T
    return Changes(x, y, flux, snr, hosted.astype(bool))


def field(transients=(), variables=(), **more):
    plain = {
        "science": frame(),
        "reference": frame(gain=1e9),
        "flux_ratio": 1.0,
        "saturation": 6e4,
        "is_cosmic": np.zeros((SIDE, SIDE), bool),
        "stars": np.empty((0, 2)),
        "star_flux": np.empty(0),
        "galaxies": np.empty((0, 2)),
    }
    return Field(SIDE, 1, 1.0, changes(*transients), changes(*variables), **(plain | more))


def map_with(*peaks):
    """Zero but for Gaussian peaks (x, y, height)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.zeros((SIDE, SIDE))
    for px, py, height in peaks:
        image += height * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * SIGMA**2))
    return image


def scored(where, significance, flux=None):
    ground = lay(where)
    flux = significance if flux is None else flux
    found = [detect(sign * significance, sign * flux, ground.is_excluded) for sign in (1, -1)]
    return score(Detections(*found), ground)


# --- the scorer


def test_hits_and_misses_are_told_apart():
    where = field([(50, 50, 9, 9, 0), (90, 50, 9, 9, 0), (130, 50, 9, 9, 0)])
    # the second lies 3 px from a peak, which is too far; the third has no peak at all
    result = scored(where, map_with((51, 50.5, 9), (93, 50, 9)))
    assert result.is_found.tolist() == [True, False, False]
    assert result.extras["duplicate"] == 1  # the peak 3 px off is neither a find nor false


def test_a_region_above_the_threshold_is_one_detection_whatever_its_peaks():
    merged = map_with((50, 50, 20), (54, 50, 20))
    assert sum(scored(field(), merged).extras.values()) == 1
    assert sum(scored(field(), map_with((50, 50, 20), (64, 50, 20))).extras.values()) == 2


def test_what_stays_below_the_threshold_is_not_seen():
    assert sum(scored(field(), map_with((50, 50, 4.99))).extras.values()) == 0
    assert sum(scored(field(), map_with((50, 50, 5.01))).extras.values()) == 1


def test_what_is_found_without_a_change_is_sorted_by_what_is_there():
    cosmic = np.zeros((SIDE, SIDE), bool)
    cosmic[60, 180] = True
    where = field(
        [(40, 40, 9, 9, 0)],
        [(80, 40, 9, 9, 0)],
        is_cosmic=cosmic,
        stars=np.array([[120.0, 180.0], [200.0, 180.0]]),
        star_flux=np.array([4e5, 3e3]),
        galaxies=np.array([[40.0, 180.0]]),
    )
    places = {
        "duplicate": (44.5, 40),
        "variable": (90, 40),
        "cosmic_ray": (184, 60),
        "star": (135, 180),  # 5 + 6 log10(4e5 / 4e3) = 17 px reach
        "galaxy": (45, 180),
        "other": (203, 180),  # the fainter star is too faint to matter
    }
    for name, (x, y) in places.items():
        extras = scored(where, map_with((x, y, 9))).extras
        assert extras == {**dict.fromkeys(extras, 0), name: 1}, name


def test_nothing_is_asked_or_counted_near_masked_pixels_and_edges():
    science = frame()
    science.is_masked[100, 100] = True
    where = field([(104, 100, 9, 9, 0), (112, 100, 9, 9, 0), (5, 50, 9, 9, 0)], science=science)
    assert scored(where, np.zeros((SIDE, SIDE))).is_asked.tolist() == [False, True, False]
    assert sum(scored(where, map_with((101, 103, 5.5), (6, 120, 9))).extras.values()) == 0


def test_fading_sources_are_looked_for_in_the_negative_map():
    where = field((), [(50, 50, -9, -9, 0), (100, 50, 9, 9, 0), (150, 50, -9, -9, 0)])
    result = scored(where, map_with((50, 50, -9), (100, 50, 9), (200, 200, -9)))
    assert result.is_faded_asked.tolist() == [True, True]
    assert result.is_faded_found.tolist() == [True, False]
    assert result.negative_extras["other"] == 1
    assert result.negative_extras["variable"] == 1


def test_flux_and_place_are_read_between_the_pixels():
    where = field([(50.3, 60.4, 900.0, 20.0, 0)])
    shape = map_with((50.3, 60.4, 1.0))
    result = scored(where, 20 * shape, 900 * shape)
    # exact for a Gaussian
    assert result.flux_excess == pytest.approx([0.0], abs=1e-9)
    assert result.place_pull == pytest.approx([0.0, 0.0], abs=1e-6)


def test_flux_and_place_are_asked_of_sources_that_stand_alone():
    # 13 px from a new source, 13 px from a variable star, 15 px from either, none near
    new = [(40, 40, 900, 20, 0), (53, 40, 900, 20, 0), (100, 100, 900, 20, 0),
           (128, 100, 900, 20, 0), (200, 200, 900, 20, 0)]  # fmt: skip
    where = field(new, [(113, 100, 900, 20, 0)])
    assert where.is_alone.tolist() == [False, False, False, True, True]
    result = scored(where, 20 * map_with(*[(x, y, 1) for x, y, *_ in new]))
    assert result.is_found.all()
    assert len(result.flux_excess) == len(result.flux_pull) == 2
    assert len(result.place_pull) == 4


def test_found_shares_are_given_with_and_without_blends():
    where = field([(40, 40, 900, 20, 0), (53, 40, 900, 20, 0), (128, 100, 900, 20, 0)])
    on_map = scored(where, 20 * map_with((40, 40, 1), (128, 100, 1)))
    done = Outcome(where.truth(), (), Noise(1.0, 1.0, 0.0), on_map, None, (), ())
    shares = summary.completeness([done], [on_map])
    counts = {name: (cell["10-50"]["found"], cell["10-50"]["asked"])
              for name, cell in shares.items() if name in ("all", "alone")}  # fmt: skip
    assert counts == {"all": (2, 3), "alone": (1, 1)}


def test_a_field_without_changes_has_none_that_stand_alone():
    assert field().is_alone.shape == (0,)


def test_noise_is_measured_where_the_truth_says_that_nothing_changed():
    light = np.zeros((SIDE, SIDE))
    light[:, 120:] = 80.0  # above half the sky
    noise = np.random.default_rng(2).normal(0, 1, (SIDE, SIDE))
    noise[:, 120:] *= 2
    noise[40:61, 40:61] = 50.0  # a change: left out
    where = field([(50, 50, 9, 9, 0)], science=frame(light))
    measured = noise_of(noise, lay(where))
    # 20,000 pixels know a robust scatter to 0.8 %; allow 4 of that
    assert measured.std_blank == pytest.approx(1.0, rel=0.033)
    assert measured.std_source == pytest.approx(2.0, rel=0.033)
    assert measured.tail_source == pytest.approx(2 * stats.norm.sf(2.5), rel=0.35)  # 250 pixels


def test_the_matched_filter_gives_flux_and_significance_of_a_lone_source():
    psf = gaussian(0, 0, 33)
    difference = np.zeros((SIDE, SIDE))
    difference[84:117, 104:137] = 700 * psf  # centred on (120, 100)
    variance = np.full((SIDE, SIDE), 4.0)
    significance, flux = matched_filter(difference, variance, psf)
    assert flux[100, 120] == pytest.approx(700, rel=1e-4)  # float32
    expected = 700 * np.sqrt((psf**2).sum() / 4.0)
    assert significance[100, 120] == pytest.approx(expected, rel=1e-4)
    assert significance.argmax() == 100 * SIDE + 120


# --- the bounds


def test_the_bounds_are_those_of_a_gaussian_in_white_noise():
    # King 1983: sigma_A = 2 sqrt(pi) s sigma, sigma_x = sqrt(8 pi) s^2 sigma / A, when the
    # reference adds nothing
    limits = bounds(field(), 100, 100, 1000.0)
    assert limits.flux == pytest.approx(2 * np.sqrt(np.pi) * SIGMA * 10, rel=1e-3)
    # the centred difference quotient of the PSF enters only the weights, which are even here
    assert limits.x == pytest.approx(np.sqrt(8 * np.pi) * SIGMA**2 * 10 / 1000, rel=1e-3)
    assert limits.y == pytest.approx(limits.x)


def test_a_reference_as_noisy_as_the_frame_doubles_the_variance():
    alone, both = (
        bounds(field(reference=frame(gain=gain)), 100, 100, 1000.0) for gain in (1e9, 1.0)
    )
    assert both.flux == pytest.approx(np.sqrt(2) * alone.flux, rel=1e-6)
    assert both.x == pytest.approx(np.sqrt(2) * alone.x, rel=1e-6)


def test_own_photons_make_a_bright_source_harder_to_place():
    light = np.zeros((SIDE, SIDE))
    light[84:117, 84:117] = 5e4 * gaussian(0, 0, 33)  # centred on (100, 100)
    dark, bright = (bounds(field(science=frame(one)), 100, 100, 5e4) for one in (None, light))
    # photons alone allow s / sqrt(N) = 1.5 / sqrt(5e4) = 0.0067 px
    assert dark.x < 0.0067 < bright.x < 0.009


# --- figures


def test_a_share_stands_beside_what_noise_allows_for_the_very_sample():
    cell = summary.share(1, 2, np.array([5.0, 7.0]))
    assert cell["expected"] == pytest.approx((0.5 + stats.norm.cdf(2)) / 2)
    assert cell["share"] == 0.5
    assert summary.share(0, 0, np.empty(0))["share"] is None


@pytest.mark.parametrize("count", [0, 1, 12])
def test_the_interval_of_a_rate_is_exact(count):
    cell = summary.rate(count, 2.0)
    assert cell["rate"] == count / 2
    assert stats.poisson.cdf(count, 2 * cell["high"]) == pytest.approx(0.025)
    if count:
        assert stats.poisson.sf(count - 1, 2 * cell["low"]) == pytest.approx(0.025)
    else:
        assert cell["low"] == 0


def test_a_figure_out_of_its_limit_is_said_to_be():
    rates = {"false": {"rate": 2.0}, "cosmic_ray": {"rate": 0.2}}
    shares = {"7-10": {"share": 0.96, "expected": 0.99}}
    figures = {
        "failures": ["too few stars"],
        "cost": {"cpu_s_per_mpix": 0.2, "memory_bytes_per_px": 70.0},
        "noise": {
            name: {"mean": mean}
            for name, mean in (("std_blank", 0.985), ("std_source", 1.05), ("tail_source", 0.0))
        },
        "table": {
            "per_mpix": rates,
            "completeness": {"all": shares, "hosted": {}, "field": {}},
            "flux": {"bias": -0.004, "pull_width": None},
            "place": {"width": 1.1},
        },
    }
    dense, sparse = (required.check(figures, is_sparse=yes) for yes in (False, True))
    failed = {one["figure"] for one in dense if one["is_reached"] is False}
    assert failed == {
        "pairs refused", "bytes/px above the inputs", "std of S_corr, blank sky", "false/Mpix",
        "found, S/N 7-10",
    }  # fmt: skip
    assert {one["figure"] for one in dense if one["is_reached"] is None} == {"pull width"}
    assert "false/Mpix" not in {one["figure"] for one in sparse if one["is_reached"] is False}


def test_the_cost_of_work_counts_its_memory_and_time():
    def touch():
        # fresh from the system: memory that the process freed earlier would not show
        area = np.frombuffer(mmap.mmap(-1, 50_000_000), np.uint8)
        area.fill(1)
        return area

    kept, cost = measure(touch)
    assert kept.nbytes == 50_000_000
    # a few small objects come on top
    assert 49_000_000 < cost.memory_bytes < 55_000_000
    assert cost.cpu_s > 0
    assert cost.wall_s > 0


# --- pairs


GENERATOR = """
    from benchmarks.differencing.pairs import simulated

    class Psf:
        def __init__(self, at):
            self.stamp = at

    def make_pair(n, seed, star_density=1.0):
        f = simulated(n, seed, star_density)
        new, s, r = f.transients, f.science, f.reference
        return dict(
            sci=s.pixels, ref=r.pixels, mask_sci=s.is_masked, mask_ref=r.is_masked,
            cr=f.is_cosmic, gain_sci=s.gain, gain_ref=r.gain, rn_sci=s.read_noise_e,
            rn_ref=r.read_noise_e, sat=f.saturation, fn=f.flux_ratio, sky_sci=s.sky,
            sky_ref=r.sky, model_sci=s.light, model_ref=r.light, tx=new.x, ty=new.y,
            tflux=new.flux, tsnr=new.snr, thost=new.is_hosted - 1, sx=f.stars[:, 0],
            sy=f.stars[:, 1], sflux=f.star_flux, svar=f.star_flux > 2e4,
            sdflux=-0.1 * f.star_flux * f.flux_ratio, gx=f.galaxies[:, 0],
            gy=f.galaxies[:, 1], Pn=Psf(s.psf), Pr=Psf(r.psf)
        )
"""


def generator(folder, *, renamed="no such key"):
    path = folder / "other.py"
    path.write_text(dedent(GENERATOR).replace(f"{renamed}=", "another="))
    return path


def test_pairs_of_an_outside_module_are_read(tmp_path):
    outside = pairs.outside(generator(tmp_path))(512, 3, 0.5)
    own = pairs.simulated(512, 3, 0.5)
    assert np.array_equal(outside.science.pixels, own.science.pixels)
    assert np.array_equal(outside.transients.x, own.transients.x)
    assert (outside.variables.snr < 0).all()
    assert len(outside.variables) > 0
    # the sources' own light is added to the model, which has none by agreement
    added = (outside.science.light - own.science.light).sum()
    assert added == pytest.approx(own.transients.flux.sum(), rel=0.02)  # wings beyond 61 px


def test_a_pair_that_lacks_something_is_refused_with_its_name(tmp_path):
    path = generator(tmp_path, renamed="tsnr")
    with pytest.raises(ValueError, match="has no tsnr"):
        pairs.outside(path)(256, 1, 1.0)


def test_a_module_without_the_function_is_refused(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("")
    with pytest.raises(ValueError, match="no make_pair"):
        pairs.outside(path)
    with pytest.raises(ValueError, match="not a Python file"):
        pairs.outside(tmp_path / "none.py")


def test_the_stated_significance_of_new_sources_is_near_the_one_of_the_bounds():
    made = pairs.simulated(512, 5, 1.0)
    new = made.transients
    own = [bounds(made, x, y, f).flux for x, y, f in zip(new.x, new.y, new.flux, strict=True)]
    # two formulas for noise that changes over the PSF: weighted mean and harmonic mean
    assert np.median(new.flux / own / new.snr) == pytest.approx(1.0, abs=0.03)


# --- the command


def test_a_peer_that_fails_is_a_row_with_its_reason(tmp_path):
    made = pairs.simulated(256, 1, 1.0)
    job = write_job(made, tmp_path / "job")
    job.state({**job.facts, "saturation": -1.0})  # no camera has that
    trial = try_method("astrid", job, lay(made), Bench(str(NOTHING), 300, 1))
    assert trial.outcome is None
    assert "saturation" in trial.failure
    assert summary.summarise([trial]) == {"pairs": 1, "failures": [trial.failure]}


PROGRAM = """\
    #!{python}
    import sys

    import numpy as np
    from astropy.io import fits

    given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    if not given:
        sys.exit("Version 0.0.1")
    science, reference, noise, reference_noise = (
        fits.getdata(given[key]) for key in ("-inim", "-tmplim", "-ini", "-tni")
    )
    lost = ((fits.getdata(given["-imi"]) | fits.getdata(given["-tmi"])) & 0x80) != 0
    made = science - {ratio} * reference
    variance = noise**2 + ({ratio} * reference_noise) ** 2
    made[lost], variance[lost] = 1e-30, 0
    fits.writeto(given["-outim"], made.astype("f4"))
    fits.writeto(given["-oni"], np.sqrt(variance).astype("f4"))
    sys.stderr.write("9 out of 9 stamps remain")
"""


def test_a_program_that_makes_only_a_difference_is_run_and_scored(tmp_path, monkeypatch):
    """In place of the real program one that subtracts without any kernel."""
    made = pairs.simulated(512, 2, 1.0)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "hotpants"
    program.write_text(dedent(PROGRAM).format(python=sys.executable, ratio=made.flux_ratio))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    bench = Bench(str(NOTHING), 300, 1)
    assert version_of("hotpants", bench) == ("0.0.1", "")
    outcome = try_method("hotpants", write_job(made, tmp_path / "job"), lay(made), bench).outcome
    # in blank sky no kernel is needed: 0.2 Mpix of which beams of 40 px are independent
    assert outcome.noise.std_blank == pytest.approx(1.0, abs=0.06)
    # on sources it is: a frame of another seeing does not cancel
    assert outcome.noise.std_source > 2
    bright = made.transients.snr > 12
    found = outcome.on_map
    assert found.is_found[bright & found.is_asked].mean() > 0.8
    assert outcome.on_table is None
    # both frames, their noise and masks, as 32-bit floats and 16-bit integers, are in memory
    assert outcome.costs[0].memory_bytes > 2 * (4 + 4 + 2) * 512**2


def test_a_program_that_ends_well_without_a_kernel_has_failed(tmp_path, monkeypatch):
    """As HOTPANTS does where it finds no star."""
    program = tmp_path / "hotpants"
    program.write_text("#!/bin/sh\necho '0 stamps built (0.00%)' >&2\necho SUCCESS >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    made = pairs.simulated(256, 1, 1.0)
    bench = Bench(str(NOTHING), 300, 1)
    trial = try_method("hotpants", write_job(made, tmp_path / "job"), lay(made), bench)
    assert trial.outcome is None
    assert "hotpants fitted no kernel: 0 stamps built (0.00%) SUCCESS" in trial.failure


@pytest.mark.skipif(shutil.which("hotpants") is None, reason="hotpants is not installed")
def test_the_program_itself_subtracts_and_is_scored(tmp_path):
    made = pairs.simulated(512, 2, 1.0)
    bench = Bench(str(NOTHING), 300, 1)
    assert version_of("hotpants", bench)[0].startswith("5.")
    outcome = try_method("hotpants", write_job(made, tmp_path / "job"), lay(made), bench).outcome
    # its noise is that of independent pixels, which its kernel does not leave
    assert outcome.noise.std_blank == pytest.approx(1.0, abs=0.1)
    found = outcome.on_map
    bright = found.is_asked & (made.transients.snr > 12)
    assert found.is_found[bright].mean() > 0.8
    # the fluxes of some ten bright ones, in the units of the science frame
    assert np.median(found.flux_excess) == pytest.approx(0, abs=0.1)


@pytest.fixture(scope="module")
def quick():
    from io import StringIO

    out = StringIO()
    call_command("benchmark", "differencing", "--quick", "--repeats", "1", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_prints_one_json_object_with_every_figure(quick):
    names = [row["method"] for row in quick["pairs"]]
    assert names == 2 * ["astrid", "astrid_threads", "astrid_cached"]
    assert all(row["size"] == 512 and not row["failure"] for row in quick["pairs"])
    rows = [row for row in quick["pairs"] if row["method"] == "astrid"]
    whole = quick["summary"]["groups"]["512"]
    assert whole["pairs"] == 2
    assert whole["cost"]["cpu_s_per_mpix"] > 0
    # noise of 0.4 Mpix of which beams of 40 px are independent is known to 1 %; allow 5 of them
    assert whole["noise"]["std_blank"]["mean"] == pytest.approx(1.0, abs=0.05)
    bright = whole["table"]["completeness"]["all"]["10-50"]
    assert bright["asked"] == sum(
        row["table"]["completeness"]["all"]["10-50"]["asked"] for row in rows
    )
    assert {one["figure"] for one in quick["required"]["512"]} >= {
        "CPU s/Mpix, cold", "CPU s/Mpix, cached reference", "wall s/Mpix, two threads",
        "false/Mpix",
    }  # fmt: skip
    assert str(Path(__file__).parents[2]) not in json.dumps(quick["machine"])


def test_the_tables_go_between_the_markers_of_a_page(quick, tmp_path):
    page = tmp_path / "page.md"
    begin, end = pages.markers("differencing")
    page.write_text(f"before\n{begin}\nof yesterday\n{end}\nafter\n")
    for _ in range(2):
        pages.write(page, "differencing", table.render(quick))
    text = page.read_text()
    assert text.startswith(f"before\n{begin}\nMeasured on ")
    assert text.endswith(f"\n{end}\nafter\n")
    assert "of yesterday" not in text
    assert text.count("CPU s/Mpix, cold") == 1
    with pytest.raises(ValueError, match="has no lines"):
        pages.write(page, "another", "")


def test_peers_that_are_not_installed_are_listed_with_the_way_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    bench = Bench("/bin/false", 60, 1)
    from benchmarks.differencing.run import _describe

    others = [name for name in PEERS if not name.startswith("astrid")]
    methods = {name: _describe(name, bench) for name in others}
    assert [one["version"] for one in methods.values()] == [None] * len(others)
    listed = table._peers({"methods": methods})
    for one in methods.values():
        assert f"not installed: {one['install']}" in listed


def test_peers_stand_beside_this_project_on_the_same_pairs(quick):
    own = quick["summary"]["groups"]["512"]
    slower = json.loads(json.dumps(own))
    slower["cost"]["cpu_s_per_mpix"] *= 7
    failed = {"pairs": 2, "failures": ["MemoryError", "MemoryError"]}
    figures = {
        "methods": {name: {"title": name.upper()} for name in ("astrid", "slow", "broken")},
        "summary": {"side_by_side": {"512": {"astrid": own, "slow": slower, "broken": failed}}},
    }
    text = "\n".join(table._side_by_side(figures))
    assert next(line for line in text.splitlines() if "SLOW" in line).split(" | ")[3] == "7"
    assert next(line for line in text.splitlines() if "BROKEN" in line).endswith("MemoryError |")


def test_an_interpreter_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="no such interpreter"):
        call_command("benchmark", "differencing", "--quick", "--peers-python", str(NOTHING))


def test_seeds_of_large_frames_are_fewer_and_sparse_fields_are_among_the_pairs():
    from benchmarks.differencing.command import _plan

    options = dict.fromkeys(("sizes", "seeds", "star_densities")) | {
        "quick": False, "peers": ["none"], "peer_pairs": 2, "peer_sizes": None, "area": 50.0,
    }  # fmt: skip
    drawn = _plan(options).pairs
    assert len({seed for size, seed, density in drawn if (size, density) == (2048, 1.0)}) == 10
    assert {density for size, _, density in drawn if size == 1024} == {1.0, 0.1}
    # the same number of stars in the frame at any size
    assert pytest.approx(2048**2 * min(d for s, _, d in drawn if s == 2048)) == 1024**2 * 0.1
    assert sum(size == 4096 for size, _, _ in drawn) == 3
    assert sum(size == 4096 for size, _, _ in _plan(options | {"area": 1.0}).pairs) == 1


def test_variants_and_peers_get_the_first_pairs_of_each_group():
    drawn = [(size, seed, 1.0) for size in (256, 512) for seed in range(4)]
    plan = Plan(drawn, ["sfft"], 1, [512])
    named = [_names(plan, number, ["sfft"]) for number in range(len(drawn))]
    assert ["sfft" in names for names in named] == [False] * 4 + [True] + [False] * 3
    assert ["astrid_cached" in names for names in named] == 2 * [True, True, False, False]
    assert all(names[0] == "astrid" for names in named)


def test_a_prepared_reference_changes_no_candidate(tmp_path):
    made = pairs.simulated(512, 2, 1.0)
    job = write_job(made, tmp_path / "job")
    bench = Bench(str(NOTHING), 300, 2)
    for name in ("astrid", "astrid_cached"):
        assert try_method(name, job, lay(made), bench).failure == ""
    # of the second run with the same pack: the first has left it as it was
    cold, cached = (job.array(f"{name}-table") for name in ("astrid", "astrid_cached"))
    assert len(cold) > 5
    assert cached.tobytes() == cold.tobytes()


def test_the_share_of_stars_is_that_of_the_density():
    few, usual = (pairs.simulated(512, 7, density) for density in (0.25, 1.0))
    # Poisson scatter of 335 and 84 stars in the frame and its margin is 12 %; allow 3 of them
    assert len(few.stars) / len(usual.stars) == pytest.approx(0.25, abs=0.09)
    assert few.group == "512 sparse"
    assert replace(few, star_density=1.0).group == "512"
