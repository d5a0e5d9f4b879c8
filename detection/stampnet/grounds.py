"""Places where nothing changes, of simulated and real sky, and residuals of stars beside them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.scenes import Scene
from detection.stampnet.changes import Ground
from detection.stampnet.harvest import cut
from detection.stampnet.sight import in_sigma, matched, usable_pixels
from detection.stampnet.stamps import ARTIFACT, SIDE, Stamps

FloatArray = NDArray[np.floating]

MIDDLE = SIDE // 2
CLEAR_PX = 8  # no candidate this near
NEAREST_EDGE = 6  # px of real pixels around a place in a stamp
SOURCE_SIGMA = 8.0
ON_STAR_SHARE = 0.4
MIRRORED_SHARE = 0.7
STAR_SIGMA = 6.0  # per pixel of the reference or the science frame
OTHER_SHARE = 0.6  # of a peak that its neighbour of the other sign must reach


def moved(
    planes: NDArray[np.float32], row: int, column: int, *, is_mirrored: bool
) -> NDArray[np.float32]:
    """Centre a stamp on another of its pixels; from beyond comes NaN or the sky within, mirrored.

    Were it always NaN, missing data would tell what was made from what was found.
    """
    margin = ((0, 0), (MIDDLE, MIDDLE), (MIDDLE, MIDDLE))
    wide = (
        np.pad(planes, margin, mode="reflect")
        if is_mirrored
        else np.pad(planes, margin, constant_values=np.nan)
    )
    return np.ascontiguousarray(wide[:, row : row + SIDE, column : column + SIDE])


def grounds_of_scene(
    scene: Scene, count: int, rng: np.random.Generator
) -> list[tuple[Ground, str]]:
    """Give places of a scene away from its candidates and true sources, with its group."""
    ny, nx = scene.labels.shape
    taken = np.concatenate(
        [np.column_stack([scene.candidates.x, scene.candidates.y]), scene.sources[:, :2]]
    )
    places = rng.uniform(0, 1, (2 * count, 2)) * (nx - 1, ny - 1)
    apart = np.hypot(*(places[:, None] - taken[None]).transpose(2, 0, 1))
    clear = places[(apart > CLEAR_PX).all(axis=1)][:count] if len(taken) else places[:count]
    stamps = cut(scene.stack, clear[:, 0], clear[:, 1])
    near = stamps[:, 0, MIDDLE - 2 : MIDDLE + 3, MIDDLE - 2 : MIDDLE + 3]
    whole = np.isfinite(near).all(axis=(1, 2))
    return [(Ground(planes, scene.fwhm), f"scene {scene.seed}") for planes in stamps[whole]]


def grounds_of_stamps(stamps: Stamps, rng: np.random.Generator) -> list[tuple[Ground, str]]:
    """Give one place off the candidate in the middle of each stamp, where nothing stands out."""
    usable = usable_pixels(stamps.planes)
    scaled = in_sigma(stamps.planes, usable)
    scaled[~np.repeat(usable[:, None], 3, axis=1)] = np.nan
    significance = np.abs(matched(np.nan_to_num(scaled[:, 2]), usable, stamps.fwhm))
    places = []
    for planes, noise, fwhm, group in zip(
        scaled, significance, stamps.fwhm, stamps.group, strict=True
    ):
        quiet = open_places(planes) & (ndimage.maximum_filter(noise, 7) < 4)
        stars = quiet & peaks_of(planes)
        wanted = stars if rng.random() < ON_STAR_SHARE and stars.any() else quiet
        rows, columns = np.nonzero(wanted)
        if rows.size:
            one = int(rng.integers(rows.size))
            row, column = int(rows[one]), int(columns[one])
            found = moved(planes, row, column, is_mirrored=bool(rng.random() < MIRRORED_SHARE))
            places.append((Ground(found, float(fwhm)), str(group)))
    return places


def peaks_of(planes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say where one of the two frames peaks: there the stars and galaxies of a stamp are."""
    frames = np.nan_to_num(planes[:2])
    highest = ndimage.maximum_filter(frames, (0, 5, 5)) == frames
    return np.asarray((highest & (frames > STAR_SIGMA)).any(axis=0))


def open_places(planes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say where in a stamp a candidate could lie: on data, off the middle, off the border."""
    missing = ~np.isfinite(planes).all(axis=0)
    allowed = ~ndimage.maximum_filter(missing, 5)
    edge = np.zeros_like(allowed)
    edge[NEAREST_EDGE:-NEAREST_EDGE, NEAREST_EDGE:-NEAREST_EDGE] = True
    y, x = np.mgrid[:SIDE, :SIDE] - MIDDLE
    return np.asarray(allowed & edge & (np.hypot(x, y) > CLEAR_PX))


def residuals_of_stamps(stamps: Stamps, threshold: float = 4.5) -> Stamps:
    """Give what stands out in real differences beside the candidate: residuals of other stars.

    Only those with a comparable peak of the other sign beside them: a residual of one sign alone
    may be a star that varies. Each is centred in a stamp of its own, negative ones turned.
    """
    usable = usable_pixels(stamps.planes)
    scaled = in_sigma(stamps.planes, usable)
    significance = matched(scaled[:, 2], usable, stamps.fwhm)
    found = [
        (index, int(row), int(column), float(np.sign(significance[index, row, column])))
        for index in range(len(stamps))
        for row, column in two_signed(significance[index], stamps.planes[index], threshold)
    ]
    if not found:
        return stamps.chosen(np.zeros(0, int))
    index, row, column, sign = (np.array(values) for values in zip(*found, strict=True))
    planes = np.stack(
        [
            moved(stamps.planes[i], r, c, is_mirrored=True)
            for i, r, c in zip(index, row, column, strict=True)
        ]
    )
    planes[:, 2] *= sign[:, None, None].astype(np.float32)
    one = stamps.chosen(index)
    count = len(index)
    return Stamps(
        planes, one.fwhm, one.sign * sign, np.full(count, np.nan),
        np.full(count, ARTIFACT), one.group, np.ones(count),
    )  # fmt: skip


def two_signed(
    significance: NDArray[np.float32], planes: NDArray[np.float32], threshold: float
) -> NDArray[np.intp]:
    """Give places of peaks that have one of the other sign beside them."""
    strong = np.abs(significance)
    top = (ndimage.maximum_filter(strong, 9) == strong) & (strong > threshold)
    highest = ndimage.maximum_filter(significance, 11)
    lowest = ndimage.minimum_filter(significance, 11)
    beside = np.where(significance > 0, -lowest, highest)
    return np.argwhere(top & (beside > OTHER_SHARE * strong) & open_places(planes))
