"""The adapter to HOTPANTS: with a small program in its place, and with itself where installed."""

import shutil
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest

from differencing.algorithms import subtract_with
from differencing.extraction.extract import extract
from differencing.kernels import hotpants_program
from differencing.kernels.hotpants_program import KERNEL_HALF, degree_for
from differencing.parameters import Algorithm, DifferenceParameters
from preprocessing.masks import MaskBit
from tests.differencing import sky

HOTPANTS = DifferenceParameters(algorithm=Algorithm.HOTPANTS)
SHAPE = (256, 300)
SCIENCE_WIDTH, REFERENCE_WIDTH = 1.6, 1.2  # px, of the Gaussian PSFs

# Takes the command line of HOTPANTS and convolves with a round Gaussian of the right width: the
# frames of these tests have Gaussian PSFs, for which that is the exact kernel. What it leaves out
# and what it says are marked and said as the program does it.
STAND_IN = """#!{python}
import sys
import numpy as np
from astropy.io import fits
from scipy.ndimage import binary_dilation, gaussian_filter, shift

words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
read = lambda name: fits.getdata(words[name]).astype(float)
science, reference = read("-inim"), read("-tmplim")
masks = [fits.getdata(words[name]) for name in ("-imi", "-tmi")]
assert set(np.unique(masks)) <= {{0, 0x80}}, "only this bit of a mask is a bad pixel"
assert np.median(science) < 20 and read("-ini").min() > 0 and float(words["-il"]) < 0
assert 0 < float(words["-iuk"]) <= float(words["-iu"]), "by itself it takes none above 25000"
moved = shift(reference, {offset}, order=5) * {ratio}
if words["-c"] == "t":
    difference = science - gaussian_filter(moved, {sigma})
else:
    difference = gaussian_filter(science, {sigma}) - moved
bad = (masks[0] | masks[1]) != 0
lost, touched = (binary_dilation(bad, iterations=reach) for reach in (3, 9))
difference[lost] = 1e-30
fits.writeto(words["-outim"], difference.astype(np.float32), overwrite=True)
left = np.where(lost, 0x8000, np.where(touched, 0x40, 0)).astype(np.uint16)
fits.writeto(words["-omi"], left, overwrite=True)
sys.stderr.write("    {n_stars} out of 99 stamps remain\\nSUCCESS\\n")
"""


def gaussian_frame(kind, sources, rng, sigma):
    """Observe ``sources`` with a round Gaussian PSF."""
    image = np.zeros(SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for a, b, flux in sources:
        distance = (x - a - kind.shift[0]) ** 2 + (y - b - kind.shift[1]) ** 2
        image += kind.scale * flux / (2 * np.pi * sigma**2) * np.exp(-distance / (2 * sigma**2))
    seen = rng.poisson((image + kind.sky) * kind.gain) + rng.normal(0, kind.read_noise, SHAPE)
    return sky.frame(seen / kind.gain - kind.sky, kind)


@pytest.fixture(scope="module")
def night():
    rng = np.random.default_rng(11)
    stars = sky.star_field(SHAPE, 90, rng, brightest=6e4)
    new = np.column_stack([sky.spread_out(SHAPE, 12, rng, stars), np.full(12, 4000.0)])
    science = gaussian_frame(sky.SCIENCE, np.vstack([stars, new]), rng, SCIENCE_WIDTH)
    reference = gaussian_frame(sky.REFERENCE, stars, rng, REFERENCE_WIDTH)
    return science, reference, new


def install(folder, monkeypatch, script):
    program = folder / "hotpants"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def stand_in(offset, ratio, n_stars=50):
    sigma = float(np.sqrt(SCIENCE_WIDTH**2 - REFERENCE_WIDTH**2))
    return STAND_IN.format(
        python=sys.executable, offset=offset, ratio=ratio, sigma=sigma, n_stars=n_stars
    )


def check_new_sources(difference, frames, places, flux):
    found = extract(difference, *frames, threshold=5.0)
    apart = np.hypot(found["x"][:, None] - places[:, 0], found["y"][:, None] - places[:, 1])
    nearest = apart.argmin(axis=0)
    assert (apart.min(axis=0) < 1.5).all()
    assert len(found) <= len(places) + 1
    pulls = (found["flux"][nearest] - flux) / found["flux_error"][nearest]
    # twelve pulls: their mean is known to 0.3; PSF models of 60 stars are good to 1 %
    assert abs(pulls.mean()) < 1.2
    assert np.abs(pulls).max() < 4


def blank(difference):
    """Significance where nothing is: sources are cut away at 4 sigma."""
    seen = difference.significance[difference.mask == 0]
    return seen[np.abs(seen) < 4]


def test_what_the_program_leaves_is_scored_like_our_own(night, tmp_path, monkeypatch):
    science, reference, new = night
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((dy, dx), sky.SCIENCE.scale))
    difference = subtract_with(science, reference, HOTPANTS)
    assert difference.algorithm == Algorithm.HOTPANTS
    assert difference.figures["convolves_science"] == 0
    assert difference.figures["n_kernel_stars"] == 50
    assert difference.figures["kernel_degree"] == 2
    flux = new[:, 2] * sky.SCIENCE.scale
    check_new_sources(difference, (science, reference), new[:, :2] + (dx, dy), flux)
    # 900 beams
    assert blank(difference).std() == pytest.approx(1, abs=0.1)


def test_a_sharper_science_frame_is_convolved_and_keeps_its_flux(night, tmp_path, monkeypatch):
    science, reference, new = night
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((-dy, -dx), 1 / sky.SCIENCE.scale))
    difference = subtract_with(reference, science, HOTPANTS)
    assert difference.figures["convolves_science"] == 1
    check_new_sources(difference, (reference, science), new[:, :2], -new[:, 2])


def test_a_sky_that_the_program_leaves_is_taken_away(night, tmp_path, monkeypatch):
    science, reference, new = night
    dx, dy = sky.SCIENCE.shift
    script = stand_in((dy, dx), sky.SCIENCE.scale)
    tilted = "difference += 4 + 0.02 * np.arange(science.shape[1])\ndifference[lost]"
    install(tmp_path, monkeypatch, script.replace("difference[lost]", tilted))
    difference = subtract_with(science, reference, HOTPANTS)
    # 7 ADU in a pixel are 2.3 sigma of a source; 900 beams tell the median to 0.04 sigma, and
    # the sky of 48 px cells is known to 0.05 of the noise of a source
    assert abs(np.median(blank(difference))) < 0.2
    places = new[:, :2] + (dx, dy)
    flux = new[:, 2] * sky.SCIENCE.scale
    check_new_sources(difference, (science, reference), places, flux)


@pytest.fixture
def damaged(night):
    """The night with a block of bad pixels in the science frame, in blank sky."""
    science, reference, _ = night
    mask = science.mask.copy()
    mask[100:104, 100:104] = int(MaskBit.BAD_PIXEL)
    return replace(science, mask=mask), reference


def test_what_the_program_leaves_out_has_no_data_and_what_it_only_touched_has(
    damaged, tmp_path, monkeypatch
):
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((dy, dx), sky.SCIENCE.scale))
    difference = subtract_with(*damaged, HOTPANTS)
    assert np.isnan(difference.difference[98:106, 102]).all()
    assert (difference.mask[98:106, 102] & MaskBit.NO_DATA).all()
    assert np.isfinite(difference.difference[[92, 111], 102]).all()
    # a diamond of 3 px about each of the 16
    assert difference.figures["lost_share"] == pytest.approx(16 * 4 / np.prod(SHAPE), abs=5e-4)


def test_the_kernel_varies_over_the_field_as_far_as_its_stars_show(night, tmp_path, monkeypatch):
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((dy, dx), sky.SCIENCE.scale, n_stars=10))
    figures = subtract_with(*night[:2], HOTPANTS).figures
    assert figures["kernel_degree"] == 1
    assert figures["n_kernel_stars"] == 10


def test_degrees_need_three_stars_for_each_of_their_terms():
    counts = [0, 8, 9, 17, 18, 10**6]
    assert [degree_for(count) for count in counts] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            'for n in 1 2 3 4; do echo "Build stamp $n"; done >&2\n'
            'echo "ERROR: not enough stamps" >&2\nexit 3',
            "^hotpants ended with status 3: Build stamp 2; Build stamp 3; Build stamp 4; "
            "ERROR: not enough stamps$",
        ),
        ("kill -SEGV $$", "^hotpants was ended by SIGSEGV: it said nothing$"),
        (
            'echo "0 stamps built (0.00%)" >&2\necho SUCCESS >&2',
            "found no star to fit its kernel to.*0 stamps built .*; SUCCESS",
        ),
        ('echo "    0 out of 9 stamps remain" >&2', "found no star to fit its kernel to"),
        ('echo "    9 out of 9 stamps remain" >&2', "ended well but wrote no difference"),
        ("exec sleep 60", "^hotpants was not done after 1 s and was stopped$"),
    ],
)
def test_a_program_that_fails_is_quoted_and_leaves_no_files(
    night, tmp_path, monkeypatch, script, words
):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(hotpants_program, "TIMEOUT_S", 1.0)
    install(tmp_path, monkeypatch, f"#!/bin/sh\n{script}\n")
    with pytest.raises(ValueError, match=words):
        subtract_with(*night[:2], HOTPANTS)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_missing_program_is_named_with_how_to_install_it(night, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ValueError, match=r"hotpants is not on the PATH.*libcfitsio"):
        subtract_with(*night[:2], HOTPANTS)


installed = pytest.mark.skipif(
    shutil.which("hotpants") is None, reason="the program hotpants is not installed"
)


@installed
def test_the_program_itself_finds_the_new_sources(night):
    science, reference, new = night
    difference = subtract_with(science, reference, HOTPANTS)
    places = new[:, :2] + sky.SCIENCE.shift
    check_new_sources(difference, night[:2], places, new[:, 2] * sky.SCIENCE.scale)
    # the few bright stars of so small a frame hold no kernel that varies
    assert difference.figures["kernel_degree"] == 0
    assert blank(difference).std() == pytest.approx(1, abs=0.1)


@installed
def test_the_program_itself_convolves_the_sharper_frame_and_keeps_its_flux(night):
    science, reference, new = night
    difference = subtract_with(reference, science, HOTPANTS)
    assert difference.figures["convolves_science"] == 1
    check_new_sources(difference, (reference, science), new[:, :2], -new[:, 2])


@installed
def test_the_program_itself_takes_frames_in_any_unit(night):
    # by itself it takes no star above 25000, which is 3 sigma here; nor is any saturated
    bright = [
        replace(
            frame,
            pixels=frame.pixels * 500,
            noise=frame.noise * 500,
            gain=frame.gain / 500,
            saturation=np.inf,
        )
        for frame in night[:2]
    ]
    difference = subtract_with(*bright, HOTPANTS)
    places, flux = night[2][:, :2] + sky.SCIENCE.shift, 500 * night[2][:, 2] * sky.SCIENCE.scale
    check_new_sources(difference, bright, places, flux)


@installed
def test_the_program_itself_leaves_nothing_of_a_frame_less_itself(night):
    difference = subtract_with(night[0], night[0], HOTPANTS)
    # its kernel is one pixel but for the last digits of 32-bit floats
    assert np.nanmax(np.abs(difference.significance)) < 0.1


@installed
def test_the_program_itself_leaves_out_bad_pixels_and_no_more_than_its_kernel_takes_of_them(
    damaged,
):
    difference = subtract_with(*damaged, HOTPANTS)
    lost = np.isnan(difference.difference)
    assert lost[100:104, 100:104].all()
    edge = KERNEL_HALF + 1
    inside = lost[edge:-edge, edge:-edge]
    # the science frame is left as it is: none of its bad pixels spreads
    assert inside.sum() == 16
    assert lost.sum() - 16 == np.prod(SHAPE) - np.prod(np.array(SHAPE) - 2 * KERNEL_HALF)


@installed
@pytest.mark.parametrize("count", [8, 12])
def test_the_program_itself_makes_no_wild_kernel_of_few_stars(count):
    rng = np.random.default_rng(count)
    places = sky.spread_out(SHAPE, count, rng, np.empty((0, 2)), gap=25)
    stars = np.column_stack([places, np.full(count, 3e4)])
    science = gaussian_frame(sky.SCIENCE, stars, rng, SCIENCE_WIDTH)
    reference = gaussian_frame(sky.REFERENCE, stars, rng, REFERENCE_WIDTH)
    difference = subtract_with(science, reference, HOTPANTS)
    assert difference.figures["n_kernel_stars"] < count
    # 900 beams of sky and a few of stars reach 4 sigma; a kernel of degree 2 left 1e4 ADU
    assert np.nanmax(np.abs(difference.significance)) < 5.5
    assert extract(difference, science, reference, threshold=5.5).size == 0


@installed
def test_the_program_itself_fails_in_words_where_no_star_is_far_enough_from_the_edges():
    rng = np.random.default_rng(5)
    # it wants 25 px on all sides
    x = np.tile(np.linspace(14, SHAPE[1] - 15, 8), 2)
    y = np.repeat([14.0, SHAPE[0] - 15.0], 8)
    stars = np.column_stack([x, y, np.full(16, 3e4)])
    science = gaussian_frame(sky.SCIENCE, stars, rng, SCIENCE_WIDTH)
    reference = gaussian_frame(sky.REFERENCE, stars, rng, REFERENCE_WIDTH)
    with pytest.raises(ValueError, match=r"found no star to fit its kernel to.*SUCCESS"):
        subtract_with(science, reference, HOTPANTS)
