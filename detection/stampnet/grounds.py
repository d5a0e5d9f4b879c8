"""Places where nothing changes, to put changes and artifacts into: simulated and real pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.scenes import Scene
from detection.stampnet.changes import SUPERNOVA, TRANSIENT, VARIABLE, Ground, change
from detection.stampnet.flaws import spoil
from detection.stampnet.harvest import cut
from detection.stampnet.sight import in_sigma, matched, usable_pixels
from detection.stampnet.stamps import ARTIFACT, SIDE, Stamps, joined

FloatArray = NDArray[np.floating]

MIDDLE = SIDE // 2
CLEAR_PX = 8  # no candidate this near
EMPTY_SIGMA = 3.5  # of the reference's matched filter within the seeing
NEAREST_EDGE = 6  # px of real pixels around a place in a stamp
SOURCE_SIGMA = 8.0
REAL_SHARE = 0.5
OTHER_SHARE = 0.6  # of a peak that its neighbour of the other sign must reach


def moved(planes: NDArray[np.float32], row: int, column: int) -> NDArray[np.float32]:
    """Centre a stamp on another of its pixels; NaN comes in from beyond."""
    wide = np.pad(planes, ((0, 0), (MIDDLE, MIDDLE), (MIDDLE, MIDDLE)), constant_values=np.nan)
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
        rows, columns = np.nonzero(quiet)
        if rows.size:
            one = int(rng.integers(rows.size))
            ground = Ground(moved(planes, int(rows[one]), int(columns[one])), float(fwhm))
            places.append((ground, str(group)))
    return places


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
        [moved(stamps.planes[i], r, c) for i, r, c in zip(index, row, column, strict=True)]
    )
    planes[:, 2] *= sign[:, None, None].astype(np.float32)
    one = stamps.chosen(index)
    count = len(index)
    return Stamps(
        planes, one.fwhm, np.zeros(count), np.full(count, np.nan),
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


def is_empty(ground: Ground) -> bool:
    """Say whether neither epoch shows a source in the middle."""
    part = slice(MIDDLE - 3, MIDDLE + 4)
    near = np.nan_to_num(ground.planes[:2, part, part])
    blurred = ndimage.gaussian_filter(near, (0, 1, 1))
    # the kernel of 1 px lowers white noise to 0.28 of itself
    return bool((blurred[:, 1:-1, 1:-1] < EMPTY_SIGMA * 0.28 * 1.5).all())


def fabricate(grounds: Sequence[tuple[Ground, str]], rng: np.random.Generator) -> Stamps:
    """Make a change or an artifact on each ground.

    Half of them are real, whatever the ground, so that the ground says nothing about the label.
    """
    made = [_fabricate(ground, group, rng) for ground, group in grounds]
    return joined([one for one in made if one is not None])


def _fabricate(ground: Ground, group: str, rng: np.random.Generator) -> Stamps | None:
    if rng.random() < REAL_SHARE:
        planes, sign, kind = change(rng, ground, is_empty=is_empty(ground))
    else:
        planes, sign, kind = spoil(rng, ground), 0.0, ARTIFACT
    part = slice(MIDDLE - 2, MIDDLE + 3)
    if np.isfinite(planes[0, part, part]).sum() < 5 or np.isfinite(planes[0]).mean() < 0.12:
        return None
    # what is written of the seeing is not what it is: packets give the width of the candidate
    told = ground.fwhm * float(np.exp(rng.normal(0, 0.2)))
    kind, history = remembered(kind, rng)
    return Stamps(
        planes[None], np.array([told]),
        np.array([sign if rng.random() < 0.5 else 0.0]), np.array([history]),
        np.array([kind]), np.array([group]), np.ones(1),
    )  # fmt: skip


def remembered(kind: str, rng: np.random.Generator) -> tuple[str, float]:
    """Draw how often a place was seen to change, for half of the real ones, and what follows.

    Assumed, not measured: stars vary for as long as a survey looks, supernovae for weeks, and
    what moves is seen once or twice. So a new star without a host that has stayed is a supernova
    whose host is too faint.
    """
    if kind not in EPOCHS or rng.random() < 0.5:
        return kind, float("nan")
    has_stayed = kind == TRANSIENT and rng.random() < 0.5
    kind = SUPERNOVA if has_stayed else kind
    typical, spread = EPOCHS[kind]
    least = 3 if has_stayed else 1
    return kind, float(max(least, round(np.exp(rng.normal(np.log(typical), spread)))))


# Median number of detections and the scatter of its logarithm.
EPOCHS = {SUPERNOVA: (12, 1.2), VARIABLE: (120, 1.6), TRANSIENT: (1.2, 0.4)}
