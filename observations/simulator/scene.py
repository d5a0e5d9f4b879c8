"""What is on the sky of one field: stars, some of them variable, and galaxies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from observations.simulator.parameters import SceneParameters

FloatArray = npt.NDArray[np.float64]

# log10 N(<m) rises by this much per magnitude: stars at high galactic latitude, field galaxies.
STAR_COUNT_SLOPE = 0.25
GALAXY_COUNT_SLOPE = 0.36
# Injected sources keep this far from the edges of every frame, px.
EDGE = 28.0


@dataclass(frozen=True)
class Stars:
    """Positions (scene px), fluxes (e/s) and which of them vary."""

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    is_variable: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Galaxies:
    """Sersic galaxies: positions (scene px), fluxes (e/s) and shapes."""

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    half_light_radius: FloatArray  # px, of the circle of equal area
    index: FloatArray  # Sersic n
    axis_ratio: FloatArray
    angle: FloatArray  # of the major axis from the x axis, radians


@dataclass(frozen=True)
class Scene:
    """One field of the sky on the scene grid, the plane of a perfect reference frame."""

    parameters: SceneParameters
    stars: Stars
    galaxies: Galaxies


def draw_magnitudes(
    rng: np.random.Generator, count: int, bounds: tuple[float, float], slope: float
) -> FloatArray:
    """Magnitudes between ``bounds`` whose log10 counts rise by ``slope`` per magnitude."""
    low, high = 10 ** (slope * bounds[0]), 10 ** (slope * bounds[1])
    return np.asarray(np.log10(rng.uniform(low, high, count)) / slope)


def flux_of(magnitude: FloatArray, parameters: SceneParameters) -> FloatArray:
    """Electrons per second at airmass 1."""
    return np.asarray(10 ** (-0.4 * (magnitude - parameters.zero_point_mag)))


def margin(parameters: SceneParameters, *, dithered: bool) -> float:
    """How far, in px, a frame's edge may move over the scene."""
    if not dithered:
        return 0.0
    corner = np.deg2rad(parameters.max_rotation_deg) * parameters.size / np.sqrt(2)
    return float(parameters.max_dither + corner)


def draw_scene(
    rng: np.random.Generator, parameters: SceneParameters, *, dithered: bool = False
) -> Scene:
    """Draw the stars and galaxies that any frame of the field can see.

    Raises
    ------
    ValueError
        When the dithers leave no area that every frame sees.
    """
    smallest = 2 * (margin(parameters, dithered=dithered) + EDGE + 16)
    if parameters.size < smallest:
        raise ValueError(
            f"size is {parameters.size} px; dithers of up to {parameters.max_dither:g} px need "
            f"at least {smallest:.0f}, or set max_dither lower"
        )
    outside = margin(parameters, dithered=dithered) + 20
    area_mpix = (parameters.size + 2 * outside) ** 2 / 1e6
    stars = draw_stars(rng, parameters, outside, area_mpix, dithered=dithered)
    galaxies = draw_galaxies(rng, parameters, outside, area_mpix)
    return Scene(parameters, stars, galaxies)


def draw_stars(
    rng: np.random.Generator,
    parameters: SceneParameters,
    outside: float,
    area_mpix: float,
    *,
    dithered: bool,
) -> Stars:
    """Draw a star field with a power-law luminosity function, and choose the variables in it."""
    count = rng.poisson(parameters.stars_per_mpix * area_mpix)
    x, y = rng.uniform(-outside, parameters.size + outside, (2, count))
    magnitude = draw_magnitudes(rng, count, parameters.star_magnitudes, STAR_COUNT_SLOPE)
    eligible = is_inside(x, y, parameters, dithered=dithered)
    faintest_last = np.argsort(magnitude)
    bright, faint = parameters.variable_magnitudes
    eligible &= (magnitude > bright) & (magnitude < faint)
    candidates = faintest_last[eligible[faintest_last]]
    wanted = min(len(candidates), round(parameters.variables_per_mpix * parameters.megapixels))
    is_variable = np.zeros(count, dtype=bool)
    is_variable[rng.choice(candidates, wanted, replace=False)] = True
    return Stars(x, y, flux_of(magnitude, parameters), is_variable)


def is_inside(
    x: FloatArray, y: FloatArray, parameters: SceneParameters, *, dithered: bool
) -> npt.NDArray[np.bool_]:
    """Say which scene positions every frame sees well inside its edges."""
    edge = margin(parameters, dithered=dithered) + EDGE
    last = parameters.size - edge
    return (x > edge) & (x < last) & (y > edge) & (y < last)


def draw_galaxies(
    rng: np.random.Generator, parameters: SceneParameters, outside: float, area_mpix: float
) -> Galaxies:
    """Draw discs seen at all inclinations (two thirds) and rounder, more concentrated ellipticals.

    Half-light radii follow the cube root of the flux with a scatter of 0.3 in ln r.
    """
    count = rng.poisson(parameters.galaxies_per_mpix * area_mpix)
    x, y = rng.uniform(-outside, parameters.size + outside, (2, count))
    magnitude = draw_magnitudes(rng, count, parameters.galaxy_magnitudes, GALAXY_COUNT_SLOPE)
    radius = 1.6 * 10 ** (-0.13 * (magnitude - 23.0)) * rng.lognormal(0, 0.3, count)
    is_disc = rng.random(count) < 2 / 3
    cos_inclination = rng.uniform(0, 1, count)
    disc_ratio = np.sqrt(cos_inclination**2 * (1 - DISC_THICKNESS**2) + DISC_THICKNESS**2)
    return Galaxies(
        x=x,
        y=y,
        flux=flux_of(magnitude, parameters),
        half_light_radius=np.clip(radius, 0.8, 14.0),
        index=np.where(is_disc, 1.0, rng.choice([2.5, 4.0], count)),
        axis_ratio=np.where(is_disc, disc_ratio, rng.uniform(0.6, 1.0, count)),
        angle=rng.uniform(0, np.pi, count),
    )


# Intrinsic axis ratio of a disc seen edge on (Unterborn & Ryden 2008 find about 0.22).
DISC_THICKNESS = 0.22
