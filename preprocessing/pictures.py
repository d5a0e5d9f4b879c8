"""Pictures of frames for people: sky grey, stars bright, what must not be used in colour."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from preprocessing.masks import Bools
from preprocessing.raw.averages import Pixels, sample

Bytes = NDArray[np.uint8]

# The sky is shown from this many sigma below it; stars are compressed above.
DARKEST_SIGMA, SOFTENING_SIGMA, BRIGHTEST_SIGMA = 3.0, 5.0, 300.0
# Masked pixels are tinted: what lies below stays visible, and single ones do not catch the eye.
MARK, TINT = (230, 80, 50), 0.3
MARGIN_PX, TITLE_PX = 6, 16


def grey_of_sky(pixels: Pixels, noise: float) -> Bytes:
    """Give a frame without sky as grey: an asinh stretch in units of its noise."""

    def squeezed(sigma: NDArray[np.floating] | float) -> NDArray[np.floating]:
        return np.asarray(np.arcsinh((np.asarray(sigma) + DARKEST_SIGMA) / SOFTENING_SIGMA))

    shown = squeezed(np.nan_to_num(pixels / noise, nan=-DARKEST_SIGMA).clip(-DARKEST_SIGMA))
    return np.asarray(255 * np.clip(shown / squeezed(BRIGHTEST_SIGMA), 0, 1), np.uint8)


def grey_of_range(pixels: Pixels) -> Bytes:
    """Give a master as grey, from its 0.5th to its 99.5th percentile."""
    values = sample(pixels)
    low, high = np.nanpercentile(values, [0.5, 99.5])
    width = max(float(high - low), 1e-12)
    return np.asarray(255 * np.clip((np.nan_to_num(pixels) - low) / width, 0, 1), np.uint8)


def drawn(grey: Bytes, *, marked: Bools | None = None, width: int = 640) -> Image.Image:
    """Give a picture ``width`` px wide, first row of pixels at the bottom; marks in colour."""
    colours = np.repeat(grey[..., None], 3, axis=2)
    if marked is not None:
        colours[marked] = (1 - TINT) * colours[marked] + TINT * np.array(MARK)
    picture = Image.fromarray(colours[::-1].copy())
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.BOX)


def sheet(panels: Sequence[tuple[str, Image.Image]], columns: int = 2) -> Image.Image:
    """Lay titled pictures out in rows."""
    cell_width = max(picture.width for _, picture in panels) + MARGIN_PX
    cell_height = max(picture.height for _, picture in panels) + MARGIN_PX + TITLE_PX
    rows = -(-len(panels) // columns)
    canvas = Image.new(
        "RGB", (min(columns, len(panels)) * cell_width + MARGIN_PX, rows * cell_height + MARGIN_PX)
    )
    pen = ImageDraw.Draw(canvas)
    for number, (title, picture) in enumerate(panels):
        row, column = divmod(number, columns)
        x, y = MARGIN_PX + column * cell_width, MARGIN_PX + row * cell_height
        pen.text((x, y), title, fill="white")
        canvas.paste(picture, (x, y + TITLE_PX))
    return canvas


def png(picture: Image.Image) -> bytes:
    """Give the bytes of a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()
