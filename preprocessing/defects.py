"""Find detector defects in the frame itself: stuck runs, bad columns, single hot or dead pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4)
# A chance run of equal neighbours may occur once in this many frames.
CHANCE_PER_FRAME = 1e-3
SHORTEST_RUN_PX = 8
LINE_PIECE_PX = 128
LINE_SIGMA = 8.0
# Optics spread light over at least two pixels: a column 3 times above both neighbours is no sky.
SHARPNESS = 3.0
# A point source of FWHM 1.5 px, centred on a pixel, lights the next one at 0.3: 5 is out of reach.
PIXEL_SHARPNESS = 5.0
PIXEL_SIGMA = 10.0


def find_defects(pixels: Floats, unusable: Bools) -> Bools:
    """Mark stuck lines, bad pieces of columns and rows, and isolated hot or dead pixels.

    Parameters
    ----------
    pixels : (ny, nx) array
        ADU. Not finite values must be marked in ``unusable``.
    unusable : (ny, nx) bool array
        Pixels known to be spoiled; they are neither judged nor used as neighbours.

    Returns
    -------
    (ny, nx) bool array
        True for a defect.
    """
    values = np.where(unusable, np.nan, pixels).astype(np.float32)
    stuck = stuck_runs(values) | stuck_runs(values.T).T
    values[stuck] = np.nan
    lines = bad_columns(values) | bad_columns(values.T).T
    values[lines] = np.nan
    return stuck | lines | isolated_pixels(values)


def stuck_runs(values: Floats) -> Bools:
    """Mark runs of equal values down the columns that are too long to be chance.

    The length at which a run is no chance follows from how often neighbours are equal in this
    frame, so that coarsely digitised sky is not mistaken for dead pixels.
    """
    marked = np.zeros(values.shape, bool)
    length = longest_chance_run(values)
    # A run of that length holds two neighbours of every comb with half its pitch.
    comb = values[:: (length - 1) // 2]
    suspects = np.flatnonzero((comb[1:] == comb[:-1]).any(axis=0))
    if values.shape[0] < length or suspects.size == 0:
        return marked
    columns = values[:, suspects]
    marked[:, suspects] = runs_of(columns[1:] == columns[:-1], length)
    return marked


def longest_chance_run(values: Floats) -> int:
    """Give the length of a run of equal pixels that is no chance any more."""
    sample = values[:, :: max(1, values.shape[1] // 256)]
    # The median column, or one dead column would pass for coarse digitisation.
    equal_pairs = float(np.median((sample[1:] == sample[:-1]).mean(axis=0)))
    # Long runs are made of the commonest value, whose share p obeys p^2 <= sum p_i^2.
    share = float(np.clip(np.sqrt(equal_pairs), 0.01, 0.99))
    return max(SHORTEST_RUN_PX, int(np.log(CHANCE_PER_FRAME / values.size) / np.log(share)) + 2)


def runs_of(same: Bools, length: int) -> Bools:
    """Mark the pixels of runs of at least ``length`` pixels, given "equals the one above"."""
    need = length - 1
    counts = np.zeros((same.shape[0] + 1, same.shape[1]), np.int32)
    np.cumsum(same, axis=0, out=counts[1:])
    starts = counts[need:] - counts[:-need] == need
    marked = np.zeros((same.shape[0] + 1, same.shape[1]), bool)
    for row, column in zip(*np.nonzero(starts), strict=True):
        marked[row : row + length, column] = True
    return marked


def bad_columns(values: Floats) -> Bools:
    """Mark pieces of columns whose median stands off both neighbours as no light source can."""
    marked = np.zeros(values.shape, bool)
    for top in range(0, values.shape[0], LINE_PIECE_PX):
        piece = values[top : top + LINE_PIECE_PX]
        if piece.shape[0] >= LINE_PIECE_PX // 2:
            marked[top : top + LINE_PIECE_PX, off_columns(piece)] = True
    return marked & np.isfinite(values)


def off_columns(piece: Floats) -> Bools:
    """Say which columns of a piece stand off."""
    usable = np.isfinite(piece).mean(axis=0) > 0.5
    if usable.sum() < 16:
        return np.zeros(piece.shape[1], bool)
    middle = np.full(piece.shape[1], np.nan)
    middle[usable], error = clipped_means(piece[:, usable])
    filled = np.where(usable, middle, np.median(middle[usable]))
    off = np.abs(filled - ndimage.median_filter(filled, 11, mode="nearest"))
    scatter = max(error, MAD_TO_SIGMA * float(np.median(off[usable])))
    beside = np.maximum(np.roll(off, 1), np.roll(off, -1))
    return np.asarray(usable & (off > LINE_SIGMA * scatter) & (off > SHARPNESS * beside))


def clipped_means(columns: Floats) -> tuple[Floats, float]:
    """Give the mean of each column with its values clipped at 3 sigma, and its standard error.

    Medians would do, but those of coarsely digitised sky jump by whole counts.
    """
    centre = np.nanmedian(columns, axis=0)
    around = np.nanpercentile((columns - centre)[:, ::4], [15.87, 84.13])
    sigma = max(0.5 * float(np.ptp(around)), float(np.finfo(np.float32).tiny))
    means = np.nanmean(np.clip(columns, centre - 3 * sigma, centre + 3 * sigma), axis=0)
    return means, sigma / float(np.sqrt(columns.shape[0]))


def isolated_pixels(values: Floats) -> Bools:
    """Mark single pixels far above or below all eight neighbours."""
    marked = np.zeros(values.shape, bool)
    inner = values[1:-1, 1:-1]
    if inner.size == 0:
        return marked
    step = inner - 0.5 * (values[:-2, 1:-1] + values[2:, 1:-1])
    sample = step[np.isfinite(step)][::7]
    if sample.size < 16:
        return marked
    # var(p - mean of two) = 1.5 var(p)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(sample))) / np.sqrt(1.5)
    y, x = np.nonzero(np.abs(step) > PIXEL_SIGMA * sigma)
    y, x = y + 1, x + 1
    alone = stands_alone(values, y, x, sigma)
    marked[y[alone], x[alone]] = True
    return marked


def stands_alone(values: Floats, y: NDArray[np.intp], x: NDArray[np.intp], sigma: float) -> Bools:
    """Say which of the pixels ``(y, x)`` no point source could have made."""
    padded = np.pad(values, 2, constant_values=np.nan)
    steps = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    box = np.stack([padded[y + 2 + dy, x + 2 + dx] for dy, dx in steps])
    distance = np.array([max(abs(dy), abs(dx)) for dy, dx in steps])
    near, far, centre = box[distance == 1], box[distance == 2], box[distance == 0][0]
    judged = np.isfinite(near).all(axis=0) & (np.isfinite(far).sum(axis=0) >= 8)
    near, far, centre = near[:, judged], far[:, judged], centre[judged]
    sky = np.nanmedian(far, axis=0) if far.size else centre
    # Neighbours count at least their noise, or a faint pixel on blank sky would look sharp.
    beside = np.maximum(np.abs(near - sky).max(axis=0), 2 * sigma)
    alone = np.zeros(y.size, bool)
    alone[judged] = np.abs(centre - sky) > np.maximum(PIXEL_SHARPNESS * beside, PIXEL_SIGMA * sigma)
    return alone
