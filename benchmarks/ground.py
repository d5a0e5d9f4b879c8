"""The truth about a simulated pair, laid on the pixel grid of its difference."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from observations.simulator.exposure import Exposure
from observations.simulator.pair import Pair
from observations.simulator.pointing import Pointing
from observations.simulator.truth import Source

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.floating]
BoolImage = npt.NDArray[np.bool_]

# Light of sources, in sigma of the sky per pixel: below the one there is sky alone (a matched
# filter adds about ten such pixels), above the other their photons and residuals rule.
BLANK_SIGMA = 0.1
SOURCE_SIGMA = 10.0
# Reach of the matched filter, px: beyond it a masked pixel has no say in the score.
DEFECT_REACH = 6
CHANGE_REACH = 12
EDGE = 15


@dataclass(frozen=True)
class Ground:
    """What is where in a difference.

    Attributes
    ----------
    sources : list of Source
        All that changed.
    x, y : (n,) arrays
        Their true places on the grid of the difference, 0-based px.
    is_usable : (ny, nx) bool array
        Both frames have data, and neither edge nor defect is near.
    is_steady : (ny, nx) bool array
        Usable, and neither a change nor a cosmic ray is near.
    is_blank, is_source : (ny, nx) bool arrays
        Steady, and without light of sources or with plenty of it.
    is_cosmic : (ny, nx) bool array
        A cosmic ray is near.
    """

    sources: list[Source]
    x: FloatArray
    y: FloatArray
    is_usable: BoolImage
    is_steady: BoolImage
    is_blank: BoolImage
    is_source: BoolImage
    is_cosmic: BoolImage

    @property
    def usable_mpix(self) -> float:
        """Area in which detections are counted, 1e6 px."""
        return float(self.is_usable.sum()) / 1e6


def ground_of(pair: Pair) -> Ground:
    """Lay the truth of a dithered ``pair`` on the grid of its difference, the reference's."""
    science = _Lookup.of(pair)
    x, y = _places(pair, pair.reference)
    usable = _usable(pair, science)
    cosmic = grown(science(pair.science.is_cosmic) | pair.reference.is_cosmic, DEFECT_REACH)
    steady = usable & ~cosmic & ~_near(usable.shape, x, y)
    light = np.maximum(
        science(_light(pair.science)), _light(pair.reference) * np.float32(pair.flux_ratio)
    )
    light /= np.float32(pair.science.conditions.sky_sigma)
    return Ground(
        pair.sources,
        x,
        y,
        usable,
        steady,
        steady & (light < BLANK_SIGMA),
        steady & (light > SOURCE_SIGMA),
        cosmic,
    )


@dataclass(frozen=True)
class _Lookup:
    """Takes planes of the science frame to the grid of the difference, by the nearest pixel."""

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    is_inside: BoolImage

    @classmethod
    def of(cls, pair: Pair) -> "_Lookup":
        height, width = pair.science.pixels.shape
        rows, columns = np.mgrid[:height, :width]
        scene = _from_frame(pair.reference.conditions.pointing, columns, rows)
        x, y = pair.science.conditions.pointing.to_frame(*scene)
        rows, columns = np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return cls(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1), inside)

    def __call__(self, plane: npt.NDArray) -> npt.NDArray:
        return plane[self.rows, self.columns]


def _from_frame(
    pointing: Pointing, x: npt.NDArray, y: npt.NDArray
) -> tuple[FloatArray, FloatArray]:
    """Scene positions of the pixels of a frame without distortion."""
    if pointing.distortion is not None:
        raise ValueError("a distorted pointing has no inverse in closed form")
    centre = (pointing.parameters.size - 1) / 2
    cos, sin = np.cos(pointing.rotation), np.sin(pointing.rotation)
    u, v = x - centre - pointing.shift[0], y - centre - pointing.shift[1]
    return cos * u + sin * v + centre, -sin * u + cos * v + centre


def _places(pair: Pair, grid: Exposure) -> tuple[FloatArray, FloatArray]:
    ra = [source.ra for source in pair.sources]
    dec = [source.dec for source in pair.sources]
    scene = Pointing(pair.parameters).wcs().all_world2pix(ra, dec, 0)
    return grid.conditions.pointing.to_frame(*scene)


def _usable(pair: Pair, science: _Lookup) -> BoolImage:
    lost = science(pair.science.is_masked) | pair.reference.is_masked | ~science.is_inside
    usable = ~grown(lost, DEFECT_REACH)
    usable[:EDGE] = usable[-EDGE:] = usable[:, :EDGE] = usable[:, -EDGE:] = False
    return usable


def grown(mask: BoolImage, reach: int) -> BoolImage:
    """Mark also what lies within ``reach`` px of ``mask``, along rows and columns."""
    side = 2 * reach + 1
    return np.asarray(ndimage.maximum_filter(mask, side, mode="constant"))


def _near(shape: tuple[int, ...], x: FloatArray, y: FloatArray) -> BoolImage:
    marks = np.zeros(shape, bool)
    marks[np.rint(y).astype(int), np.rint(x).astype(int)] = True
    return grown(marks, CHANGE_REACH)


def _light(exposure: Exposure) -> FloatImage:
    """Light of sources alone, ADU, without noise."""
    return exposure.light - exposure.conditions.sky().astype(np.float32)
