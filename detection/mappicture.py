"""The picture of an inference: where the U-Net believes in a change, and what came of it."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from differencing.drawing import lettering
from differencing.drawing.lettering import GAP
from differencing.drawing.overlay import Overlay, draw_overlay
from differencing.drawing.palette import ORANGE, Pixels, grey
from differencing.drawing.quicklook import fitted
from differencing.drawing.scales import Scale

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RING_PX = 8.0


def confidence_scale(threshold: float) -> Scale:
    """Give greys from 0 to 1, orange where the threshold is reached."""

    def paint(shade: NDArray[np.floating]) -> Pixels:
        pixels = grey(shade)
        is_in_mask = np.nan_to_num(shade) >= threshold
        pixels[is_in_mask] = np.rint(np.outer(shade[is_in_mask], ORANGE)).astype(np.uint8)
        return pixels

    return Scale(lambda values: values, paint, 0.0, 1.0, TICKS, "confidence")


def draw_map(
    confidence: NDArray[np.floating],
    places: Overlay,
    *,
    threshold: float,
    title: str,
    summary: str,
) -> bytes:
    """Draw the confidence map with its mask in orange and the candidates ringed, as PNG.

    Parameters
    ----------
    confidence : (ny, nx) array
        Between 0 and 1. Of frames wider than the picture every block shows its largest value.
    places : Overlay
        Candidates; the rings of those that are not believed are dashed.
    threshold : float
        From which a pixel belongs to the mask.
    title, summary : str
        Headline and the line below it.
    """
    values, per_pixel = fitted(np.asarray(confidence, np.float64), strongest=True)
    scale = confidence_scale(threshold)
    # row 0 of the array is the bottom of the picture
    image = Image.fromarray(scale.paint(scale.shade(values))[::-1])
    size = round(image.width * max(per_pixel, 1)), round(image.height * max(per_pixel, 1))
    image = image.resize(size, Image.Resampling.NEAREST)
    draw_overlay(image, places, per_pixel, confidence.shape, is_light=False)
    panel = lettering.with_bar(image, scale)
    sheet = lettering.canvas((panel.width + 2 * GAP, lettering.HEAD + panel.height + GAP))
    lettering.head(ImageDraw.Draw(sheet), title, summary, sheet.width)
    sheet.paste(panel, (GAP, lettering.HEAD))
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
