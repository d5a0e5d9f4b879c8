"""The simulator is the source of truth elsewhere, so here it is held to closed forms."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from observations.fits import read_frame
from observations.roles import assign, differences, facts_of
from observations.rules import find_rules, fits_files
from observations.simulator import SceneParameters, simulate_night, simulate_pair
from observations.simulator import detector as camera
from observations.simulator.artifacts import truth_mask
from observations.simulator.exposure import SCIENCE, Conditions
from observations.simulator.galaxies import paint_galaxies
from observations.simulator.pointing import Pointing
from observations.simulator.psf import PsfField, paint_points
from observations.simulator.scene import Galaxies
from observations.simulator.significance import MatchedFilter, flux_for, matched_filter

EMPTY = SceneParameters(
    size=256,
    stars_per_mpix=0,
    galaxies_per_mpix=0,
    transients_per_mpix=0,
    variables_per_mpix=0,
    cosmic_rays_per_mpix=0,
    hot_pixels_per_mpix=0,
    bad_columns_per_mpix=0,
)


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return simulate_night(tmp_path_factory.mktemp("night"), seed=11, size=320)


@pytest.mark.parametrize("beta", [2.5, 3.0, 4.0])
@pytest.mark.parametrize("width", [31, 121])
def test_a_psf_stamp_holds_the_flux_that_the_moffat_profile_has_inside_it(beta, width):
    psf = PsfField(512, fwhm=3.0, beta=beta)
    stamp = psf.stamp(100.3, 57.8, width)
    alpha = 3.0 / (2 * np.sqrt(2 ** (1 / beta) - 1))
    inside = [1 - (1 + (half / alpha) ** 2) ** (1 - beta) for half in (width / 2, width / 1.41)]
    # the square lies between its inner and outer circle (and is shifted by up to half a pixel)
    assert inside[0] - 2e-3 < stamp.sum() < inside[1] + 2e-3


def test_a_psf_stamp_is_the_integral_over_pixels_of_the_elliptical_profile():
    psf = PsfField(512, fwhm=2.7, beta=3.0, variation=0.1, ellipticity=0.1, angle=1.0)
    x, y, width, fine = 100.3, 407.8, 21, 25
    fwhm, e1, e2 = (float(v[0]) for v in psf.shapes(np.array([x]), np.array([y])))
    offsets = (np.arange(width * fine) + 0.5) / fine - 0.5 - width // 2
    u, v = np.meshgrid(offsets - (x - round(x)), offsets - (y - round(y)))
    q, angle = 1 - np.hypot(e1, e2), 0.5 * np.arctan2(e2, e1)
    major, minor = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 3) - 1))
    profile = 2 / (np.pi * alpha**2) * (1 + (major**2 * q + minor**2 / q) / alpha**2) ** -3
    truth = profile.reshape(width, fine, width, fine).mean(axis=(1, 3))
    # two Gauss nodes per axis leave an error of 1e-3 of the peak at this sharpness
    np.testing.assert_allclose(psf.stamp(x, y, width), truth, atol=2e-3 * truth.max())


def test_painted_points_keep_flux_and_centroid_also_at_the_edge_of_the_frame():
    image = np.zeros((201, 301))
    psf = PsfField(301, fwhm=3.0, beta=3.5)
    paint_points(image, psf, np.array([150.4]), np.array([90.7]), np.array([5e4]), faintest=0.01)
    rows, columns = np.indices(image.shape)
    # a stamp wide enough for 0.01 ADU at its edge lacks 0.1 % of the flux
    assert image.sum() == pytest.approx(5e4, rel=2e-3)
    assert np.average(columns, weights=image) == pytest.approx(150.4, abs=0.01)
    assert np.average(rows, weights=image) == pytest.approx(90.7, abs=0.01)
    paint_points(image, psf, np.array([-3.0, 300.6]), np.array([-2.0, 200.2]), np.ones(2) * 1e3,
                 faintest=0.01)  # fmt: skip
    assert np.isfinite(image).all()


def test_a_galaxy_keeps_its_flux_and_grows_by_its_half_light_radius():
    one = {"x": [100.2], "y": [90.6], "flux": [1000.0], "angle": [0.5], "axis_ratio": [0.6]}
    image = np.zeros((201, 201))
    galaxy = Galaxies(
        **{key: np.array(value) for key, value in one.items()},
        half_light_radius=np.array([8.0]),
        index=np.array([1.0]),
    )
    paint_galaxies(image, PsfField(201, 2.5, 3.5), galaxy, galaxy.x, galaxy.y, scale=2.0)
    # 1 % of the convolved light falls off the stamp
    assert image.sum() == pytest.approx(2000.0, rel=0.015)
    v, u = np.indices(image.shape) - np.array([90.6, 100.2])[:, None, None]
    along, across = u * np.cos(0.5) + v * np.sin(0.5), v * np.cos(0.5) - u * np.sin(0.5)
    radius = np.sqrt(along**2 * 0.6 + across**2 / 0.6)
    # the PSF, much smaller than the galaxy, moves a few per cent of the light outwards
    assert image[radius < 8.0].sum() == pytest.approx(1000.0, rel=0.06)


def test_blank_sky_has_the_noise_that_gain_and_read_noise_say():
    pair = simulate_pair(replace(EMPTY, sky_gradient=0.0), seed=3)
    for frame in (pair.science, pair.reference):
        conditions = frame.conditions
        expected = np.sqrt(
            conditions.sky_adu / conditions.gain + (conditions.read_noise_e / conditions.gain) ** 2
        )
        # standard error of the standard deviation of 65536 pixels: 0.3 %; allow four of them
        assert frame.pixels.std() == pytest.approx(expected, rel=0.011)
        assert frame.pixels.mean() == pytest.approx(conditions.sky_adu, abs=4 * expected / 256)


def test_the_reference_is_deeper_than_the_science_frame():
    pair = simulate_pair(EMPTY, seed=3)
    science, reference = (
        frame.pixels.std() / frame.conditions.adu_per_flux
        for frame in (pair.science, pair.reference)
    )
    assert reference < 0.5 * science


def test_bleeding_moves_charge_along_the_column_and_keeps_it():
    pixels = np.full((200, 5), 100.0)
    pixels[99:102, 2] += [4000.0, 9000.0, 4000.0]
    before = pixels.copy()
    full = camera.bleed(pixels, saturation=1000.0)
    assert pixels.max() == 1000.0
    assert pixels.sum() == pytest.approx(before.sum())
    assert np.array_equal(np.flatnonzero(full.any(axis=0)), [2])
    assert full[:, 2].sum() > 3
    np.testing.assert_array_equal(pixels[:, [0, 1, 3, 4]], before[:, [0, 1, 3, 4]])


def test_the_wcs_maps_the_sky_to_the_pixels_that_the_pointing_does():
    parameters = replace(EMPTY, ra=0.01, dec=-70.0)
    pointing = Pointing(parameters, shift=(12.3, -7.7), rotation=0.01)
    x, y = np.random.default_rng(1).uniform(0, 256, (2, 50))
    ra, dec = Pointing(parameters).wcs().all_pix2world(x, y, 0)
    found = pointing.wcs().all_world2pix(ra, dec, 0)
    # both are exact gnomonic projections about the same point: rounding only
    np.testing.assert_allclose(found, pointing.to_frame(x, y), atol=1e-6)


def test_the_written_wcs_is_wrong_by_the_offset_that_stars_must_find(night):
    parameters = SceneParameters(size=320)
    errors = []
    for path in night.science:
        wcs = WCS(fits.getheader(path))
        sources = night.truth[path.name]
        found = wcs.all_world2pix([s.ra for s in sources], [s.dec for s in sources], 0)
        offset = np.array([[s.x, s.y] for s in sources]).T - found
        errors.append(offset.mean(axis=1))
        # within one frame only the smooth distortion is left: 0.1 px rms, 0.5 px at its worst
        assert np.ptp(offset, axis=1).max() < 10 * parameters.distortion
    assert 0.02 < np.abs(errors).mean() < 4 * parameters.wcs_error


def test_equal_psfs_give_the_significance_of_a_matched_filter():
    parameters = replace(EMPTY, transients_per_mpix=0)
    psf = PsfField(256, 3.0, 3.5)
    frame = Conditions(parameters, SCIENCE, psf, Pointing(parameters))
    at = np.array([128.0]), np.array([100.0])
    filters = matched_filter(frame, frame, *at)
    kernels = np.square(filters.science) + np.square(filters.reference)
    sigma_of_s = np.sqrt(kernels.sum() * frame.sky_sigma**2)
    stamp = psf.stamp(128.0, 100.0, 33)
    expected = np.sqrt((stamp**2).sum() / (2 * frame.sky_sigma**2))
    # closed form: f sqrt(sum P^2 / (sigma_n^2 + sigma_r^2)); the FFT stamp is periodic at 1e-4
    assert filters.signal[0] / sigma_of_s == pytest.approx(expected, rel=1e-3)


def test_the_flux_for_a_significance_solves_the_noise_equation():
    rng = np.random.default_rng(2)
    kernel = np.abs(rng.normal(size=(4, 33, 33)))
    filters = MatchedFilter(kernel, kernel, np.array([1.0, 2.0, 0.5, 3.0]), kernel)
    snr, variance, gain = np.array([5.0, 10.0, 20.0, 50.0]), np.array([4.0, 9.0, 1.0, 100.0]), 1.5
    flux = flux_for(snr, filters, variance, gain)
    own = (kernel**3).sum(axis=(1, 2)) / gain
    np.testing.assert_allclose(flux * filters.signal / np.sqrt(variance + flux * own), snr)


def test_truth_states_the_light_that_was_added_and_its_significance():
    parameters = replace(
        EMPTY, size=512, transients_per_mpix=80, distortion=0.0, reference_exposures=400,
        reference_seeing=2.0, galaxies_per_mpix=200,
    )  # fmt: skip
    pair = simulate_pair(parameters, seed=8)
    without = simulate_pair(replace(parameters, snr_range=(1e-6, 1.1e-6)), seed=8)
    added = pair.science.light.astype(float) - without.science.light
    assert len(pair.sources) > 10
    # single-precision light at 400 ADU and stamps cut at 5 % of the noise: 2 % together
    assert added.sum() == pytest.approx(sum(s.flux for s in pair.sources), rel=0.02)
    for source in pair.sources:
        peak = added[
            round(source.y) - 1 : round(source.y) + 2, round(source.x) - 1 : round(source.x) + 2
        ]
        assert peak.sum() > 0.3 * source.flux
        assert 4.5 < source.snr < 55
        assert source.kind in ("supernova", "transient")
        assert np.isnan(source.host_separation_arcsec) == (source.kind == "transient")


def test_a_matched_filter_on_the_pixels_finds_the_stated_significance():
    parameters = replace(
        EMPTY, size=512, transients_per_mpix=120, snr_range=(10.0, 11.0), distortion=0.0,
        reference_exposures=2000, reference_seeing=2.0, sky_gradient=0.0,
    )  # fmt: skip
    pair = simulate_pair(parameters, seed=4)
    sky = pair.science.conditions.sky()
    measured = []
    for source in pair.sources:
        stamp = pair.science.psf.stamp(source.x, source.y, 21)
        rows = slice(round(source.y) - 10, round(source.y) + 11)
        columns = slice(round(source.x) - 10, round(source.x) + 11)
        excess = pair.science.pixels[rows, columns] - sky[rows, columns]
        measured.append((stamp * excess).sum() / (stamp**2).sum() / source.flux)
    # each flux has an error of about 10 %, so their mean one of 10 % / sqrt(n); allow four
    scatter = 0.1 / np.sqrt(len(measured))
    assert np.mean(measured) == pytest.approx(1.0, abs=4 * scatter)
    # and they scatter as the stated significance of 10 to 11 says, to the 25 % that n allows
    assert np.std(measured) == pytest.approx(1 / 10.5, rel=0.4)


def test_variable_stars_both_rise_and_fade():
    pair = simulate_pair(SceneParameters(size=512, variables_per_mpix=60), seed=5)
    variables = [source for source in pair.sources if source.kind == "variable"]
    assert {source.sign for source in variables} == {1, -1}
    assert all(np.sign(source.snr) == source.sign for source in variables)


def test_the_truth_mask_marks_the_cores_of_significant_unmasked_sources():
    pair = simulate_pair(SceneParameters(size=512, transients_per_mpix=100), seed=6)
    mask = pair.truth_mask
    marked = [s for s in pair.sources if not s.is_masked and abs(s.snr) >= 5]
    assert mask.shape == (512, 512)
    assert mask.dtype == np.uint8
    assert all(mask[round(s.y), round(s.x)] == 1 for s in marked)
    # a disc of radius 0.75 FWHM covers about pi (0.75 x 3.4)^2 = 20 px; the FWHM varies by 20 %
    assert 10 * len(marked) < mask.sum() < 36 * len(marked)
    far = truth_mask((512, 512), marked[:1], pair.science.psf)
    rows, columns = np.nonzero(far)
    assert np.hypot(rows - marked[0].y, columns - marked[0].x).max() < 5


def test_the_same_seed_gives_the_same_pixels_and_another_does_not():
    parameters = SceneParameters(size=128)
    one, same, other = (simulate_pair(parameters, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.science.pixels, same.science.pixels)
    np.testing.assert_array_equal(one.reference.pixels, same.reference.pixels)
    assert not np.array_equal(one.science.pixels, other.science.pixels)


def test_the_same_seed_writes_the_same_bytes(night, tmp_path):
    again = simulate_night(tmp_path / "again", seed=11, size=320)
    assert digests(again.directory) == digests(night.directory)


def test_a_night_can_be_read_and_paired_by_its_own_rule_file(night):
    rules = find_rules(night.directory)
    files = [path for path in fits_files(night.directory) if rules.includes(path.name)]
    frames = [read_frame(path, options=rules.read_options(path.name)) for path in files]
    made = differences(rules, assign(facts_of(frame, rules) for frame in frames))
    expected = {(path.name, f"{path.name[:7]}_ref.fits") for path in night.science}
    assert {(pair.science, pair.reference) for pair in made} == expected
    assert len(expected) == 4


def test_the_truth_table_has_a_row_per_source_and_science_frame(night):
    table = Table.read(night.truth_path)
    assert set(table["file"]) == {path.name for path in night.science}
    assert len(table) == sum(len(sources) for sources in night.truth.values())
    names = [set(table["name"][table["file"] == path.name]) for path in night.science[:2]]
    assert names[0] == names[1]
    for row in table:
        assert 0 <= row["x"] < 320
        assert 0 <= row["y"] < 320


def test_a_scene_that_cannot_be_drawn_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="size is 50"):
        SceneParameters(size=50)
    with pytest.raises(ValueError, match="gain is 0"):
        SceneParameters(gain=0)
    with pytest.raises(ValueError, match="max_dither"):
        simulate_pair(SceneParameters(size=128, max_dither=60), 1, dithered=True)
    with pytest.raises(ValueError, match="a night needs"):
        simulate_night(Path("unused"), seed=1, fields=0)
