"""The neutral scorer: one rule of detection and one mask of exclusion for every method."""

from dataclasses import dataclass
from dataclasses import field as column

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from benchmarks.differencing.field import BoolImage, Changes, Field, FloatArray, FloatImage

THRESHOLD = 5.0  # sigma
MATCH_PX = 2.5  # between a change and what is found
EXCLUDED_PX = 6  # around masked pixels, in steps along rows and columns
EDGE_PX = 15
COSMIC_PX = 6
CHANGED_PX = 12  # half side of the box around a change in which noise is not measured
LARGE_REGION = 60  # px: larger regions above the threshold are placed by their peak
BLANK_SIGMA, SOURCE_SKIES = 0.1, 0.5  # light of blank sky in sigma, of sources in skies
TAIL = 5.0

# What a detection without a change is, by what is there; the first that applies.
CLASSES = ("duplicate", "variable", "cosmic_ray", "star", "galaxy", "other")
FALSE = ("star", "galaxy", "other")
DUPLICATE_PX, VARIABLE_PX, GALAXY_PX = 5.0, 12.0, 6.0
BRIGHT_STAR = 4e3  # reference ADU; the reach grows by 6 px for each factor of ten above it
STAR_PX, STAR_PX_PER_DECADE = 5.0, 6.0


@dataclass(frozen=True)
class Found:
    """Detections of one sign.

    Attributes
    ----------
    x, y : (n,) arrays
        0-based px: centre of the region, by which changes are matched.
    peak_x, peak_y : (n,) arrays
        Vertex of the Gaussians through the peak, px: the place.
    flux : (n,) array
        Science ADU; NaN for a method that gives none.
    flux_error : (n,) array
        Science ADU; NaN where the method states none.
    """

    x: FloatArray
    y: FloatArray
    peak_x: FloatArray
    peak_y: FloatArray
    flux: FloatArray
    flux_error: FloatArray

    def __len__(self) -> int:
        """Count them."""
        return len(self.x)


@dataclass(frozen=True)
class Ground:
    """What is where in a pair, as far as scoring needs it."""

    field: Field
    is_excluded: BoolImage
    is_blank: BoolImage
    is_source: BoolImage
    is_cosmic: BoolImage


@dataclass(frozen=True)
class Noise:
    """Significance where nothing changed: robust std, and the share beyond `TAIL`.

    On sources it is that from zero: a sparse field has so few of them that scatter about their
    own median would leave out what they have in common, and be low by a tenth.
    """

    std_blank: float
    std_source: float
    tail_source: float


@dataclass
class Score:
    """One method on one pair.

    Attributes
    ----------
    is_asked, is_found, is_faded_asked, is_faded_found : (n,) bool arrays
        Of the transients, and of the variables that faded.
    extras, negative_extras : dict
        Detections without a change, by class.
    flux_excess, flux_pull : (n,) arrays
        Of the transients found above S/N 10 that stand alone: flux / true flux - 1;
        (flux - true flux) / error.
    place_pull : (m,) array
        Of the same, along both axes: (found - true place) / Cramer-Rao bound.
    """

    is_asked: npt.NDArray[np.bool_]
    is_found: npt.NDArray[np.bool_]
    is_faded_asked: npt.NDArray[np.bool_]
    is_faded_found: npt.NDArray[np.bool_]
    extras: dict[str, int]
    negative_extras: dict[str, int]
    flux_excess: FloatArray = column(default_factory=lambda: np.empty(0))
    flux_pull: FloatArray = column(default_factory=lambda: np.empty(0))
    place_pull: FloatArray = column(default_factory=lambda: np.empty(0))


def lay(field: Field) -> Ground:
    """Say of every pixel what may be asked of it."""
    lost = field.science.is_masked | field.reference.is_masked
    excluded = ndimage.binary_dilation(lost, iterations=EXCLUDED_PX)
    for edge in (np.s_[:EDGE_PX], np.s_[-EDGE_PX:], np.s_[:, :EDGE_PX], np.s_[:, -EDGE_PX:]):
        excluded[edge] = True
    cosmic = ndimage.binary_dilation(field.is_cosmic, iterations=COSMIC_PX)
    steady = ~(excluded | cosmic | near_changes(field))
    light, sky = field.science.light, float(field.science.sky.mean())
    blank = steady & (light < BLANK_SIGMA * field.science.sky_sigma)
    return Ground(field, excluded, blank, steady & (light > SOURCE_SKIES * sky), cosmic)


def near_changes(field: Field) -> BoolImage:
    """Mark boxes around all that changed."""
    marks = np.zeros((field.size, field.size), bool)
    for changes in (field.transients, field.variables):
        marks[pixels_of(changes.y, field.size), pixels_of(changes.x, field.size)] = True
    return np.asarray(ndimage.maximum_filter(marks, 2 * CHANGED_PX + 1, mode="constant"))


def pixels_of(place: FloatArray, size: int) -> npt.NDArray[np.intp]:
    """Give the index of the pixel of each coordinate, inside the frame."""
    return np.clip(np.rint(place).astype(np.intp), 0, size - 1)


def noise_of(significance: FloatImage, ground: Ground) -> Noise:
    """Measure the significance in blank sky and on what did not change."""
    has_value = np.isfinite(significance)
    blank = significance[ground.is_blank & has_value].astype(float)
    source = significance[ground.is_source & has_value].astype(float)
    tail = float((np.abs(source) > TAIL).mean())
    return Noise(robust_sigma(blank), robust_sigma(np.concatenate([source, -source])), tail)


def robust_sigma(values: FloatArray) -> float:
    """Give the Gaussian standard deviation of the same median absolute deviation."""
    return float(1.482602218505602 * np.median(np.abs(values - np.median(values))))


def matched_filter(
    difference: FloatImage, variance: FloatImage, psf: FloatArray
) -> tuple[FloatImage, FloatImage]:
    """Give significance and flux for a method that makes only a difference and its noise.

    The best linear filter for the stated variances, were the noise of the pixels independent.

    Parameters
    ----------
    difference, variance : (ny, nx) arrays
        ADU and ADU^2; pixels without a finite positive variance are left out.
    psf : (k, k) array
        Of the difference; sums to 1.
    """
    good = np.isfinite(variance) & (variance > 0) & np.isfinite(difference)
    weight = np.where(good, 1 / np.where(good, variance, 1), 0).astype(np.float32)
    signal = _correlate(np.where(good, difference, 0) * weight, psf)
    information = np.maximum(_correlate(weight, psf**2), np.float32(1e-12))
    return signal / np.sqrt(information), signal / information


def _correlate(image: FloatImage, kernel: FloatArray) -> FloatImage:
    half = kernel.shape[0] // 2
    shape = [fft.next_fast_len(side + 2 * half, real=True) for side in image.shape]
    spectrum = fft.rfft2(image, shape) * np.conj(fft.rfft2(kernel.astype(np.float32), shape))
    whole = np.roll(fft.irfft2(spectrum, shape), (half, half), (0, 1))
    return np.asarray(whole[: image.shape[0], : image.shape[1]])


def detect(significance: FloatImage, flux: FloatImage | None, excluded: BoolImage) -> Found:
    """Find one detection per connected region above the threshold; the sign is the map's."""
    usable = np.where(excluded | ~np.isfinite(significance), 0, significance)
    labels, count = ndimage.label(usable > THRESHOLD, np.ones((3, 3)))
    if count == 0:
        return Found(*6 * [np.empty(0)])
    each = np.arange(1, count + 1)
    peaks = np.array(ndimage.maximum_position(usable, labels, each), dtype=np.intp)
    centres = np.array(ndimage.center_of_mass(np.maximum(usable, 0), labels, each))
    large = np.bincount(labels.ravel())[1:] >= LARGE_REGION
    place = np.where(large[:, None], peaks, centres)
    offset = _vertex(usable, peaks)
    unknown = np.full(count, np.nan)
    measured = unknown if flux is None else _value(np.nan_to_num(flux), peaks, offset)
    at = (peaks + offset).T
    return Found(place[:, 1], place[:, 0], at[1], at[0], measured, unknown)


# Below this share of a peak a neighbour says nothing of the peak's place.
FLOOR = 0.01


def _along(image: FloatImage, peaks: npt.NDArray[np.intp], axis: int) -> FloatArray:
    """Logarithms (3, n) of the pixels before, at and after each peak along an axis, less its own.

    A star through its matched filter is nearly a Gaussian, whose logarithm is a parabola.
    """
    step = np.eye(2, dtype=np.intp)[axis]
    pixels = np.array([image[tuple((peaks + k * step).T)] for k in (-1, 0, 1)], np.float64)
    return np.asarray(np.log(np.maximum(pixels / np.where(pixels[1], pixels[1], 1), FLOOR)))


def _vertex(image: FloatImage, peaks: npt.NDArray[np.intp]) -> FloatArray:
    """Offset (n, 2) of the vertex of the Gaussian through three pixels along each axis."""
    offsets = []
    for axis in (0, 1):
        before, _, after = _along(image, peaks, axis)
        bend = -before - after
        offsets.append((after - before) / np.where(bend > 0, 2 * bend, np.inf))
    return np.asarray(np.clip(np.stack(offsets, 1), -0.5, 0.5))


def _value(image: FloatImage, peaks: npt.NDArray[np.intp], offset: FloatArray) -> FloatArray:
    """Value (n,) of those Gaussians at an offset."""
    rise = np.zeros(len(peaks))
    for axis in (0, 1):
        before, _, after = _along(image, peaks, axis)
        t = offset[:, axis]
        rise += (after - before) / 2 * t + (before + after) / 2 * t**2
    return np.asarray(image[tuple(peaks.T)] * np.exp(rise))


def matched(changes: Changes, found: Found) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Say of each change whether a detection is near, and which is nearest."""
    if len(found) == 0 or len(changes) == 0:
        return np.zeros(len(changes), bool), np.zeros(len(changes), np.intp)
    tree = cKDTree(np.column_stack([found.x, found.y]))
    apart, nearest = tree.query(np.column_stack([changes.x, changes.y]))
    return np.asarray(apart < MATCH_PX), np.asarray(nearest)


def is_asked(changes: Changes, ground: Ground) -> npt.NDArray[np.bool_]:
    """Say which changes lie where detections count."""
    size = ground.field.size
    return np.asarray(~ground.is_excluded[pixels_of(changes.y, size), pixels_of(changes.x, size)])
