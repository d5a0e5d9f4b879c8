import numpy as np
import pytest

from differencing.psf.stars import Sources, detect_sources, refused_stars, select_stars
from differencing.subtraction.prepare import Plane
from tests.differencing.sky import SATURATION, SCIENCE, frame, moffat, place, spread_out

SHAPE = (400, 420)


def field(stars, galaxies, rng):
    """An exposure of point sources and of discs 1.5 times as wide, none near another."""
    where = spread_out(SHAPE, stars + galaxies, rng, np.zeros((0, 2)), gap=22.0)
    image = rng.normal(0, 10, SHAPE)
    for kind, (x, y) in enumerate(where):
        width = SCIENCE.fwhm * (1.0 if kind < stars else rng.uniform(1.35, 1.8))
        flux = np.exp(rng.uniform(np.log(8e3), np.log(1e5)))
        column, row = round(x), round(y)
        place(image, flux * moffat(width, 0.0, x - column, y - row, 25), column, row)
    plane = Plane.of(frame(image, SCIENCE), "science")
    found = detect_sources(plane.pixels, 10.0, plane.bad, threshold=6.0, ceiling=SATURATION)
    apart = np.hypot(found.x[:, None] - where[:, 0], found.y[:, None] - where[:, 1])
    return found, apart.argmin(axis=1) < stars


def test_stars_are_found_where_galaxies_outnumber_them():
    found, is_star = field(12, 60, np.random.default_rng(81))
    likely = select_stars(found, SHAPE, margin=8)
    # the sizes of galaxies begin 35 % above those of stars, which scatter by 3 %
    assert not (likely & ~is_star).any()
    assert (likely & is_star).sum() >= 9


def test_a_dozen_stars_are_told_from_ten_times_as_many_galaxies():
    rng = np.random.default_rng(83)
    # sizes as a sparse field shows them: stars scatter by 3 %, galaxies are a seventh larger
    galaxies = np.maximum(rng.normal(2.5, 0.3, 160), 2.0)
    size = np.concatenate([rng.normal(1.75, 0.05, 12), galaxies])
    count = len(size)
    order = rng.permutation(count)
    flux = np.sort(np.exp(rng.uniform(np.log(2e2), np.log(2e5), count)))[::-1]
    sources = Sources(
        x=rng.uniform(20, 1000, count), y=rng.uniform(20, 1000, count), flux=flux, peak=flux / 20,
        size=size[order], roundness=np.full(count, 0.9), is_clean=np.ones(count, bool),
    )  # fmt: skip
    likely = select_stars(sources, (1024, 1024), margin=8)
    is_star = order < 12
    assert not (likely & ~is_star).any()
    # two to three sigma of the scatter are let in
    assert (likely & is_star).sum() >= 10


@pytest.mark.parametrize("count", [5, 40])
def test_stars_are_found_where_there_is_nothing_else(count):
    found, is_star = field(count, 0, np.random.default_rng(84))
    likely = select_stars(found, SHAPE, margin=8)
    # a few touch the border
    assert (likely & is_star).sum() >= 0.8 * count


def test_a_star_has_one_size_however_bright_it_is():
    found, is_star = field(40, 0, np.random.default_rng(82))
    faint, bright = (found.size[is_star & (found.flux < 1.5e4)], found.size[found.flux > 5e4])
    # measured within its own isophote the faint ones would be smaller by 15 %
    assert np.median(faint) / np.median(bright) > 0.95


def test_refusals_are_counted_by_reason_and_add_up():
    count = 10
    sources = Sources(
        x=np.array([1.0, *np.linspace(50, 350, count - 1)]),
        y=np.full(count, 200.0),
        flux=np.linspace(1e5, 1e4, count),
        peak=np.linspace(1e4, 1e3, count),
        size=np.array([2.0] * 8 + [2.0, 4.0]),
        roundness=np.array([0.9] * 7 + [0.3, 0.9, 0.9]),
        is_clean=np.array([True] * 8 + [False, True]),
    )
    confirmed = np.ones(count, bool)
    confirmed[1:3] = False
    counts = refused_stars(sources, confirmed, SHAPE, margin=8)
    assert counts == {
        "merged, masked or too bright": 1,
        "at the border": 1,
        "elongated or a single pixel": 1,
        "of another size than stars": 1,
        "no star in the other frame": 2,
        "crowded or too faint": 4,
    }
