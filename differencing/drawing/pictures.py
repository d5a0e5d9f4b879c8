"""Small pictures of calibrated frames."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from astrid.core import store
from differencing.models import ReferenceImage
from preprocessing.calibrated import CalibratedFrame

SIDE_PX = 320
# Grey from this many sigma below the sky to this many above, the upper part compressed.
DARKEST, BRIGHTEST = -2.0, 60.0


def draw(image: ReferenceImage, frame: CalibratedFrame) -> None:
    """Store the picture of a baseline that has none yet."""
    if not image.thumbnail_path:
        image.thumbnail_path = store.put(thumbnail(frame))
        image.save(update_fields=["thumbnail_path", "updated_at"])


def thumbnail(frame: CalibratedFrame) -> bytes:
    """Give a PNG of at most 320 px a side: asinh of the pixels over their noise, north as it is.

    Pixels without data are black.
    """
    scaled = np.nan_to_num(frame.pixels / frame.noise, nan=DARKEST)
    step = max(1, -(-max(frame.shape) // SIDE_PX))
    small = binned(scaled, step) * step
    low, high = np.arcsinh([DARKEST, BRIGHTEST])
    grey = (np.arcsinh(small.clip(DARKEST, BRIGHTEST)) - low) / (high - low)
    stream = io.BytesIO()
    # Row 0 of the array is the bottom of the sky.
    Image.fromarray((255 * grey[::-1]).astype(np.uint8)).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def binned(values: NDArray[np.floating], step: int) -> NDArray[np.floating]:
    """Give the mean of ``step`` x ``step`` pixels; what does not fill a block is left off."""
    rows, columns = (side // step for side in values.shape)
    blocks = values[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.asarray(blocks.mean(axis=(1, 3)))
