import io
from dataclasses import replace

import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from differencing import product
from differencing.extraction.extract import DTYPE, extract, extract_counted
from differencing.extraction.forced import force_difference
from differencing.extraction.objects import find_objects, find_rare_objects
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from preprocessing.masks import MaskBit
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from tests.differencing import sky


def errors_at(scene, sources):
    """Expected 1-sigma flux errors, from the map."""
    where = np.rint(scene.seen(sources)[0]).astype(int)
    return scene.difference.flux_error[where[:, 1], where[:, 0]]


def test_finds_new_sources(scene):
    snr = scene.seen(scene.new)[1] / errors_at(scene, scene.new)
    index = scene.found(scene.new, negative=False)
    # P(S > 5) for S/N 8 is 0.9987: of 30 none should be lost
    assert (index[snr > 8] >= 0).all()


def test_finds_vanished_sources(scene):
    snr = scene.seen(scene.gone)[1] / errors_at(scene, scene.gone)
    index = scene.found(scene.gone, negative=True)
    assert (index[snr > 8] >= 0).all()
    assert (scene.candidates["flux"][index[index >= 0]] < 0).all()


def test_finds_nothing_else(scene):
    known = np.concatenate(
        [scene.found(scene.new, negative=False), scene.found(scene.gone, negative=True)]
    )
    others = np.setdiff1d(np.arange(len(scene.candidates)), known)
    flagged = [name for name in DTYPE.names if name.startswith("is_") and name != "is_negative"]
    unflagged = [i for i in others if not any(scene.candidates[name][i] for name in flagged)]
    # some 10^5 looks at noise pass 5 sigma once in 20 frames; a static star would show clearly
    assert len(unflagged) <= 1
    assert (scene.candidates["significance"][unflagged] < 5.6).all()


def test_flux_is_unbiased_on_a_frame_that_is_not_square(scene):
    index = scene.found(scene.new, negative=False)
    flux = scene.seen(scene.new)[1][index >= 0]
    measured = scene.candidates[index[index >= 0]]
    ratio = np.average(measured["flux"] / flux, weights=(flux / measured["flux_error"]) ** 2)
    # 30 sources of S/N 8 to 40 and the scale of the PSF: 3 %
    assert ratio == pytest.approx(1.0, abs=0.03)
    pull = (measured["flux"] - flux) / measured["flux_error"]
    assert np.std(pull) == pytest.approx(1.0, abs=0.4)  # 1/sqrt(2 x 30) = 0.13, three of them


def lone(scene, flux):
    """What is made of a flux map whose error is 10 everywhere."""
    blank, mask = np.ones(flux.shape, np.float32), np.zeros(flux.shape, np.uint16)
    difference = replace(
        scene.difference, difference=flux, significance=flux / 10, flux=flux,
        flux_error=10 * blank, mask=mask,
    )  # fmt: skip
    empty = sky.frame(np.zeros(flux.shape), sky.SCIENCE)
    return lambda threshold: extract(difference, empty, empty, threshold=threshold)


BETWEEN = [(0.0, 0.0), (0.5, 0.0), (0.45, -0.4), (0.3, 0.2), (0.5, 0.5)]


def point_source(dx, dy, width=2.0):
    """A source of flux 700 in a flux map: a Gaussian of the width of the PSF's square."""
    x, y = np.arange(64) - 30 - dx, np.arange(64)[:, None] - 33 - dy
    return (700 * np.exp(-(x**2 + y**2) / (2 * width**2))).astype(np.float32)


@pytest.mark.parametrize(("dx", "dy"), BETWEEN)
def test_flux_between_the_pixels_is_that_on_them(scene, dx, dy):
    found = lone(scene, point_source(dx, dy))(50.0)
    # a parabola through three pixels places the peak to 0.03 px: 1e-4 of the flux; through its
    # values it would be up to 0.8 % too low
    assert found["flux"] == pytest.approx([700], rel=1e-3)


@pytest.mark.parametrize(("dx", "dy"), BETWEEN)
def test_a_source_is_found_by_its_peak_wherever_in_a_pixel_that_lies(scene, dx, dy):
    found = lone(scene, point_source(dx, dy))
    # the score is 70 sigma at the peak, 65.8 in the pixels around a corner; a parabola through
    # three pixels is up to 0.8 % too low along either axis
    assert len(found(68.8)) == 1
    assert len(found(70.1)) == 0


def test_the_fainter_of_two_sources_whose_wings_meet_is_a_candidate(scene):
    y, x = np.mgrid[:64, :64]
    wing = [(1 + ((x - at) ** 2 + (y - 32) ** 2) / 9) ** -1.5 for at in (25, 35)]
    # 60 and 15 sigma, above 8 between: joined, and further apart than blends are sought
    found = lone(scene, (600 * wing[0] + 150 * wing[1]).astype(np.float32))(5.0)
    assert sorted(np.rint(found["x"])) == [25, 35]


def test_what_the_psf_is_wrong_by_counts_in_the_errors_of_fluxes_but_not_in_their_limits(scene):
    figures = scene.difference.figures
    assert 0.005 <= figures["psf_flux_error"] < 0.02  # by some 30 stars
    worse = replace(scene.difference, figures={**figures, "psf_flux_error": 0.1})
    before, after = (
        extract(one, scene.science, scene.reference, threshold=5.0)
        for one in (replace(worse, figures={}), worse)
    )
    expected = np.hypot(before["flux_error"], 0.1 * before["flux"])
    np.testing.assert_allclose(after["flux_error"], expected)
    assert np.array_equal(after["significance"], before["significance"])
    before, after = (
        force_difference(one, before["x"], before["y"])
        for one in (replace(worse, figures={}), worse)
    )
    expected = np.hypot(before["flux_error"], 0.1 * before["flux"])
    np.testing.assert_allclose(after["flux_error"], expected)
    assert np.array_equal(after["limit"], before["limit"], equal_nan=True)


def test_positions_are_good_to_a_fraction_of_a_pixel(scene):
    index = scene.found(scene.new, negative=False)
    where, flux = scene.seen(scene.new)
    bright = (index >= 0) & (flux > 2500)
    apart = np.hypot(
        scene.candidates["x"][index[bright]] - where[bright, 0],
        scene.candidates["y"][index[bright]] - where[bright, 1],
    )
    # FWHM / 2.35 / (S/N of 18 and more) = 0.08 px per axis
    assert np.median(apart) < 0.15


def test_sky_positions_are_those_of_the_pixels(scene):
    first = scene.candidates[0]
    ra, dec = sky.sky_wcs(scene.science.shape).all_pix2world(first["x"], first["y"], 0)
    assert first["ra"] == pytest.approx(float(ra), abs=1e-9)
    assert first["dec"] == pytest.approx(float(dec), abs=1e-9)


def test_point_sources_have_the_width_of_the_difference(scene):
    index = scene.found(scene.new, negative=False)
    bright = index[(index >= 0) & (scene.new[:, 2] > 3500)]
    # the PSF of the difference is about as wide as that of the poorer frame
    assert np.median(scene.candidates["fwhm"][bright]) == pytest.approx(3.4, rel=0.12)
    assert np.median(scene.candidates["ellipticity"][bright]) < 0.25
    # chi square of 40 px has a scatter of 0.22
    assert np.median(scene.candidates["psf_misfit"][bright]) == pytest.approx(1.0, abs=0.25)


def test_candidates_come_strongest_first_and_above_threshold(scene):
    significance = scene.candidates["significance"]
    assert (np.diff(significance) <= 0).all()
    assert significance.min() >= 5.0


def test_an_elongated_source_has_its_angle_on_the_sky():
    shape, rng = (256, 256), np.random.default_rng(61)
    stars = sky.star_field(shape, 70, rng, brightest=4e4)
    reference = sky.observe(shape, sky.REFERENCE, stars, rng)
    # a row of points from south-east to north-west; east is left, so x falls with x towards east
    x, y = sky.spread_out(shape, 1, rng, stars, gap=20)[0]
    row = [[x + step, y + step, 4000.0] for step in np.linspace(-3, 3, 7)]
    science = sky.observe(shape, sky.SCIENCE, np.vstack([stars, row]), rng)
    difference = subtract(science, reference, DifferenceParameters())
    strongest = extract(difference, science, reference, threshold=5.0)[0]
    # north-west is 315, the same axis as 135 degrees; S/N of 100 gives a degree or two
    assert strongest["position_angle"] == pytest.approx(135, abs=8)
    assert strongest["ellipticity"] > 0.3
    assert strongest["fwhm"] > 3.8


def test_a_moved_star_is_one_flagged_dipole():
    shape, rng = (256, 256), np.random.default_rng(62)
    stars = sky.star_field(shape, 70, rng, brightest=4e4)
    x, y = sky.spread_out(shape, 1, rng, stars, gap=20)[0]
    science = sky.observe(shape, sky.SCIENCE, np.vstack([stars, [x + 1.2, y, 2e4]]), rng)
    reference = sky.observe(shape, sky.REFERENCE, np.vstack([stars, [x - 1.2, y, 2e4]]), rng)
    difference = subtract(science, reference, DifferenceParameters())
    found, left_out = extract_counted(difference, science, reference, threshold=5.0)
    near = found[np.hypot(found["x"] - x, found["y"] - y) < 8]
    assert len(near) == 1
    assert near["is_dipole"][0]
    assert left_out["merged"] >= 1


def test_flags_edges_saturation_and_bright_stars():
    shape, rng = (256, 256), np.random.default_rng(63)
    stars = sky.star_field(shape, 70, rng, brightest=3e4)
    x, y = sky.spread_out(shape, 1, rng, stars, gap=25)[0]
    bright = [[x, y, 9e5]]
    extra = [[x + 9, y, 2e4], [1.5, 128.2, 2e4]]
    science = sky.observe(shape, sky.SCIENCE, np.vstack([stars, bright, extra]), rng)
    reference = sky.observe(shape, sky.REFERENCE, np.vstack([stars, bright]), rng)
    for image in (science, reference):
        full = image.pixels > sky.SATURATION * 0.7
        image.pixels[full] = sky.SATURATION * 0.7
        image.mask[full] |= np.uint16(MaskBit.SATURATED)
    difference = subtract(science, reference, DifferenceParameters())
    found = extract(difference, science, reference, threshold=5.0)
    beside = found[np.hypot(found["x"] - x - 9, found["y"] - y) < 3]
    assert len(beside) == 1
    assert beside["near_bright_star"][0]
    edge = found[np.hypot(found["x"] - 1.5, found["y"] - 128.2) < 3]
    assert len(edge) == 1
    assert edge["is_edge"][0]
    core = found[np.hypot(found["x"] - x, found["y"] - y) < 3]
    assert (core["is_saturated"]).all()


def test_refuses_a_threshold_that_is_not_positive(scene):
    with pytest.raises(ValueError, match="must be positive, not 0"):
        extract(scene.difference, scene.science, scene.reference, threshold=0)


def test_candidates_survive_their_file(scene):
    content = product.candidates_ecsv(scene.candidates, {"SCIENCE": "a.fits"})
    table = Table.read(content.decode(), format="ascii.ecsv")
    assert str(table["flux"].unit) == "adu"
    assert "ICRS" in table["ra"].description
    back = product.candidates_from_ecsv(content)
    assert back.dtype == DTYPE
    for name in DTYPE.names:
        np.testing.assert_array_equal(back[name], scene.candidates[name])


def test_an_empty_table_keeps_its_columns():
    empty = product.candidates_from_ecsv(product.candidates_ecsv(np.zeros(0, DTYPE)))
    assert empty.dtype == DTYPE
    assert len(empty) == 0


def test_rows_for_the_database_are_plain_numbers(scene):
    row = product.rows(scene.candidates)[0]
    assert row["pixel_x"] == scene.candidates["x"][0]
    magnitudes = [row.pop(name) for name in ("magnitude", "magnitude_error", "upper_limit")]
    assert {type(value) for value in row.values()} <= {float, int, bool}
    assert magnitudes == [None, None, None], "without a zero point there are none"


def test_product_images_carry_wcs_and_provenance(scene):
    content = product.significance_fits(scene.difference, {"SCIENCE": "a.fits"})
    with fits.open(io.BytesIO(content)) as units:
        header = units[0].header
        assert header["SCIENCE"] == "a.fits"
        assert WCS(header).wcs.crval[0] == pytest.approx(150.0)
        np.testing.assert_array_equal(units[0].data, scene.difference.significance)


def test_candidates_have_magnitudes_or_limits_on_the_scale_of_the_science_frame(scene):
    zero_point = ZeroPoint(25.0, 0.01, ZeroPointSource.CATALOGUE, System.AB, "r")
    known = replace(scene.difference, zero_point=zero_point)
    found = extract(known, scene.science, scene.reference, threshold=5.0)
    bright = found["flux"] / found["flux_error"] >= 3
    assert (bright & ~found["is_negative"]).any()
    assert (found["is_negative"]).any()
    assert np.isfinite(found["magnitude"]).tolist() == bright.tolist()
    assert np.isfinite(found["upper_limit"]).tolist() == (~bright).tolist()
    # Pogson's ratio, and five sigma
    light = 10 ** (-0.4 * (found["magnitude"][bright] - 25.0))
    assert light == pytest.approx(found["flux"][bright], rel=1e-6)
    limit = 10 ** (-0.4 * (found["upper_limit"][~bright] - 25.0))
    assert limit == pytest.approx(5 * found["flux_error"][~bright], rel=1e-6)


@pytest.mark.parametrize("error", [0.01, None])
def test_the_zero_point_survives_the_stored_difference(scene, error):
    zero_point = ZeroPoint(25.0, error, ZeroPointSource.HEADER, System.VEGA, "V")
    stored = product.from_fits(product.to_fits(replace(scene.difference, zero_point=zero_point)))
    assert stored.zero_point == zero_point


def test_what_a_trail_hides_is_no_candidate(scene):
    difference = replace(scene.difference, mask=scene.difference.mask.copy())
    x, y = (round(float(scene.candidates[name][0])) for name in ("x", "y"))
    difference.mask[y - 6 : y + 7, x - 6 : x + 7] |= np.uint16(MaskBit.TRAIL)
    found, left_out = extract_counted(difference, scene.science, scene.reference, threshold=5.0)
    assert np.hypot(found["x"] - x, found["y"] - y).min() > 3
    _, before = extract_counted(scene.difference, scene.science, scene.reference, threshold=5.0)
    assert left_out["hidden"] == before["hidden"] + len(scene.candidates) - len(found)


def test_an_image_that_is_bright_all_over_has_room_for_its_pixels():
    bright = np.full((16, 16), 9.0, np.float32)
    bright[8, 8] = 20.0
    for image in (bright, -bright):
        found = find_rare_objects(image, 5.0 * np.sign(image[0, 0]), min_area=1, contrast=0.05)
        assert len(found) == 1
        assert (found["xpeak"][0], found["ypeak"][0], found["npix"][0]) == (8, 8, 256)


def test_rare_objects_are_those_of_the_whole_image():
    rng = np.random.default_rng(61)
    image = rng.normal(0, 1, (300, 420)).astype(np.float32)
    for _ in range(40):
        y, x = rng.integers(8, 290), rng.integers(8, 410)
        image[y - 4 : y + 5, x - 4 : x + 5] += rng.uniform(5, 60) * sky.moffat(3.0, 0, 0, 0, 4) * 8
    image[40:60, 100:130] = np.nan
    whole = find_objects(np.nan_to_num(image), 4.0, min_area=1, contrast=0.05)
    rare = find_rare_objects(image, 4.0, min_area=1, contrast=0.05)
    assert len(whole) > 30
    order = [np.lexsort((found["xpeak"], found["ypeak"])) for found in (whole, rare)]
    whole, rare = whole[order[0]], rare[order[1]]
    for name in ("xpeak", "ypeak"):
        assert np.array_equal(whole[name], rare[name])
    merged = whole["flag"] & 1
    assert np.array_equal(merged, rare["flag"] & 1)
    # SEP gives the pixels between blended objects to one of them by chance
    alone = merged == 0
    assert alone.sum() > 20
    for name in ("npix", "xmin", "ymax"):
        assert np.array_equal(whole[name][alone], rare[name][alone])
    # sums of the same pixels
    np.testing.assert_allclose(whole["x"][alone], rare["x"][alone], atol=1e-4)


@pytest.mark.parametrize("lit", [0.0, 0.1, 1.0])
def test_a_search_takes_room_for_what_is_lit_and_leaves_the_limit_as_it_was(lit, monkeypatch):
    rooms, extract_by_sep = [], sep.extract

    def spied(*arguments, **options):
        rooms.append(sep.get_extract_pixstack())
        return extract_by_sep(*arguments, **options)

    monkeypatch.setattr(sep, "extract", spied)
    before = sep.get_extract_pixstack()
    image = np.where(np.random.default_rng(5).random((600, 700)) < lit, 10.0, 0).astype(np.float32)
    image[300:303, 400:403] = 10.0
    assert len(find_objects(image, 5.0, min_area=1, contrast=0.05)) >= 1
    assert len(find_rare_objects(image, 5.0, min_area=1, contrast=0.05)) >= 1
    # every lit pixel is asked for, and a few more
    assert max(rooms) < np.count_nonzero(image) + 100
    assert sep.get_extract_pixstack() == before
