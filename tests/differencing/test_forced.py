"""Fluxes at given places, whether a source is there or not."""

from dataclasses import replace

import numpy as np
import pytest

from differencing import product
from differencing.algorithms import subtract_with
from differencing.extraction.forced import force_difference, force_frame, names_of
from differencing.extraction.interpolate import interpolate
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.psf.model import PsfModel
from preprocessing.masks import MaskBit
from tests.differencing import sky

SHAPE = (700, 720)
SIGMA = {sky.SCIENCE: 1.5, sky.REFERENCE: 1.2}  # px, of round Gaussian PSFs: no wings are lost
SNR = (0, 3, 10, 25, 50)
TYPICAL_ERROR = 115.0  # of a flux in this sky


def gaussian(sigma, dx, dy, half=9):
    offset = np.arange(-half, half + 1)
    x, y = (np.exp(-((offset - d) ** 2) / (2 * sigma**2)) for d in (dx, dy))
    return y[:, None] * x / (2 * np.pi * sigma**2)


def expose(kind, sources, rng):
    image = np.zeros(SHAPE)
    for x, y, flux in sources:
        x, y = x + kind.shift[0], y + kind.shift[1]
        column, row = round(x), round(y)
        stamp = gaussian(SIGMA[kind], x - column, y - row)
        sky.place(image, kind.scale * flux * stamp, column, row)
    electrons = rng.poisson((image + kind.sky) * kind.gain)
    seen = electrons + rng.normal(0, kind.read_noise, SHAPE)
    return sky.frame(seen / kind.gain - kind.sky, kind)


def places_apart(stars, rng):
    """Places of any sub-pixel phase on a loose grid, away from the stars."""
    grid = np.stack(np.meshgrid(*(np.arange(24, side - 24, 32.0) for side in SHAPE[::-1])), -1)
    grid = grid.reshape(-1, 2) + rng.uniform(-0.5, 0.5, (grid.size // 2, 2))
    apart = np.hypot(*(grid[:, None] - stars[None, :, :2]).transpose(2, 0, 1))
    return grid[apart.min(axis=1) > 14]


class Injected:
    """Three pairs with sources of known flux, or none, at known places."""

    def __init__(self):
        self.fields = [self.field(seed) for seed in (1, 2, 3)]

    def field(self, seed):
        rng = np.random.default_rng(seed)
        stars = sky.star_field(SHAPE, 300, rng)
        places = places_apart(stars, rng)
        snr = rng.choice(SNR, len(places))
        new = np.column_stack([places, snr * TYPICAL_ERROR / sky.SCIENCE.scale])
        science = expose(sky.SCIENCE, np.vstack([stars, new]), rng)
        reference = expose(sky.REFERENCE, stars, rng)
        return science, reference, places + sky.SCIENCE.shift, snr

    def measured(self, parameters):
        """S/N asked for, error in units of the flux error, and error in ADU, of all fields."""
        parts = []
        for science, reference, places, snr in self.fields:
            found = force_difference(subtract_with(science, reference, parameters), *places.T)
            error = found["flux"] - snr * TYPICAL_ERROR
            clean = found["hidden_share"] == 0
            parts.append((snr[clean], (error / found["flux_error"])[clean], error[clean]))
        return (np.concatenate(part) for part in zip(*parts, strict=True))


@pytest.fixture(scope="module")
def injected():
    return Injected()


@pytest.mark.parametrize("algorithm", [Algorithm.ZOGY, Algorithm.CLASSIC])
def test_fluxes_are_unbiased_and_their_errors_right_from_nothing_to_fifty_sigma(
    injected, algorithm
):
    snr, pull, error = injected.measured(DifferenceParameters(algorithm=algorithm))
    assert len(snr) > 850
    # 890 pulls know their width to 0.024 and their mean to 0.034
    assert np.std(pull) == pytest.approx(1.0, abs=0.05)
    assert np.mean(pull[snr <= 10]) == pytest.approx(0, abs=0.14)
    # 175 fluxes of 50 sigma know their mean to 0.15 %; the PSF models are good to some 0.3 %
    bright = snr == 50
    assert error[bright].mean() / (50 * TYPICAL_ERROR) == pytest.approx(0, abs=0.006)


@pytest.mark.parametrize("fwhm", [2.7, 3.5])
def test_interpolation_follows_a_score_between_its_pixels(fwhm):
    sigma = fwhm / 2.3548 * np.sqrt(2)  # a score is a PSF convolved with a PSF
    y, x = np.mgrid[:64, :64]

    def score(a, b):
        return np.exp(-((a - 31.3) ** 2 + (b - 30.8) ** 2) / (2 * sigma**2))

    where = np.random.default_rng(4).uniform(26, 37, (2, 500))
    found = interpolate(score(x, y).astype(np.float32), *where)
    # what the taps let through above 0.3 cycles/px, at the narrower PSF
    np.testing.assert_allclose(found, score(*where), atol=2e-4)


def test_the_phase_within_a_pixel_changes_no_flux():
    kind = replace(sky.SCIENCE, shift=(0.0, 0.0))
    SIGMA[kind] = 1.5
    model = PsfModel(gaussian(1.5, 0, 0, 16)[None], 0, SHAPE, 50)
    phases = np.random.default_rng(5).uniform(-0.5, 0.5, (200, 2))
    places = np.stack(np.meshgrid(np.arange(20, 620, 40.0), np.arange(20, 600, 40.0)), -1)
    places = places.reshape(-1, 2)[:200] + phases
    image = np.zeros(SHAPE)
    for x, y in places:
        sky.place(image, 1000 * gaussian(1.5, x - round(x), y - round(y)), round(x), round(y))
    found = force_frame(sky.frame(image, kind), model, *places.T)
    # stamps of a sampled Gaussian, cut at six sigma
    np.testing.assert_allclose(found["flux"], 1000, rtol=1e-3)


def test_fluxes_of_a_single_frame_have_right_errors(injected):
    rng = np.random.default_rng(6)
    kind = replace(sky.SCIENCE, shift=(0.0, 0.0))
    SIGMA[kind] = 1.5
    places = places_apart(np.full((1, 2), -99.0), rng)
    snr = rng.choice(SNR, len(places))
    frame = expose(kind, np.column_stack([places, snr * TYPICAL_ERROR / kind.scale]), rng)
    model = PsfModel(gaussian(1.5, 0, 0, 16)[None], 0, SHAPE, 50)
    found = force_frame(frame, model, *places.T)
    pull = (found["flux"] - snr * TYPICAL_ERROR) / found["flux_error"]
    # 420 pulls know their width to 0.035 and their mean to 0.05
    assert np.std(pull) == pytest.approx(1.0, abs=0.12)
    assert np.mean(pull) == pytest.approx(0, abs=0.18)
    assert found["limit"] == pytest.approx(5 * found["flux_error"])


def cover(science, places, bit, pixels):
    """Set a mask bit, and values that must not matter, beside every other place."""
    mask, values = science.mask.copy(), science.pixels.copy()
    for x, y in np.rint(places[::2]).astype(int):
        window = slice(y - pixels // 2, y - pixels // 2 + pixels), slice(x + 1, x + 1 + pixels)
        mask[window] |= np.uint16(int(bit))
        values[window] = 5e4
    return replace(science, mask=mask, pixels=values)


def test_what_bad_pixels_took_away_is_given_back(injected):
    science, reference, places, snr = injected.fields[0]
    spoiled = cover(science, places, MaskBit.BAD_PIXEL, 1)
    found = force_difference(subtract_with(spoiled, reference, DifferenceParameters()), *places.T)
    hidden, bright = found["hidden_share"] > 0.02, snr >= 25
    assert (hidden & bright).sum() > 40
    ratio = found["flux"] / np.where(bright, snr * TYPICAL_ERROR, np.nan)
    # 50 fluxes of 2 to 4 % know their mean to 0.5 %; a bad pixel hides 3 to 15 % of a source
    assert np.mean(ratio[hidden & bright]) == pytest.approx(1, abs=0.02)
    assert "BAD_PIXEL" in names_of(int(found["mask_bits"][0]))


def test_places_that_are_hidden_saturated_or_outside_have_no_flux_but_a_reason(injected):
    science, reference, _, _ = injected.fields[0]
    mask, pixels = science.mask.copy(), science.pixels.copy()
    for column, bit in ((100, MaskBit.BAD_PIXEL), (200, MaskBit.SATURATED), (300, MaskBit.NO_DATA)):
        mask[95:106, column - 5 : column + 6] |= np.uint16(int(bit))
    pixels[95:106, 295:306] = np.nan
    spoiled = replace(science, mask=mask, pixels=pixels)
    difference = subtract_with(spoiled, reference, DifferenceParameters())
    model = PsfModel(gaussian(1.5, 0, 0, 16)[None], 0, SHAPE, 50)
    x = np.array([100.2, 200.3, 300.1, -3.0, 719.7, np.nan, 307.5])
    y = np.array([100.1, 100.2, 99.8, 50.0, 20.0, 30.0, 100.0])
    for found in (force_difference(difference, x, y), force_frame(spoiled, model, x, y)):
        for name in ("flux", "flux_error", "limit"):
            assert np.isnan(found[name][:6]).all()
        reasons = [names_of(int(bits)) for bits in found["mask_bits"]]
        assert "BAD_PIXEL" in reasons[0]
        assert "SATURATED" in reasons[1]
        assert "NO_DATA" in reasons[2]
        assert reasons[3:6] == ["NO_DATA, EDGE"] * 3
    assert np.isnan(found["ra"][5])
    assert np.isfinite(found["flux"][6])  # a fit needs no neighbour on every side


def test_table_of_fluxes_names_units_and_flags(injected):
    science, reference = injected.fields[0][:2]
    difference = subtract_with(science, reference, DifferenceParameters())
    text = product.forced_ecsv(force_difference(difference, [-5.0, 50.0], [3.0, 50.0])).decode()
    assert "unit: adu" in text
    assert "NO_DATA, EDGE" in text
