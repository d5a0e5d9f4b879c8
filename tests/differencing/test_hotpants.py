"""The adapter to HOTPANTS, with a small program in its place, and with itself where installed."""

import shutil
import sys

import numpy as np
import pytest

from differencing.algorithms import subtract_with
from differencing.extraction.extract import extract
from differencing.parameters import Algorithm, DifferenceParameters
from preprocessing.masks import MaskBit
from tests.differencing import sky

HOTPANTS = DifferenceParameters(algorithm=Algorithm.HOTPANTS)
SHAPE = (256, 300)

# Takes the command line of HOTPANTS and convolves with a round Gaussian of the right width: the
# frames of these tests have Gaussian PSFs, for which that is the exact kernel.
STAND_IN = """#!{python}
import sys
import numpy as np
from astropy.io import fits
from scipy.ndimage import binary_dilation, gaussian_filter, shift

words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
read = lambda name: fits.getdata(words[name]).astype(float)
science, reference = read("-inim"), read("-tmplim")
bad = (read("-imi") != 0) | (read("-tmi") != 0)
assert np.median(science) < 20 and read("-ini").min() > 0 and float(words["-il"]) < 0
moved = shift(reference, {offset}, order=5) * {ratio}
if words["-c"] == "t":
    difference = science - gaussian_filter(moved, {sigma})
else:
    difference = gaussian_filter(science, {sigma}) - moved
lost = binary_dilation(bad, iterations=3)
difference[lost] = 1e-30
fits.writeto(words["-outim"], difference.astype(np.float32))
fits.writeto(words["-omi"], lost.astype(np.int16))
"""
FAILING = """#!/bin/sh
echo "ERROR: not enough stamps" >&2
exit 3
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
    science = gaussian_frame(sky.SCIENCE, np.vstack([stars, new]), rng, 1.6)
    reference = gaussian_frame(sky.REFERENCE, stars, rng, 1.2)
    return science, reference, new


def install(folder, monkeypatch, script):
    program = folder / "hotpants"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def stand_in(offset, ratio):
    sigma = float(np.sqrt(1.6**2 - 1.2**2))
    return STAND_IN.format(python=sys.executable, offset=offset, ratio=ratio, sigma=sigma)


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


def test_what_the_program_leaves_is_scored_like_our_own(night, tmp_path, monkeypatch):
    science, reference, new = night
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((dy, dx), sky.SCIENCE.scale))
    difference = subtract_with(science, reference, HOTPANTS)
    assert difference.algorithm == Algorithm.HOTPANTS
    assert difference.figures["convolves_science"] == 0
    flux = new[:, 2] * sky.SCIENCE.scale
    check_new_sources(difference, (science, reference), new[:, :2] + (dx, dy), flux)
    blank = np.abs(difference.significance[difference.mask == 0]) < 4
    # 900 beams, sources cut away at 4 sigma
    assert difference.significance[difference.mask == 0][blank].std() == pytest.approx(1, abs=0.1)


def test_a_sharper_science_frame_is_convolved_and_keeps_its_flux(night, tmp_path, monkeypatch):
    science, reference, new = night
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((-dy, -dx), 1 / sky.SCIENCE.scale))
    difference = subtract_with(reference, science, HOTPANTS)
    assert difference.figures["convolves_science"] == 1
    check_new_sources(difference, (reference, science), new[:, :2], -new[:, 2])


def test_what_the_program_leaves_out_has_no_data(night, tmp_path, monkeypatch):
    science, reference, _ = night
    science.mask[100:104, 100:104] = int(MaskBit.BAD_PIXEL)
    dx, dy = sky.SCIENCE.shift
    install(tmp_path, monkeypatch, stand_in((dy, dx), sky.SCIENCE.scale))
    difference = subtract_with(science, reference, HOTPANTS)
    science.mask[100:104, 100:104] = 0
    assert np.isnan(difference.difference[98:106, 102]).all()
    assert (difference.mask[98:106, 102] & MaskBit.NO_DATA).all()
    assert difference.figures["lost_share"] > 0


def test_a_failing_program_is_quoted(night, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, FAILING)
    with pytest.raises(ValueError, match="ended with status 3: ERROR: not enough stamps"):
        subtract_with(*night[:2], HOTPANTS)


def test_a_missing_program_is_named_with_how_to_install_it(night, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ValueError, match=r"hotpants is not on the PATH.*libcfitsio"):
        subtract_with(*night[:2], HOTPANTS)


@pytest.mark.skipif(
    shutil.which("hotpants") is None, reason="the program hotpants is not installed"
)
def test_the_program_itself_finds_the_new_sources(night):
    science, reference, new = night
    difference = subtract_with(science, reference, HOTPANTS)
    places = new[:, :2] + sky.SCIENCE.shift
    check_new_sources(difference, night[:2], places, new[:, 2] * sky.SCIENCE.scale)
