"""Cutouts around a candidate: the pixels that are kept, and the picture that people judge."""

import io
import zipfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from differencing.drawing import palette
from differencing.drawing.palette import Pixels
from differencing.subtraction.noise import MAD_TO_SIGMA

FloatImage = NDArray[np.floating]

PLANES = ("science", "reference", "difference", "significance")
KEY = "cutouts"

# picture
PANEL_PX = 128
GAP_PX = 2
SEPARATOR = (58, 64, 74)
CROSS_ON_DARK, CROSS_ON_PALE = (255, 214, 92), (70, 76, 88)
CROSS_INNER_PX, CROSS_OUTER_PX = 9, 17
# Science and reference: black at this many sigma below the sky, white where the stretch ends.
BLACK_SIGMA = -2.5
# Fainter than this the brightest pixel is noise: it is not stretched to white.
LEAST_WHITE_SIGMA = 12.0
ASINH_SOFTENING = 6.0
# Difference: saturated colour at the strongest residual, or at this many sigma if that is more.
LEAST_COLOUR_SIGMA = 10.0
COLOUR_SOFTENING = 3.0


def cut(
    science: FloatImage,
    reference: FloatImage,
    difference: FloatImage,
    significance: FloatImage,
    x: float,
    y: float,
    size: int,
) -> NDArray[np.float16]:
    """Cut the same square out of four images.

    Parameters
    ----------
    science, reference, difference, significance : (ny, nx) arrays
        Any unit. Values beyond what float16 holds (65504) are cut down to it.
    x, y : float
        Centre, px from 0; the nearest pixel is the middle of the square.
    size : int
        Odd side of the square, px.

    Returns
    -------
    (4, size, size) float16 array
        NaN outside the images.

    Raises
    ------
    ValueError
        If the shapes differ, the size is even, or the centre is outside.
    """
    images = (science, reference, difference, significance)
    check_cut(images, x, y, size)
    column, row, half = round(x), round(y), size // 2
    ny, nx = science.shape
    rows = slice(max(0, row - half), min(ny, row + half + 1))
    columns = slice(max(0, column - half), min(nx, column + half + 1))
    top, left = rows.start - (row - half), columns.start - (column - half)
    stamps = np.full((len(images), size, size), np.nan, np.float16)
    inside = stamps[
        :, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start
    ]
    largest = float(np.finfo(np.float16).max)
    for stamp, image in zip(inside, images, strict=True):
        stamp[...] = np.clip(image[rows, columns], -largest, largest)
    return stamps


def check_cut(images: tuple[FloatImage, ...], x: float, y: float, size: int) -> None:
    """Refuse a square that cannot be cut."""
    shapes = {image.shape for image in images}
    if len(shapes) != 1 or images[0].ndim != 2:
        raise ValueError(f"all images must share one 2-D shape, not {shapes}")
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size} px: it must be odd, so that there is a middle pixel")
    ny, nx = images[0].shape
    if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
        raise ValueError(f"({x}, {y}) is outside the {nx} x {ny} image")


def to_npz(stamps: NDArray[np.float16]) -> bytes:
    """Give the bytes of a compressed npz file; equal stamps give equal bytes."""
    plain = io.BytesIO()
    np.lib.format.write_array(plain, stamps, allow_pickle=False)
    stream = io.BytesIO()
    # numpy's own savez writes the time of day into the archive
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{KEY}.npy"), plain.getvalue(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def from_npz(content: bytes) -> NDArray[np.float16]:
    """Read what :func:`to_npz` wrote; pickled objects are refused.

    Raises
    ------
    ValueError
        If the bytes are no such file.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            stamps = archive[KEY]
    except (zipfile.BadZipFile, KeyError, EOFError, AttributeError) as error:
        raise ValueError(f"{len(content)} bytes are no cutouts ({error}): cut them anew") from error
    if stamps.ndim != 3 or stamps.shape[0] != len(PLANES) or stamps.dtype != np.float16:
        raise ValueError(
            f"cutouts are ({len(PLANES)}, size, size) float16, not {stamps.shape} {stamps.dtype}"
        )
    return np.asarray(stamps)


def render(stamps: FloatImage) -> bytes:
    """Draw science, reference and difference side by side as a PNG.

    Science and reference share one asinh stretch, each in the noise of its own sky, so that what
    looks equal is equally significant. The difference is blue where fainter and orange where
    brighter. A cross-hair points at the candidate and leaves it free.

    Parameters
    ----------
    stamps : (3 or more, size, size) array
        From :func:`cut`.

    Returns
    -------
    bytes
        About 388 x 128 px, 8 bits a colour.

    Raises
    ------
    ValueError
        If there are fewer than three square planes.
    """
    if stamps.ndim != 3 or len(stamps) < 3 or stamps.shape[1] != stamps.shape[2]:
        raise ValueError(f"three square planes are drawn, not {stamps.shape}")
    science, reference, difference = (in_sigma(plane) for plane in stamps[:3])
    panels = [*greys(science, reference), colours(difference)]
    canvas = Image.new("RGB", (3 * PANEL_PX + 2 * GAP_PX, PANEL_PX), SEPARATOR)
    crosses = (CROSS_ON_DARK, CROSS_ON_DARK, CROSS_ON_PALE)
    for index, (pixels, cross) in enumerate(zip(panels, crosses, strict=True)):
        # row 0 of the array is the bottom of the sky
        panel = Image.fromarray(pixels[::-1]).resize((PANEL_PX, PANEL_PX), Image.Resampling.NEAREST)
        draw_cross(panel, cross)
        canvas.paste(panel, (index * (PANEL_PX + GAP_PX), 0))
    stream = io.BytesIO()
    canvas.save(stream, "PNG", compress_level=6)  # 9 saves 1 byte in 400 and takes 7 times longer
    return stream.getvalue()


def in_sigma(plane: FloatImage) -> NDArray[np.float64]:
    """Give a plane above its sky in units of the sky's noise; NaN stays."""
    values = np.asarray(plane, np.float64)
    good = values[np.isfinite(values)]
    if good.size == 0:
        return values
    for _ in range(3):
        level = float(np.median(good))
        sigma = MAD_TO_SIGMA * float(np.median(np.abs(good - level)))
        kept = good[np.abs(good - level) <= 3 * sigma]
        good = kept if kept.size else good
    return (values - level) / (sigma if sigma > 0 else 1.0)


def greys(*planes: NDArray[np.float64]) -> list[Pixels]:
    """Stretch planes to grey on one common scale."""
    centre = [plane[middle(plane)] for plane in planes]
    brightest = max((float(np.nanmax(c)) for c in centre if np.isfinite(c).any()), default=0.0)
    white = max(LEAST_WHITE_SIGMA, brightest)
    low, high = np.arcsinh(np.array([BLACK_SIGMA, white]) / ASINH_SOFTENING)
    shades = []
    for plane in planes:
        shade = (np.arcsinh(plane / ASINH_SOFTENING) - low) / (high - low)
        shades.append(palette.grey(shade))
    return shades


def middle(plane: FloatImage) -> tuple[slice, slice]:
    """Give the inner half of a plane: what the stretch is made for."""
    quarter = plane.shape[0] // 4
    return slice(quarter, plane.shape[0] - quarter), slice(quarter, plane.shape[1] - quarter)


def colours(plane: NDArray[np.float64]) -> Pixels:
    """Give residuals as colours that diverge from a pale middle."""
    centre = np.abs(plane[middle(plane)])
    strongest = float(np.nanmax(centre)) if np.isfinite(centre).any() else 0.0
    full = np.arcsinh(max(LEAST_COLOUR_SIGMA, strongest) / COLOUR_SOFTENING)
    # asinh: noise stays pale, yet a faint residual beside a strong one is seen
    return palette.diverging(np.arcsinh(plane / COLOUR_SOFTENING) / full)


def draw_cross(panel: Image.Image, colour: tuple[int, int, int]) -> None:
    """Draw, in place, four ticks that point at the middle and leave it free."""
    draw = ImageDraw.Draw(panel)
    centre = PANEL_PX / 2 - 0.5
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        draw.line(
            (
                centre + dx * CROSS_INNER_PX, centre + dy * CROSS_INNER_PX,
                centre + dx * CROSS_OUTER_PX, centre + dy * CROSS_OUTER_PX,
            ),
            fill=colour,
        )  # fmt: skip
