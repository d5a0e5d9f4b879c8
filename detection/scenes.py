"""Simulated scenes as the network meets them: through the real preprocessing and differencing."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from detection import normalise
from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import Difference, subtract
from observations.simulator import Pair, SceneParameters, simulate_pair
from observations.simulator.artifacts import mark_disc
from observations.simulator.exposure import Exposure
from observations.simulator.parameters import WIDEST_DIFFUSION
from observations.simulator.pointing import Pointing
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]

# A true source that no candidate has found (too faint, or lost in the noise of a bright star) is
# neither sky nor a lesson in what a real change looks like; below this significance it is sky.
SKY_SNR = 2.0
CORE_FWHM = 0.75
# A candidate this near to a true source, px, has found it (as the scoring box allows).
MATCH_PX = 2.5
# Candidates below the pipeline's threshold are extracted too: faint sources are learned there.
TRAINING_SIGMA = 4.5
PATCH_PX = 2
BACKGROUND_WEIGHT = 0.05


@dataclass(frozen=True)
class Candidates:
    """What stood out in one scene; one array element each, px from 0."""

    x: FloatArray
    y: FloatArray
    significance: FloatArray
    is_negative: BoolArray
    source: NDArray[np.intp]  # index of the true source it found, -1 for none

    @property
    def is_real(self) -> BoolArray:
        """Whether a true source is behind each."""
        return self.source >= 0

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.x)


@dataclass(frozen=True)
class Scene:
    """One simulated field, ready to be learned from.

    Attributes
    ----------
    seed : int
        Of the sky in it; two scenes with different seeds share no object.
    stack : (ny, nx, 4) float32 array
        From :func:`detection.normalise.channels`.
    labels, weights : (ny, nx) float32 arrays
        1 in the core of a real change; how much a pixel counts.
    sources : (n, 4) array
        True x, y, signed significance, and 1 for those whose core lies on masked pixels.
    kinds : (n,) array of str
        What each source is: supernova, variable or transient.
    fwhm : float
        Seeing of the science frame, px.
    """

    seed: int
    stack: NDArray[np.float32]
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    candidates: Candidates
    sources: FloatArray
    kinds: NDArray[np.str_]
    fwhm: float


def draw_conditions(rng: np.random.Generator) -> tuple[SceneParameters, bool]:
    """Draw camera, sky and weather from broad ranges, and whether the pointings differ.

    The ranges are meant to hold any ground-based imaging survey of the optical: sharp to poor
    seeing with either frame the sharper one, single exposures to deep stacks, empty to crowded
    fields, small to large and bright hosts.
    """

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def log_between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    seeing = log_between(2.0, 5.5)
    parameters = SceneParameters(
        size=int(rng.choice([256, 384, 512])),
        gain=log_between(0.8, 5.0),
        read_noise_e=between(2.0, 12.0),
        saturation_adu=log_between(2e4, 2e5),
        bad_columns_per_mpix=between(0.0, 15.0),
        hot_pixels_per_mpix=log_between(10, 500),
        cosmic_rays_per_mpix=log_between(20, 400),
        max_dither=20.0,
        wcs_error=between(0.0, 0.6),
        distortion=between(0.0, 0.6),
        exposure_s=log_between(20, 300),
        reference_exposures=int(rng.choice([1, 1, 2, 4, 8])),
        science_seeing=seeing,
        reference_seeing=float(np.clip(seeing * log_between(0.65, 1.4), 1.9, 6.0)),
        science_transparency=between(0.5, 1.2),
        sky_e_per_s=log_between(2, 100),
        sky_gradient=between(0.0, 0.2),
        psf_beta=between(2.2, 4.5),
        reference_psf_beta=between(2.2, 4.5),
        psf_variation=between(0.0, 0.35),
        psf_ellipticity=between(0.0, 0.2),
        stars_per_mpix=log_between(200, 4000),
        star_magnitudes=(between(13.5, 16.0), 24.5),
        galaxies_per_mpix=log_between(100, 1500),
        galaxy_magnitudes=(between(13.5, 17.5), 24.5),
        transients_per_mpix=200.0,
        host_fraction=0.65,
        snr_range=(4.0, 60.0),
        variables_per_mpix=60.0,
        variable_magnitudes=(16.0, 22.5),
        variable_amplitude_mag=(0.1, 1.5),
    )
    dithered = bool(rng.random() < DITHERED_SHARE)
    # drawn last: what a seed drew before stays
    is_diffuse, is_resampled = rng.random(2) < BROAD_SHARE
    parameters = replace(
        parameters,
        cosmic_ray_diffusion=between(0.0, WIDEST_DIFFUSION) if is_diffuse else 0.0,
        resampling_order=(1 if rng.random() < 0.5 else 3) if is_resampled else 0,
    )
    return parameters, dithered


DITHERED_SHARE = 0.5
# Scenes whose cosmic-ray hits are spread by diffusion, and those that were interpolated before
# they came to us: a third each.
BROAD_SHARE = 1 / 3


def make_scene(seed: int, conditions: tuple[SceneParameters, bool] | None = None) -> Scene:
    """Simulate one scene and take it through the pipeline up to the network.

    Parameters
    ----------
    seed : int
    conditions : (SceneParameters, bool), optional
        And whether the pointings differ; drawn from the seed by default.

    Raises
    ------
    ValueError
        If the pipeline refuses the frames, as it would refuse real ones.
    """
    rng = np.random.default_rng([seed, 1])
    parameters, dithered = conditions or draw_conditions(rng)
    pair = simulate_pair(parameters, seed, dithered=dithered)
    reference = calibrated(pair.reference)
    science, _ = onto_grid(calibrated(pair.science), reference, PreprocessParameters())
    truth = sources_on_grid(pair), np.array([source.kind for source in pair.sources], str)
    return compose(seed, (science, reference), truth, parameters.science_seeing)


def compose(
    seed: int,
    frames: tuple[CalibratedFrame, CalibratedFrame],
    truth: tuple[FloatArray, NDArray[np.str_]],
    fwhm: float,
) -> Scene:
    """Subtract two frames of one grid and lay what stands out beside what is true.

    Parameters
    ----------
    seed : int
    frames : (CalibratedFrame, CalibratedFrame)
        Science and reference.
    truth : ((n, 4) array, (n,) array of str)
        ``sources`` and ``kinds`` of the scene.
    fwhm : float
        Seeing of the science frame, px.

    Raises
    ------
    ValueError
        If the frames cannot be subtracted.
    """
    sources, kinds = truth
    difference = subtract(*frames, DifferenceParameters())
    stack = normalise.channels(
        frames[0].pixels, frames[1].pixels, difference.difference, difference.significance,
        difference.mask,
    )  # fmt: skip
    candidates = find_candidates(difference, frames, sources, fwhm)
    labels, weights = pixel_truth(stack, candidates, sources, fwhm)
    return Scene(seed, stack, labels, weights, candidates, sources, kinds, fwhm)


def calibrated(exposure: Exposure) -> CalibratedFrame:
    """Calibrate a simulated exposure as an observation is calibrated."""
    conditions = exposure.conditions
    return calibrate(
        exposure.pixels,
        wcs=exposure.wcs,
        gain=conditions.gain,
        read_noise=conditions.read_noise_e,
        saturation=conditions.parameters.saturation_adu,
        parameters=PreprocessParameters(),
    )


def sources_on_grid(pair: Pair) -> FloatArray:
    """Give true x, y (px of the reference, onto which all is registered), signed S/N, is masked."""
    if not pair.sources:
        return np.empty((0, 4))
    ra, dec, snr, masked = np.array([(s.ra, s.dec, s.snr, s.is_masked) for s in pair.sources]).T
    sky: WCS = Pointing(pair.parameters).wcs()
    x, y = pair.reference.conditions.pointing.to_frame(*sky.all_world2pix(ra, dec, 0))
    return np.column_stack([x, y, snr, masked])


def find_candidates(
    difference: Difference,
    frames: tuple[CalibratedFrame, CalibratedFrame],
    sources: FloatArray,
    fwhm: float,
) -> Candidates:
    """Extract candidates of both signs and say which true source, if any, each has found."""
    found = extract(difference, *frames, threshold=TRAINING_SIGMA)
    apart = np.hypot(
        found["x"][:, None] - sources[None, :, 0], found["y"][:, None] - sources[None, :, 1]
    )
    sign = np.where(found["is_negative"], -1, 1)
    apart[sign[:, None] != np.sign(sources[None, :, 2])] = np.inf
    source, is_clear = matched(apart, sources, fwhm)
    clear = found[is_clear]
    return Candidates(
        clear["x"], clear["y"], clear["significance"], clear["is_negative"], source[is_clear]
    )


def matched(
    apart: FloatArray, sources: FloatArray, fwhm: float
) -> tuple[NDArray[np.intp], BoolArray]:
    """Say which source each candidate has found, -1 for none, and whether that is clear.

    What remains of a source on masked pixels is neither real nor bogus. Nor is what lies on a
    source too faint to be seen, nor what a source leaves beside the place where it counts as
    found.

    Parameters
    ----------
    apart : (n, m) array
        From each candidate to each source, px; infinite where their signs differ.
    sources : (m, 4) array
        As in a scene.
    fwhm : float
        Seeing, px.
    """
    none = np.full(len(apart), -1)
    if len(sources) == 0:
        return none, np.ones(len(apart), bool)
    nearest = apart.argmin(axis=1)
    distance = apart.min(axis=1)
    source = np.where(distance < MATCH_PX, nearest, none)
    is_seen = np.abs(sources[:, 2]) >= SKY_SNR
    is_whole = is_seen[nearest] & (sources[nearest, 3] == 0)
    is_beside = (apart[:, is_seen] < max(fwhm, MATCH_PX)).any(axis=1)
    return source, np.where(source >= 0, is_whole, ~is_beside)


def pixel_truth(
    stack: NDArray[np.float32],
    candidates: Candidates,
    sources: FloatArray,
    fwhm: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say what each pixel should become and how much that matters.

    Pixels around candidates, real or bogus, count in full: there the network decides. The rest
    of the sky counts little; unusable pixels and sources that no candidate has found, not at all.
    """
    real, unsure, judged = (np.zeros(stack.shape[:2], np.uint8) for _ in range(3))
    for x, y in zip(candidates.x, candidates.y, strict=True):
        mark_box(judged, x, y)
    for index, (x, y, snr, _) in enumerate(sources):
        if index in candidates.source:
            mark_disc(real, x, y, CORE_FWHM * fwhm)
        elif abs(snr) >= SKY_SNR:
            mark_disc(unsure, x, y, 2 * CORE_FWHM * fwhm)
    weights = np.where(judged | real, 1.0, BACKGROUND_WEIGHT)
    weights[(unsure > 0) & (real == 0)] = 0
    weights[(stack == 0).all(axis=2)] = 0
    return real.astype(np.float32), weights.astype(np.float32)


def mark_box(image: NDArray[np.uint8], x: float, y: float) -> None:
    """Set to 1, in place, the 5x5 px in which a candidate is scored."""
    row, column = int(np.rint(y)), int(np.rint(x))
    image[
        max(0, row - PATCH_PX) : row + PATCH_PX + 1,
        max(0, column - PATCH_PX) : column + PATCH_PX + 1,
    ] = 1


def try_scene(seed: int, conditions: tuple[SceneParameters, bool] | None = None) -> Scene | str:
    """Give a scene, or the words with which the pipeline refused its frames."""
    try:
        return make_scene(seed, conditions)
    except ValueError as error:
        return str(error)


def make_scenes(
    seeds: Iterable[int],
    *,
    workers: int,
    conditions: tuple[SceneParameters, bool] | None = None,
) -> tuple[list[Scene], list[str]]:
    """Make scenes in several processes; the result does not depend on their number.

    Returns
    -------
    (list of Scene, list of str)
        In the order of the seeds, and why the pipeline refused the others.
    """
    results = list(_map(partial(try_scene, conditions=conditions), seeds, workers))
    return (
        [result for result in results if isinstance(result, Scene)],
        [result for result in results if isinstance(result, str)],
    )


def _map(make: "partial[Scene | str]", seeds: Iterable[int], workers: int) -> Iterator[Scene | str]:
    if workers <= 1:
        yield from map(make, seeds)
        return
    # spawn: a fork of a process with TensorFlow or database connections in it may hang
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, seeds)
