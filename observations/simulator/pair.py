"""A science frame and its reference, with the truth: for benchmarks and for training."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from astropy.wcs import WCS

from observations.simulator.artifacts import truth_mask
from observations.simulator.detector import Detector, draw_detector
from observations.simulator.exposure import (
    REFERENCE,
    SCIENCE,
    Conditions,
    Exposure,
    add_points,
    expose,
    render,
)
from observations.simulator.parameters import SceneParameters
from observations.simulator.pointing import draw_distortion, draw_pointing
from observations.simulator.psf import PsfField
from observations.simulator.resampling import draw_move, resample
from observations.simulator.scene import Scene, Stars, draw_scene
from observations.simulator.truth import (
    Source,
    changes_of,
    draw_transients,
    fluxes,
    sources_of,
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two frames of one scene and what differs between them."""

    parameters: SceneParameters
    seed: int
    scene: Scene
    science: Exposure
    reference: Exposure
    sources: list[Source]

    @property
    def wcs(self) -> WCS:
        """The WCS of the science frame's header."""
        return self.science.wcs

    @property
    def flux_ratio(self) -> float:
        """ADU in the science frame per ADU in the reference, for a constant star."""
        return self.science.conditions.adu_per_flux / self.reference.conditions.adu_per_flux

    @cached_property
    def truth_mask(self) -> npt.NDArray[np.uint8]:
        """1 in the core of every unmasked source with ``|snr| >= 5``, on the science grid."""
        return truth_mask(self.science.pixels.shape, self.sources, self.science.psf)


def simulate_pair(parameters: SceneParameters, seed: int, *, dithered: bool = False) -> Pair:
    """Take a science frame and a deeper, sharper reference of one scene.

    Parameters
    ----------
    parameters : SceneParameters
    seed : int
        The same seed gives the same pixels.
    dithered : bool
        False puts both frames on one grid, but for ``parameters.distortion``; True shifts
        and rotates each and writes a slightly wrong WCS.

    Returns
    -------
    Pair
    """
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, parameters, dithered=dithered)
    transients = draw_transients(rng, scene, dithered=dithered)
    reference = reference_conditions(rng, parameters, dithered=dithered)
    science = science_conditions(rng, parameters, dithered=dithered)
    varied = vary(rng, scene.stars, parameters)
    order = parameters.resampling_order
    move = draw_move(rng, order) if order else None
    taken = move.before(science) if move else science
    reference_light = render(scene, reference, scene.stars.flux)
    light = render(scene, taken, varied)
    new = fluxes(transients, (taken, light), (reference, reference_light))
    add_points(light, taken, transients.x, transients.y, new)
    flawed = draw_detectors(rng, parameters, dithered=dithered)
    exposed = expose(rng, light, taken, flawed[0])
    frames = (
        resample(exposed, move, science) if move else exposed,
        expose(rng, reference_light, reference, flawed[1]),
    )
    flux = np.concatenate([new, (varied - scene.stars.flux)[scene.stars.is_variable]])
    sources = sources_of(changes_of(scene, transients), flux, *frames)
    return Pair(parameters, seed, scene, *frames, sources)


def draw_detectors(
    rng: np.random.Generator, parameters: SceneParameters, *, dithered: bool
) -> tuple[Detector, Detector]:
    """One detector for both frames; on one grid two, as if each had come from its own dither."""
    first = draw_detector(rng, parameters)
    return first, first if dithered else draw_detector(rng, parameters)


def vary(rng: np.random.Generator, stars: Stars, parameters: SceneParameters) -> FloatArray:
    """Star fluxes (e/s) of one epoch: each variable brighter or fainter than in the reference."""
    flux = stars.flux.copy()
    count = int(stars.is_variable.sum())
    amplitude = rng.uniform(*parameters.variable_amplitude_mag, count)
    sign = np.where(rng.random(count) < parameters.fading_fraction, -1, 1)
    flux[stars.is_variable] *= 10 ** (0.4 * amplitude * sign)
    return flux


def reference_conditions(
    rng: np.random.Generator, parameters: SceneParameters, *, dithered: bool
) -> Conditions:
    """Conditions of the deep epoch: good seeing, a dark sky, several exposures averaged."""
    return Conditions(
        parameters,
        REFERENCE,
        draw_psf(rng, parameters, parameters.reference_seeing, parameters.reference_psf_beta),
        draw_pointing(rng, parameters, dithered=dithered),
        exposures=parameters.reference_exposures,
        sky_e_per_s=0.7 * parameters.sky_e_per_s,
        gradient_angle=float(rng.uniform(0, 2 * np.pi)),
    )


def science_conditions(
    rng: np.random.Generator, parameters: SceneParameters, *, dithered: bool
) -> Conditions:
    """Conditions of one science epoch; seeing and sky scatter by 8 % from epoch to epoch."""
    seeing = parameters.science_seeing * float(rng.lognormal(0, 0.08))
    return Conditions(
        parameters,
        SCIENCE,
        draw_psf(rng, parameters, seeing, parameters.psf_beta),
        draw_pointing(
            rng, parameters, dithered=dithered, distortion=draw_distortion(rng, parameters)
        ),
        transparency=parameters.science_transparency,
        sky_e_per_s=parameters.sky_e_per_s * float(rng.lognormal(0, 0.08)),
        gradient_angle=float(rng.uniform(0, 2 * np.pi)),
    )


def draw_psf(
    rng: np.random.Generator, parameters: SceneParameters, fwhm: float, beta: float
) -> PsfField:
    """Give a PSF field with a random direction of change."""
    return PsfField(
        parameters.size,
        fwhm,
        beta,
        parameters.psf_variation,
        parameters.psf_ellipticity,
        float(rng.uniform(0, 2 * np.pi)),
    )
