"""Which pixels of a frame must not be trusted, and why: one bit per reason."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.defects import find_defects

Mask = NDArray[np.uint16]
Bools = NDArray[np.bool_]

CONNECTED = np.ones((3, 3), bool)
STRIP_PX = 2**18
BLOCK_PX = 16  # on a side: coarse enough to be looked over quickly, fine enough to part stars

# A saturated star hides its core; what bleeds out of it is not linear either.
TRAIL_MARGIN_PX = 2
# A core that is saturated out to r px leaves wings that no PSF model follows out to about 2 r.
CORE_GROWTH = 1.0
LARGEST_GROWTH_PX = 64
# The ends of a bleed trail fade below saturation over a few pixels along the readout direction.
TRAIL_END_PX = 4


class MaskBit(enum.IntFlag):
    """Why a pixel must not be used. Several bits may be set at once."""

    NO_DATA = 1
    """Not finite in the file, or outside the exposed area."""
    SATURATED = 2
    """At or above the saturation level, bleed trails included."""
    BAD_PIXEL = 4
    """Listed as bad, stuck, dead or hot."""
    COSMIC_RAY = 8
    """Hit by a cosmic ray."""
    EDGE = 16
    """Interpolated with a footprint that leaves the frame or touches missing pixels."""
    GROWN = 32
    """Beside a saturated pixel: near enough to be spoiled by it."""
    TRAIL = 64
    """Crossed by a satellite or an aircraft."""


def build_mask(pixels: NDArray[np.floating], *, saturation: float) -> Mask:
    """Mark the pixels of a raw frame that must not be used.

    Parameters
    ----------
    pixels : (ny, nx) array
        ADU, sky still in it.
    saturation : float
        ADU at which a pixel is no longer linear; ``inf`` when the frame has no such level.

    Returns
    -------
    (ny, nx) uint16 array
        Sum of :class:`MaskBit` per pixel; 0 is a good pixel. NaN and infinite pixels are NO_DATA.
        Bad pixels are those that the frame itself shows: stuck rows and columns, single hot or
        dead pixels.

    Raises
    ------
    ValueError
        If ``saturation`` is not positive, or the frame is not 2-D.
    """
    check_inputs(pixels, saturation)
    finite = np.isfinite(pixels)
    saturated = finite & (pixels >= saturation)
    grown = grow_saturated(saturated)
    mask = np.zeros(pixels.shape, np.uint16)
    mark(mask, ~finite, MaskBit.NO_DATA)
    mark(mask, saturated, MaskBit.SATURATED)
    mark(mask, grown & ~saturated, MaskBit.GROWN)
    mark(mask, find_defects(pixels, mask != 0), MaskBit.BAD_PIXEL)
    return mask


def mark(mask: Mask, where: Bools, bit: MaskBit) -> None:
    """Set ``bit`` in place where ``where`` is true."""
    # By places: few pixels of a frame are marked. numpy takes an IntFlag for int64 and would
    # refuse to fit it into uint16.
    mask.reshape(-1)[np.flatnonzero(where)] |= np.uint16(bit)


def has_bits(mask: Mask, bits: MaskBit) -> Bools:
    """Mark the pixels with any of ``bits``."""
    # numpy would take the IntFlag for int64 and make a mask of that: ten times slower
    wanted = np.uint16(int(bits))
    found = np.empty(mask.shape, bool)
    # all at once would need a second mask, and new memory takes longer than the work itself
    rows = len(mask) if mask.size <= STRIP_PX else max(1, STRIP_PX * len(mask) // mask.size)
    for top in range(0, len(mask), max(rows, 1)):
        np.not_equal(mask[top : top + rows] & wanted, 0, out=found[top : top + rows])
    return found


def check_inputs(pixels: NDArray[np.floating], saturation: float) -> None:
    """Refuse what cannot be masked, with the values that made it fail."""
    if pixels.ndim != 2:
        raise ValueError(f"a frame has 2 axes, this one has {pixels.ndim}: choose one image plane")
    if not saturation > 0:
        raise ValueError(f"saturation is {saturation} ADU: give a positive level, or inf for none")


def grow_saturated(saturated: Bools) -> Bools:
    """Grow saturated pixels by a margin that follows the size of the saturated core.

    The half width of a saturated region is that of its core, not of its bleed trail: the
    trail gets a fixed margin, the core a disc that grows with it.
    """
    grown = np.zeros(saturated.shape, bool)
    for window in lit_windows(saturated):
        labels, _ = ndimage.label(window.part, CONNECTED)
        grow_margin(grown, window)
        for index, box in enumerate(ndimage.find_objects(labels), start=1):
            grow_region(grown, labels[box] == index, window.place(box))
    return grown


@dataclass(frozen=True)
class LitWindow:
    """A window of a frame with connected pixels that are set, those of other windows left out."""

    part: Bools
    top: int
    left: int

    @property
    def rows(self) -> slice:
        """Rows of the frame."""
        return slice(self.top, self.top + self.part.shape[0])

    @property
    def columns(self) -> slice:
        """Columns of the frame."""
        return slice(self.left, self.left + self.part.shape[1])

    def place(self, box: tuple[slice, ...]) -> tuple[slice, slice]:
        """Give the place in the frame of a box of the window."""
        rows, columns = box
        return (
            slice(rows.start + self.top, rows.stop + self.top),
            slice(columns.start + self.left, columns.stop + self.left),
        )


def lit_windows(lit: Bools) -> Iterator[LitWindow]:
    """Give windows round the groups of pixels that are set: few and small in most frames.

    8-connected: a diagonal step does not part a core from its trail.
    """
    rows, columns = np.divmod(np.flatnonzero(lit), lit.shape[1])
    blocks = np.zeros([-(-side // BLOCK_PX) for side in lit.shape], bool)
    blocks[rows // BLOCK_PX, columns // BLOCK_PX] = True
    labels, _ = ndimage.label(blocks, CONNECTED)
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        own = (labels[box] == index).repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
        top, left = (side.start * BLOCK_PX for side in box)
        part = lit[top : top + own.shape[0], left : left + own.shape[1]]
        yield LitWindow(part & own[: part.shape[0], : part.shape[1]], top, left)


def grow_margin(grown: Bools, window: LitWindow) -> None:
    """Add to ``grown``, in place, the pixels of a window and a margin round them."""
    around = ndimage.binary_dilation(np.pad(window.part, TRAIL_MARGIN_PX), disc(TRAIL_MARGIN_PX))
    down, along = (max(0, TRAIL_MARGIN_PX - start) for start in (window.top, window.left))
    top, left = window.top - TRAIL_MARGIN_PX + down, window.left - TRAIL_MARGIN_PX + along
    around = around[down:, along:]
    target = grown[top : top + around.shape[0], left : left + around.shape[1]]
    target |= around[: target.shape[0], : target.shape[1]]


def grow_region(grown: Bools, region: Bools, window: tuple[slice, slice]) -> None:
    """Add to ``grown``, in place, the disc round the core of one region and its trail's ends."""
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    half_width = float(depth[y, x])
    radius = min(round((1 + CORE_GROWTH) * half_width) + TRAIL_MARGIN_PX, LARGEST_GROWTH_PX)
    paint(grown, disc(radius), int(y) + window[0].start, int(x) + window[1].start)
    if region.shape[0] > 3 * half_width:
        extend_trail(grown, region, window)


def extend_trail(grown: Bools, region: Bools, window: tuple[slice, slice]) -> None:
    """Lengthen a trail at both ends along its columns, in place."""
    rows, columns = window
    grown[max(0, rows.start - TRAIL_END_PX) : rows.start, columns] |= region[0]
    grown[rows.stop : rows.stop + TRAIL_END_PX, columns] |= region[-1]


def paint(canvas: Bools, stamp: Bools, y: int, x: int) -> None:
    """Set the true pixels of ``stamp``, centred at ``(y, x)``, clipped to the canvas."""
    half = stamp.shape[0] // 2
    top, left = max(0, y - half), max(0, x - half)
    target = canvas[top : y + half + 1, left : x + half + 1]
    down, right = top - (y - half), left - (x - half)
    target |= stamp[down : down + target.shape[0], right : right + target.shape[1]]


def disc(radius: int) -> Bools:
    """Give a filled circle of ``2 radius + 1`` pixels across."""
    steps = np.arange(-radius, radius + 1)
    return np.asarray(steps[:, None] ** 2 + steps**2 <= (radius + 0.5) ** 2)
