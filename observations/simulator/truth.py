"""What was put into the sky: the sources that change, with their true places and fluxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from observations.simulator import significance
from observations.simulator.exposure import Conditions, Exposure
from observations.simulator.parameters import SceneParameters
from observations.simulator.pointing import Pointing
from observations.simulator.scene import Galaxies, Scene, is_inside, margin

FloatArray = npt.NDArray[np.float64]

SUPERNOVA, TRANSIENT, VARIABLE = "supernova", "transient", "variable"
# Transients keep this distance from each other, px, so that each can be found on its own.
SEPARATION = 14.0


@dataclass(frozen=True)
class Source:
    """One source as it differs between one science frame and the reference.

    Attributes
    ----------
    name : str
        The same in every epoch of a night.
    kind : str
        ``supernova`` (in a host), ``transient`` (no host) or ``variable`` (star).
    x, y : float
        0-based pixel in the science frame.
    ra, dec : float
        True position, degrees ICRS.
    flux : float
        Science minus reference, ADU of the science frame; negative when fading.
    snr : float
        Significance in an ideal ZOGY subtraction; it has the sign of ``flux``.
    host_separation_arcsec : float
        Distance to the host's centre; NaN without a host.
    is_masked : bool
        Whether a saturated or bad pixel of either frame lies in its core (3 x 3 px).
    """

    name: str
    kind: str
    x: float
    y: float
    ra: float
    dec: float
    flux: float
    snr: float
    host_separation_arcsec: float
    is_masked: bool

    @property
    def sign(self) -> int:
        """1 when the source is brighter in the science frame, -1 when fainter."""
        return 1 if self.flux > 0 else -1


@dataclass(frozen=True)
class Transients:
    """New point sources of a scene: places (scene px), hosts, wanted significance."""

    x: FloatArray
    y: FloatArray
    snr: FloatArray
    host: npt.NDArray[np.intp]  # index into the galaxies, -1 without


def draw_transients(rng: np.random.Generator, scene: Scene, *, dithered: bool) -> Transients:
    """Draw places in or beside galaxies for ``host_fraction`` of them, anywhere for the rest."""
    parameters = scene.parameters
    count = rng.poisson(parameters.transients_per_mpix * parameters.megapixels)
    chosen: list[tuple[float, float, int]] = []
    # where the field is too small for all, the last ones are left out
    for _ in range(20 * count):
        if len(chosen) == count:
            break
        place = draw_place(rng, scene, dithered=dithered)
        if all(np.hypot(place[0] - x, place[1] - y) > SEPARATION for x, y, _ in chosen):
            chosen.append(place)
    places = np.array(chosen, dtype=float).reshape(-1, 3)
    faint, bright = np.log(parameters.snr_range)
    snr = np.exp(rng.uniform(faint, bright, len(places)))
    return Transients(places[:, 0], places[:, 1], snr, places[:, 2].astype(np.intp))


def draw_place(
    rng: np.random.Generator, scene: Scene, *, dithered: bool
) -> tuple[float, float, int]:
    """Scene position of one transient and the index of its host (-1 without)."""
    hosts = eligible_hosts(scene, dithered=dithered)
    if rng.random() < scene.parameters.host_fraction and len(hosts):
        return place_in_host(rng, scene.galaxies, int(rng.choice(hosts)))
    edge = margin(scene.parameters, dithered=dithered) + HOST_MARGIN
    x, y = rng.uniform(edge, scene.parameters.size - edge, 2)
    return float(x), float(y), -1


# Room for an offset of 1.5 half-light radii of the largest galaxy inside the common area, px.
HOST_MARGIN = 32.0
BRIGHT_HOST_QUANTILE = 0.5


def eligible_hosts(scene: Scene, *, dithered: bool) -> npt.NDArray[np.intp]:
    """Give the indices of the brighter half of the galaxies that every frame sees."""
    galaxies = scene.galaxies
    if len(galaxies.flux) == 0:
        return np.array([], dtype=np.intp)
    is_bright = galaxies.flux >= np.quantile(galaxies.flux, BRIGHT_HOST_QUANTILE)
    return np.flatnonzero(
        is_bright & is_inside(galaxies.x, galaxies.y, scene.parameters, dithered=dithered)
    )


def place_in_host(
    rng: np.random.Generator, galaxies: Galaxies, host: int
) -> tuple[float, float, int]:
    """Draw a place within 1.5 half-light radii, along the host's ellipse."""
    radius = galaxies.half_light_radius[host] * rng.uniform(0, 1.5)
    phase, ratio = rng.uniform(0, 2 * np.pi), galaxies.axis_ratio[host]
    u, v = radius * np.cos(phase) / np.sqrt(ratio), radius * np.sin(phase) * np.sqrt(ratio)
    cos, sin = np.cos(galaxies.angle[host]), np.sin(galaxies.angle[host])
    x = galaxies.x[host] + cos * u - sin * v
    y = galaxies.y[host] + sin * u + cos * v
    return float(x), float(y), host


def fluxes(
    transients: Transients,
    science: tuple[Conditions, FloatArray],
    reference: tuple[Conditions, FloatArray],
) -> FloatArray:
    """Fluxes (e/s) that give the transients their wanted significance in this pair of frames."""
    at = (transients.x, transients.y)
    filters = significance.matched_filter(science[0], reference[0], *at)
    variance = significance.variance_of_s(filters, science, reference, *at)
    adu = significance.flux_for(transients.snr, filters, variance, science[0].gain)
    return adu / science[0].adu_per_flux


@dataclass(frozen=True)
class Changes:
    """All that changes in a scene, before any frame is looked at."""

    names: list[str]
    kinds: list[str]
    x: FloatArray
    y: FloatArray
    host_separation: FloatArray  # px, NaN without a host


def changes_of(scene: Scene, transients: Transients) -> Changes:
    """List the transients, then the variable stars."""
    stars, galaxies = scene.stars, scene.galaxies
    x = np.concatenate([transients.x, stars.x[stars.is_variable]])
    y = np.concatenate([transients.y, stars.y[stars.is_variable]])
    host = np.concatenate([transients.host, np.full(int(stars.is_variable.sum()), -1)])
    separation = np.full(len(x), np.nan)
    has_host = host >= 0
    separation[has_host] = np.hypot(
        x[has_host] - galaxies.x[host[has_host]], y[has_host] - galaxies.y[host[has_host]]
    )
    kinds = [SUPERNOVA if index >= 0 else TRANSIENT for index in transients.host]
    kinds += [VARIABLE] * int(stars.is_variable.sum())
    names = [f"{kind[:3].upper()}{number:03d}" for number, kind in enumerate(kinds, 1)]
    return Changes(names, kinds, x, y, separation)


def sources_of(
    changes: Changes, flux: FloatArray, science: Exposure, reference: Exposure
) -> list[Source]:
    """State every change as it is between two finished frames.

    Parameters
    ----------
    flux : (n,) array
        Science minus reference, e/s above the atmosphere.
    """
    adu = flux * science.conditions.adu_per_flux
    snr = expected_snr(changes, adu, science, reference)
    x, y = science.conditions.pointing.to_frame(changes.x, changes.y)
    ra, dec = sky_of(changes.x, changes.y, science.conditions.parameters)
    masked = core_is_masked(changes, science) | core_is_masked(changes, reference)
    separation = changes.host_separation * science.conditions.parameters.pixel_scale_arcsec
    columns = (changes.names, changes.kinds, x, y, ra, dec, adu, snr, separation, masked)
    plain = [list(column) if isinstance(column, list) else column.tolist() for column in columns]
    return [Source(*row) for row in zip(*plain, strict=True)]


def sky_of(x: FloatArray, y: FloatArray, parameters: SceneParameters) -> tuple[FloatArray, ...]:
    """RA and Dec (degrees) of scene positions."""
    if len(x) == 0:
        return np.array([]), np.array([])
    ra, dec = Pointing(parameters).wcs().all_pix2world(x, y, 0)
    return np.asarray(ra) % 360, np.asarray(dec)


def expected_snr(
    changes: Changes, adu: FloatArray, science: Exposure, reference: Exposure
) -> FloatArray:
    """Signed significance of flux changes (ADU of the science frame) in an ideal subtraction."""
    at = (changes.x, changes.y)
    filters = significance.matched_filter(science.conditions, reference.conditions, *at)
    variance = significance.variance_of_s(
        filters,
        (science.conditions, science.light.astype(float)),
        (reference.conditions, reference.light.astype(float)),
        *at,
    )
    return np.asarray(adu * filters.signal / np.sqrt(variance))


def core_is_masked(changes: Changes, exposure: Exposure) -> npt.NDArray[np.bool_]:
    """Whether a masked pixel lies in the 3 x 3 px around each change."""
    x, y = exposure.conditions.pointing.to_frame(changes.x, changes.y)
    stamps = significance.cut(exposure.is_masked.astype(float), x, y)
    middle = significance.WIDTH // 2
    core = slice(middle - 1, middle + 2)
    return np.asarray(stamps[:, core, core].any(axis=(1, 2)))
