"""Find detector defects in the frame itself: stuck runs, bad columns, single hot or dead pixels."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Indices = NDArray[np.intp]
Places = tuple[Indices, Indices]  # rows and columns of pixels

MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4)
# A chance run of equal neighbours may occur once in this many frames.
CHANCE_PER_FRAME = 1e-3
SHORTEST_RUN_PX = 8
LINE_PIECE_PX = 128
LINE_SIGMA = 8.0
# Pieces of columns are first looked over on sums of so many rows: few enough that a star fills a
# small share of the sums. What bends by less than this many sigma there is not looked at again.
SUMMED_ROWS, SUSPECT_SIGMA = 4, 6.0
# Optics spread light over at least two pixels: a column 3 times above both neighbours is no sky.
SHARPNESS = 3.0
SMOOTHING_PX = 11
# A point source of FWHM 1.5 px, centred on a pixel, lights the next one at 0.3: 5 is out of reach.
PIXEL_SHARPNESS = 5.0
PIXEL_SIGMA = 10.0
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
# Rows at a time: more would take room, fewer keep threads waiting for each other.
STRIP_ROWS = 128
SAMPLED_ROWS = 32
TINY = float(np.finfo(np.float32).tiny)


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
    values = np.where(unusable, np.float32(np.nan), np.asarray(pixels, np.float32))
    marked = np.zeros(values.shape, bool)
    for search in (stuck_runs, bad_columns):
        down, along = search(values), search(values.T)[::-1]
        for places in (down, along):
            marked[places], values[places] = True, np.nan
    marked[isolated_pixels(values)] = True
    return marked


def stuck_runs(values: Floats) -> Places:
    """Find runs of equal values down the columns that are too long to be chance.

    The length at which a run is no chance follows from how often neighbours are equal in this
    frame, so that coarsely digitised sky is not mistaken for dead pixels.
    """
    length = longest_chance_run(values)
    need = length - 1
    # So many equal pairs in a row hold one of those that are looked at first.
    equal = values[need - 1 : -1 : need] == values[need::need]
    middle, columns = np.divmod(np.flatnonzero(equal), values.shape[1])
    around = need * middle[:, None] + np.arange(2 * need)
    inside = around < len(values)
    near = values[np.minimum(around, len(values) - 1), columns[:, None]]
    same = (near[:, 1:] == near[:, :-1]) & inside[:, 1:]
    first, run = np.nonzero(runs_of(same.T, need))
    rows = (need * middle[run] + first)[:, None] + np.arange(length)
    return rows.ravel(), np.repeat(columns[run], length)


def longest_chance_run(values: Floats) -> int:
    """Give the length of a run of equal pixels that is no chance any more."""
    sample = values[:, :: max(1, values.shape[1] // 256)]
    # The median column, or one dead column would pass for coarse digitisation.
    equal_pairs = float(np.median((sample[1:] == sample[:-1]).mean(axis=0)))
    # Long runs are made of the commonest value, whose share p obeys p^2 <= sum p_i^2.
    share = float(np.clip(np.sqrt(equal_pairs), 0.01, 0.99))
    return max(SHORTEST_RUN_PX, int(np.log(CHANCE_PER_FRAME / values.size) / np.log(share)) + 2)


def runs_of(same: Bools, need: int) -> Bools:
    """Mark where ``need`` true values, one below the other, begin."""
    have = 1
    while have < need and len(same):
        step = min(have, need - have)
        same = same[step:] & same[:-step]
        have += step
    return same


def bad_columns(values: Floats) -> Places:
    """Find pieces of columns whose mean stands off both neighbours as no light source can."""
    rows, columns = [np.array([], np.intp)], [np.array([], np.intp)]
    for top in range(0, values.shape[0], LINE_PIECE_PX):
        piece = values[top : top + LINE_PIECE_PX]
        if piece.shape[0] < LINE_PIECE_PX // 2 or piece.shape[1] < SMOOTHING_PX:
            continue
        suspects, scatter = bent_columns(piece)
        off = suspects[stand_off(piece, suspects, scatter)]
        down, along = np.nonzero(np.isfinite(piece[:, off]))
        rows.append(down + top)
        columns.append(off[along])
    return np.concatenate(rows), np.concatenate(columns)


def bent_columns(piece: Floats) -> tuple[Indices, float]:
    """Find the columns that stand off the mean of their two neighbours, by sums of a few rows.

    Gives these columns, and the scatter of the means of single columns.
    """
    whole = piece[: len(piece) // SUMMED_ROWS * SUMMED_ROWS]
    sums = whole[::SUMMED_ROWS] + whole[1::SUMMED_ROWS]
    for row in range(2, SUMMED_ROWS):
        sums += whole[row::SUMMED_ROWS]
    bend = np.empty_like(sums)
    bend[:, 1:-1] = sums[:, 1:-1] - np.float32(0.5) * (sums[:, :-2] + sums[:, 2:])
    bend[:, 0], bend[:, -1] = sums[:, 0] - sums[:, 1], sums[:, -1] - sums[:, -2]
    lost = np.isnan(bend)
    if lost.all():
        return np.array([], np.intp), 0.0
    sample = np.abs(bend[:, ::7])[~lost[:, ::7]]
    sigma = max(MAD_TO_SIGMA * float(np.median(sample)) if sample.size else 0.0, TINY)
    bend[lost] = 0
    # What a star lights counts little: no sum counts for more than 3 sigma.
    known = len(bend) - lost.sum(axis=0)
    mean = np.clip(bend, -3 * sigma, 3 * sigma, out=bend).sum(axis=0) / np.maximum(known, 1)
    scatter = max(sigma / float(np.sqrt(len(bend))), MAD_TO_SIGMA * float(np.median(np.abs(mean))))
    # A bend holds 1.5 times the variance of a sum.
    suspects = np.flatnonzero((np.abs(mean) > SUSPECT_SIGMA * scatter) & (known > 0.25 * len(bend)))
    return suspects, scatter / float(SUMMED_ROWS * np.sqrt(1.5))


def stand_off(piece: Floats, suspects: Indices, scatter: float) -> Bools:
    """Say which of the suspected columns stand off the smooth run of those near them."""
    reach = SMOOTHING_PX // 2
    near = suspects[:, None] + np.arange(-reach - 1, reach + 2)
    inside = (near >= 0) & (near < piece.shape[1])
    columns = piece[:, np.clip(near, 0, piece.shape[1] - 1)]
    usable = inside & (np.isfinite(columns).mean(axis=0) > 0.5)
    middle = np.full(near.shape, np.nan, np.float32)
    middle[usable] = clipped_means(columns[:, usable])
    # The suspect and one column on either side, against the eleven around each.
    off = np.zeros((3, len(suspects)))
    for side in range(3):
        around = middle[:, side : side + SMOOTHING_PX]
        known = np.isfinite(middle[:, side + reach])
        smooth = medians(around[known].T)
        off[side, known] = np.abs(middle[known, side + reach] - smooth)
    beside = np.maximum(off[0], off[2])
    return np.asarray((off[1] > LINE_SIGMA * scatter) & (off[1] > SHARPNESS * beside))


def clipped_means(columns: Floats) -> Floats:
    """Give the mean of each column with its values clipped at 3 sigma.

    Medians would do, but those of coarsely digitised sky jump by whole counts.
    """
    if not columns.size:
        return np.zeros(columns.shape[1])
    centre = medians(columns)
    sample = (columns - centre)[:, ::4]
    around = np.percentile(sample[np.isfinite(sample)], [15.87, 84.13])
    sigma = max(0.5 * float(np.ptp(around)), TINY)
    return np.asarray(np.nanmean(np.clip(columns, centre - 3 * sigma, centre + 3 * sigma), axis=0))


def medians(columns: Floats) -> Floats:
    """Give the median of each column, NaN left out; numpy's own takes masked arrays for it."""
    # NaN is sorted to the end
    ordered, count = np.sort(columns, axis=0), np.isfinite(columns).sum(axis=0)
    last, each = np.maximum(count - 1, 0), np.arange(columns.shape[1])
    return np.asarray((ordered[last // 2, each] + ordered[(last + 1) // 2, each]) / 2)


def isolated_pixels(values: Floats) -> Places:
    """Find single pixels far above or below all eight neighbours."""
    every = max(1, values.shape[0] // SAMPLED_ROWS)
    sample = np.abs(bends(values[:-2:every], values[1:-1:every], values[2::every]))
    sample = sample[np.isfinite(sample)]
    if sample.size < 16:
        return np.array([], np.intp), np.array([], np.intp)
    # var(p - mean of two) = 1.5 var(p)
    sigma = MAD_TO_SIGMA * float(np.median(sample)) / float(np.sqrt(1.5))
    y, x = steep_pixels(values, PIXEL_SIGMA * sigma)
    alone = stands_alone(values, y, x, sigma)
    return y[alone], x[alone]


def bends(before: Floats, values: Floats, after: Floats) -> Floats:
    """Give how far values stand off the mean of those before and after."""
    mean = before + after
    mean *= np.float32(0.5)
    return np.subtract(values, mean, out=mean)


def steep_pixels(values: Floats, least: float) -> Places:
    """Find the pixels off the mean of upper and lower neighbour that may be isolated.

    One that is five times above all of its neighbours stands further off each of them than twice
    the difference between any two of these.
    """
    rows, columns = [np.array([], np.intp)], [np.array([], np.intp)]
    for top in range(1, values.shape[0] - 1, STRIP_ROWS):
        strip = values[top - 1 : min(top + STRIP_ROWS, values.shape[0] - 1) + 1]
        step = bends(strip[:-2], strip[1:-1], strip[2:])
        # the first and the last column have neighbours on one side only
        step[:, [0, -1]] = 0
        down, along = np.divmod(np.flatnonzero(np.abs(step, out=step) > least), values.shape[1])
        rows.append(down + top)
        columns.append(along)
    y, x = np.concatenate(rows), np.concatenate(columns)
    beside = np.stack([values[y + dy, x + dx] for dy, dx in SIDES])
    contrast = np.abs(values[y, x] - beside).min(axis=0)
    steep = contrast > 2 * (beside.max(axis=0) - beside.min(axis=0))
    return y[steep], x[steep]


def stands_alone(values: Floats, y: Indices, x: Indices, sigma: float) -> Bools:
    """Say which of the pixels ``(y, x)`` no point source could have made."""
    steps = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    box = np.stack([values_at(values, y + dy, x + dx) for dy, dx in steps])
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


def values_at(values: Floats, y: Indices, x: Indices) -> Floats:
    """Give the values at pixels, NaN beyond the frame."""
    inside = (y >= 0) & (y < values.shape[0]) & (x >= 0) & (x < values.shape[1])
    found = np.full(y.shape, np.nan, np.float32)
    found[inside] = values[y[inside], x[inside]]
    return found
