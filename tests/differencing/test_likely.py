"""Stars told from cosmic rays that outnumber them, by what both frames show."""

from dataclasses import replace

import numpy as np
import pytest

from differencing.parameters import DifferenceParameters
from differencing.subtraction.pack import prepare_reference
from differencing.subtraction.subtract import make_ready
from tests.differencing import sky

SHAPE = (420, 380)
HITS = 60  # five for each star
PARAMETERS = DifferenceParameters()


def struck(frame, rng):
    """The frame with hits of one size, narrower than any star, at places of its own."""
    pixels = frame.pixels.copy()
    for x, y, flux in np.column_stack(
        [rng.uniform(20, SHAPE[1] - 21, HITS), rng.uniform(20, SHAPE[0] - 21, HITS),
         10 ** rng.uniform(3.3, 4.2, HITS)]
    ):  # fmt: skip
        column, row = round(x), round(y)
        sky.place(pixels, flux * sky.moffat(1.5, 0.0, x - column, y - row, 8), column, row)
    return replace(frame, pixels=pixels.astype(np.float32))


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(81)
    places = sky.spread_out(SHAPE, 12, rng, np.empty((0, 2)), gap=50.0)
    stars = np.column_stack([places, np.geomspace(4e3, 3e4, 12)])
    return [
        struck(sky.observe(SHAPE, kind, stars, rng), rng) for kind in (sky.SCIENCE, sky.REFERENCE)
    ]


def test_the_stars_are_those_that_both_frames_show(frames):
    figures = make_ready(*frames, PARAMETERS).pair.figures()
    # a dozen stars beside five times as many hits: their widths to 4 %; a hit has 1.5 px
    assert figures["fwhm_science"] == pytest.approx(sky.SCIENCE.fwhm, rel=0.06)
    assert figures["fwhm_reference"] == pytest.approx(sky.REFERENCE.fwhm, rel=0.06)
    assert figures["flux_ratio"] == pytest.approx(sky.SCIENCE.scale, rel=0.02)


def test_a_prepared_reference_is_measured_again_where_it_took_hits_for_stars(frames):
    pack = prepare_reference(frames[1], PARAMETERS)
    assert pack.model.fwhm < 2.0
    fresh, again = (make_ready(frames[0], known, PARAMETERS).pair for known in (frames[1], pack))
    for one, other in zip(fresh.models, again.models, strict=True):
        assert np.array_equal(one.coefficients, other.coefficients)
    for one, other in zip(fresh.planes, again.planes, strict=True):
        assert np.array_equal(one.mask, other.mask)
