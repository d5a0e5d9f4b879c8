"""What a detection probably is, judged by what the reference shows at its place.

These are rules, not a network: they stand until classes can be learned from human verdicts, and
they know the surroundings only. A nova on a galaxy is called a supernova, a supernova on a host
too faint to see a transient.

On 12 simulated fields (seeds 60 to 71, not those on which the threshold of 1.5 sigma was chosen)
the rules name 154 of 179 supernovae, 224 of 253 hostless transients and 159 of 182 variable stars
rightly. The simulator draws hosts as the rules imagine them; real skies are less kind.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sep
from numpy.typing import NDArray

from differencing.psf.stars import detect_sources, select_stars

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]

SUPERNOVA, VARIABLE, TRANSIENT = "supernova", "variable", "transient"
UNKNOWN, ARTIFACT = "unknown", "artifact"

MIN_AREA = 5  # px; fewer make no shape
# Half-light radii are measured within this many rms sizes of a source.
APERTURE = 6.0
# Stars scatter by less than this around the frame's stellar half-light radius; galaxies exceed it.
STELLAR_FACTOR = 1.25
# Stars for the locus must be this bright, sigma per pixel, or noise sets their size.
LOCUS_SIGMA = 10.0
# Pixels above threshold that sep has room for, at least.
LIT_PX = 300_000
# The part of the reference looked at for data, px each way.
DATA_RADIUS_PX = 2


@dataclass(frozen=True)
class ReferenceSources:
    """Sources of a reference frame; one array element each, px from 0."""

    x: FloatArray
    y: FloatArray
    half_light_radius: FloatArray  # px, along the circle of equal area
    axis_ratio: FloatArray  # minor over major
    angle: FloatArray  # of the major axis from the x axis, radians
    is_point: BoolArray
    flux: FloatArray  # ADU above the threshold's contour

    def __len__(self) -> int:
        """Count the sources."""
        return len(self.x)


def find_reference_sources(
    pixels: NDArray[np.float32], sigma: float, mask: NDArray, *, threshold: float
) -> ReferenceSources:
    """Find what lies in a reference frame and say what is point-like.

    Parameters
    ----------
    pixels : (ny, nx) float32 array
        Above the sky, ADU. NaN counts as masked.
    sigma : float
        Noise per pixel, ADU.
    mask : (ny, nx) array
        Pixels that are not 0 are left out.
    threshold : float
        Of detection, sigma per pixel.
    """
    bad = (mask != 0) | ~np.isfinite(pixels)
    clean = np.where(bad, 0, pixels).astype(np.float32)
    # The limit is sep's own for all of the process, and whoever looked last has set it.
    sep.set_extract_pixstack(max(LIT_PX, clean.size // 5))
    found = sep.extract(clean, threshold, err=sigma, mask=bad, minarea=MIN_AREA)
    size = np.sqrt(found["a"] * found["b"])
    radius, _ = sep.flux_radius(clean, found["x"], found["y"], APERTURE * size, 0.5, mask=bad)
    stellar = stellar_radius(clean, sigma, bad)
    return ReferenceSources(
        x=found["x"], y=found["y"], half_light_radius=radius,
        axis_ratio=found["b"] / found["a"], angle=found["theta"],
        is_point=radius < STELLAR_FACTOR * stellar, flux=found["flux"],
    )  # fmt: skip


def stellar_radius(clean: NDArray[np.float32], sigma: float, bad: BoolArray) -> float:
    """Give the median half-light radius, px, of the frame's stars; 0 when it shows none.

    Without stars nothing can be told to be a point, so every source counts as extended.
    """
    sources = detect_sources(clean, sigma, bad, threshold=LOCUS_SIGMA, ceiling=np.inf)
    stars = select_stars(sources, clean.shape, margin=2.0)
    return float(np.median(sources.size[stars])) if stars.any() else 0.0


@dataclass(frozen=True)
class Neighbour:
    """The source of the reference that a position belongs to most."""

    separation_px: float
    half_light_radii: float  # separation in units of the source's half-light ellipse
    half_light_radius_px: float
    is_point: bool


def nearest(sources: ReferenceSources, x: float, y: float) -> Neighbour | None:
    """Give the source nearest in units of its own ellipse, or None where there is none."""
    if len(sources) == 0:
        return None
    dx, dy = x - sources.x, y - sources.y
    cos, sin = np.cos(sources.angle), np.sin(sources.angle)
    # along the major axis lengths count sqrt(q), across it 1/sqrt(q): the area stays
    along = (cos * dx + sin * dy) * np.sqrt(sources.axis_ratio)
    across = (cos * dy - sin * dx) / np.sqrt(sources.axis_ratio)
    radii = np.hypot(along, across) / np.maximum(sources.half_light_radius, 0.5)
    index = int(np.argmin(radii))
    return Neighbour(
        separation_px=float(np.hypot(dx, dy)[index]),
        half_light_radii=float(radii[index]),
        half_light_radius_px=float(sources.half_light_radius[index]),
        is_point=bool(sources.is_point[index]),
    )


def classify(
    x: float,
    y: float,
    sources: ReferenceSources,
    reference_mask: NDArray,
    score: float,
    *,
    threshold: float,
    point_radius_px: float = 1.5,
    host_radii: float = 3.0,
) -> tuple[str, dict[str, Any]]:
    """Say what a detection probably is, and from which facts.

    Parameters
    ----------
    x, y : float
        Position, px from 0.
    sources : ReferenceSources
    reference_mask : (ny, nx) array
        Not 0 where the reference has no usable pixel.
    score : float
        Confidence that it is real; below ``threshold`` it is called an artifact.
    point_radius_px : float
        Nearer than this to a point source it is a variable.
    host_radii : float
        Within so many half-light ellipses of an extended source it is a supernova.

    Returns
    -------
    (str, dict)
        Detection type, and the facts behind it, ready for JSON.
    """
    neighbour = nearest(sources, x, y)
    facts: dict[str, Any] = {
        "rule": UNKNOWN,
        "neighbour": None if neighbour is None else vars(neighbour),
    }
    if score < threshold:
        return ARTIFACT, facts | {"rule": "score below threshold"}
    if not has_reference(reference_mask, x, y):
        return UNKNOWN, facts | {"rule": "reference masked here"}
    if neighbour is None:
        return TRANSIENT, facts | {"rule": "nothing in the reference"}
    if neighbour.is_point:
        if neighbour.separation_px <= point_radius_px:
            return VARIABLE, facts | {"rule": "on a point source"}
    elif neighbour.half_light_radii <= host_radii:
        return SUPERNOVA, facts | {"rule": "within an extended source"}
    return TRANSIENT, facts | {"rule": "apart from every source"}


def has_reference(mask: NDArray, x: float, y: float) -> bool:
    """Say whether most of the pixels around a position hold reference data."""
    row, column = round(y), round(x)
    part = mask[
        max(0, row - DATA_RADIUS_PX) : row + DATA_RADIUS_PX + 1,
        max(0, column - DATA_RADIUS_PX) : column + DATA_RADIUS_PX + 1,
    ]
    return part.size > 0 and float((part == 0).mean()) > 0.5
