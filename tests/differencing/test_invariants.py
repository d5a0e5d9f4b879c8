"""What must hold for any pair: no news in a copy, units without effect, injections recovered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from tests.differencing import sky

SHAPE = (200, 230)
PARAMETERS = DifferenceParameters()
# a subtraction takes a tenth of a second, so few examples, drawn anew in no run
FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Field:
    """A quiet pair and the places where nothing is."""

    def __init__(self, seed, science=sky.SCIENCE, reference=sky.REFERENCE):
        rng = np.random.default_rng(seed)
        stars = sky.star_field(SHAPE, 70, rng, brightest=6e4)
        self.science = sky.observe(SHAPE, science, stars, rng)
        self.reference = sky.observe(SHAPE, reference, stars, rng)
        self.free = sky.spread_out(SHAPE, 12, rng, stars, gap=18.0)


@pytest.fixture(scope="module")
def field():
    return Field(3)


def candidates(science, reference):
    return extract(subtract(science, reference, PARAMETERS), science, reference, threshold=5.0)


def scaled(frame, factor):
    """The same exposure, counted in other units."""
    return replace(
        frame,
        pixels=frame.pixels * np.float32(factor),
        noise=frame.noise * np.float32(factor),
        gain=frame.gain / factor,
        saturation=frame.saturation * factor,
        sky_level=frame.sky_level * factor,
    )


@FEW
@given(seed=st.integers(0, 10_000))
def test_an_image_subtracted_from_itself_gives_no_candidate(seed):
    science = Field(seed).science
    assert len(candidates(science, replace(science))) == 0


@FEW
@given(
    science_factor=st.floats(0.05, 40.0),
    reference_factor=st.floats(0.05, 40.0),
)
def test_units_change_nothing_but_fluxes(field, science_factor, reference_factor):
    plain = subtract(field.science, field.reference, PARAMETERS)
    other = subtract(
        scaled(field.science, science_factor), scaled(field.reference, reference_factor), PARAMETERS
    )
    # float32 keeps 7 digits, of which sums over a tile and the star fits use up some
    np.testing.assert_allclose(other.significance, plain.significance, atol=0.02)
    np.testing.assert_allclose(
        other.difference / science_factor, plain.difference, atol=0.02 * sky.SCIENCE.noise
    )


@FEW
@given(turns=st.integers(1, 3), mirrored=st.booleans())
def test_turning_both_frames_turns_the_result(field, turns, mirrored):
    def turned(image):
        return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, turns))

    def turn(frame):
        planes = {name: turned(getattr(frame, name)) for name in ("pixels", "noise", "mask")}
        return replace(frame, **planes)

    plain = subtract(field.science, field.reference, PARAMETERS)
    other = subtract(turn(field.science), turn(field.reference), PARAMETERS)
    change = other.significance - turned(plain.significance)
    # the cells of the background are laid the same from either end but for a block shared by two
    # cells, and the tiles from another corner; the whole background is known to 0.1 of the noise
    assert np.std(change) < 0.05


@FEW
@given(
    place=st.integers(0, 11),
    dx=st.floats(-0.5, 0.5),
    dy=st.floats(-0.5, 0.5),
    flux=st.floats(2000.0, 2e4),
    fading=st.booleans(),
)
def test_an_injected_source_comes_back_with_its_place_and_flux(field, place, dx, dy, flux, fading):
    x, y = field.free[place] + (dx, dy)
    kind, frame = (sky.REFERENCE, field.reference) if fading else (sky.SCIENCE, field.science)
    source = frame.pixels + sky.render(SHAPE, kind, [(x, y, flux)])
    changed = replace(frame, pixels=source.astype(np.float32))
    pair = (field.science, changed) if fading else (changed, field.reference)
    found = candidates(*pair)
    assert len(found) == 1
    assert bool(found["is_negative"][0]) is fading
    seen_x, seen_y = np.array([x, y]) + sky.SCIENCE.shift
    # S/N 15 and more: 0.1 px of noise per axis at the faint end, a reference source moves with
    # the fitted shift
    assert np.hypot(found["x"][0] - seen_x, found["y"][0] - seen_y) < 0.4
    seen_flux = flux * sky.SCIENCE.scale * (-1 if fading else 1)
    # noise, and the PSF of some 30 stars: 2 % of the flux
    tolerance = 4 * found["flux_error"][0] + 0.02 * abs(seen_flux)
    assert found["flux"][0] == pytest.approx(seen_flux, abs=tolerance)
