import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline

from differencing.extraction.blends import part_blends
from differencing.extraction.extract import DTYPE, extract
from differencing.extraction.joint import Blend, Response, Surfaces, fit_blends
from differencing.extraction.response import Search, may_hide, part
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from tests.differencing import sky

WIDTH, HALF = 1.45, 10  # px; of a PSF with a FWHM of 3.4
AXIS = np.arange(-HALF, HALF + 1)
SEARCH = Search(error=1.0, threshold=5.0, least_apart=2.4)


def gaussian(width, x=0.0, y=0.0, half=HALF):
    axis = np.arange(-half, half + 1)
    return np.exp(-((axis - x) ** 2 + (axis[:, None] - y) ** 2) / (2 * width**2))


def flux_map(*sources, width=WIDTH):
    """Gaussians correlated with the PSF: their variances add up."""
    beam = np.hypot(width, WIDTH)
    return sum(flux * gaussian(beam, x, y) for x, y, flux in sources)


@pytest.fixture(scope="module")
def response():
    return Response(gaussian(WIDTH, half=16))


def parted(flux, places, response):
    return part(flux, fit_blends(flux[None], np.array([places]), response)[0], response, SEARCH)


def test_the_response_is_the_psf_correlated_with_itself(response):
    # a cubic spline through samples 0.5 sigma apart
    np.testing.assert_allclose(
        response.light([[0.3, -1.7]], [1.0], HALF)[0], flux_map((0.3, -1.7, 1)), atol=2e-3
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("apart", [3.2, 4.1])
def test_parts_two_equal_sources_of_which_one_is_known_only_as_their_common_peak(
    response, sign, apart
):
    truth = np.array([[-apart / 2, 0.4, 30 * sign], [apart / 2, -0.3, 30 * sign]])
    blend = parted(flux_map(*truth), [[0.2, 0.0]], response)
    assert len(blend.flux) == 2
    order = np.argsort(blend.places[:, 0])
    # moved until still to 0.02 px, a shrinking step: some of them off
    np.testing.assert_allclose(blend.places[order], truth[:, :2], atol=0.25)
    np.testing.assert_allclose(blend.flux[order], truth[:, 2], rtol=0.05)


def test_a_faint_source_on_the_wing_of_a_bright_one_is_found(response):
    blend = parted(flux_map((0, 0, 60), (5.0, 1.0, 9)), [[0.0, 0.0]], response)
    assert blend.flux == pytest.approx([60, 9], rel=0.05)
    assert blend.places[1] == pytest.approx([5.0, 1.0], abs=0.2)


@pytest.mark.parametrize("apart", [2.9, 3.3, 3.9])
def test_a_faint_source_is_found_that_one_bright_source_would_take_up_half_of(response, apart):
    # their common peak, half a pixel off, leaves 3 to 5 sigma of the 10
    blend = parted(flux_map((0, 0, 25), (apart, 0, 10)), [[0.5, 0.0]], response)
    assert len(blend.flux) == 2
    # places are moved until still to 0.02 px, a shrinking step
    assert blend.places[1] == pytest.approx([apart, 0.0], abs=0.4)
    assert blend.flux[1] == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_screen_lets_pass_what_hides_another_and_stops_what_stands_alone(response, sign):
    beside = [(0, 0, 0), (5, 1, 2.5), (5, 1, 9), (-2.5, 2, 30), (6, -6, -30)]
    truth = [[(0.2, -0.3, 60 * sign), (x, y, flux * sign)] for x, y, flux in beside]
    stamps = np.stack([flux_map(*sources) for sources in truth])
    lone = Blend(np.tile([0.2, -0.3], (5, 1)), np.full(5, 60 * sign), np.ones(5))
    # 2.5 sigma is below the threshold even of the screen; what has the other sign is not hidden
    assert may_hide(stamps, lone, response, SEARCH).tolist() == [False, False, True, True, False]


@pytest.mark.parametrize("width", [0.96, 1.0, 1.04])
def test_a_lone_bright_source_is_not_parted_though_the_psf_be_a_little_off(response, width):
    image = flux_map((0.2, 0.3, 200), width=width * WIDTH)
    assert len(parted(image, [[0.2, 0.3]], response).flux) == 1


def test_errors_grow_by_what_overlap_costs(response):
    stamps = flux_map((0, 0, 50), (3, 0, 40))[None]
    (blend,) = fit_blends(stamps, np.array([[[0.0, 0], [3, 0]]]), response)
    overlap = np.exp(-(3.0**2) / (4 * WIDTH**2))
    # the inverse of [[1, b], [b, 1]]; positions move by hundredths of a pixel
    assert blend.loss == pytest.approx(1 / np.sqrt(1 - overlap**2), rel=0.02)
    assert blend.flux == pytest.approx([50, 40], rel=0.02)


def test_a_blend_at_the_corner_of_a_frame_stays_within_it():
    psf = gaussian(WIDTH, half=16)
    # the second source is outside, and its light is not
    flux = flux_map((-HALF + 3.0, -HALF + 1.0, 60), (-HALF - 1.0, -HALF - 0.8, 60))
    found = np.zeros(1, DTYPE)
    found["x"], found["y"], found["flux"], found["significance"] = 3.0, 1.0, 60.0, 60.0
    found["flux_error"] = 1.0
    every = part_blends(found, flux, np.ones_like(flux), psf, threshold=5.0)
    assert (np.rint([every["x"], every["y"]]) >= 0).all()


class Pairs:
    """New sources two by two and lone bright ones, on one pair of frames."""

    def __init__(self):
        shape, rng = (420, 440), np.random.default_rng(71)
        stars = sky.star_field(shape, 200, rng, brightest=4e4)
        places = sky.spread_out(shape, 24, rng, stars, gap=20)
        angle, apart = rng.uniform(0, 2 * np.pi, 16), np.linspace(4.2, 7.5, 16)
        second = places[:16] + np.stack([np.cos(angle), np.sin(angle)], 1) * apart[:, None]
        self.first = np.column_stack([places[:16], rng.uniform(4000, 9000, 16)])
        self.second = np.column_stack([second, rng.uniform(0.5, 0.9, 16) * self.first[:, 2]])
        self.lone = np.column_stack([places[16:24], np.geomspace(5e3, 2e5, 8)])
        new = np.vstack([stars, self.first, self.second, self.lone])
        science = sky.observe(shape, sky.SCIENCE, new, rng)
        reference = sky.observe(shape, sky.REFERENCE, stars, rng)
        self.difference = subtract(science, reference, DifferenceParameters())
        self.candidates = extract(self.difference, science, reference, threshold=5.0)

    def near(self, place, radius):
        """The candidates that lie so many px around."""
        x, y = np.asarray(place[:2]) + sky.SCIENCE.shift
        apart = np.hypot(self.candidates["x"] - x, self.candidates["y"] - y)
        return self.candidates[apart < radius]


@pytest.fixture(scope="module")
def pairs():
    return Pairs()


def test_injected_neighbours_are_two_blended_candidates_with_their_own_fluxes(pairs):
    pulls = []
    for source in np.vstack([pairs.first, pairs.second]):
        found = pairs.near(source, 1.2)
        assert len(found) == 1
        assert found["is_blended"][0]
        flux = sky.SCIENCE.scale * source[2]
        pulls.append((found["flux"][0] - flux) / np.hypot(found["flux_error"][0], 0.03 * flux))
    # 32 of them, and 3 % for the PSF: 1.0 +- 0.13, the error of the places adds to it
    assert np.sqrt(np.mean(np.square(pulls))) < 1.6
    assert abs(np.median(pulls)) < 0.8


def test_lone_bright_sources_have_no_neighbours(pairs):
    for source in pairs.lone:
        found = pairs.near(source, 14)
        assert len(found) == 1
        assert not found["is_blended"][0]


def test_several_blends_are_measured_as_each_alone(response):
    rng = np.random.default_rng(5)
    truth = rng.uniform(-4, 4, (6, 3, 2))
    flux = rng.uniform(20, 60, (6, 3))
    stamps = np.stack([flux_map(*np.column_stack(one)) for one in zip(truth, flux, strict=True)])
    guess = truth + rng.uniform(-0.4, 0.4, truth.shape)
    together = fit_blends(stamps, guess, response)
    for index, blend in enumerate(together):
        (alone,) = fit_blends(stamps[index : index + 1], guess[index : index + 1], response)
        # sums of a few terms in double precision, in another order
        np.testing.assert_allclose(blend.places, alone.places, atol=1e-9)
        np.testing.assert_allclose(blend.flux, alone.flux, rtol=1e-9, atol=1e-9)


def test_a_surface_through_a_stamp_is_the_bicubic_spline_through_its_pixels():
    stamp = np.random.default_rng(6).normal(size=(13, 13))
    axis = np.arange(-6, 7)
    places = np.random.default_rng(7).uniform(-7, 7, (1, 40, 2))
    x, y = np.clip(places[0].T, -6, 6)  # beyond the stamp its rim goes on
    expected = RectBivariateSpline(axis, axis, stamp).ev(y, x)
    np.testing.assert_allclose(
        Surfaces(stamp[None]).at(np.array([0]), places)[0], expected, atol=1e-12
    )
