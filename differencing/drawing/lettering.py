"""Words, numbers and colour bars of the quick-look picture."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from differencing.drawing.scales import Scale

PANEL = 720  # px, about the longest side of a small image enlarged
WIDEST = 800  # px, the longest side of any image
GAP, HEAD, TITLE, BAR, BAR_HEIGHT = 20, 84, 30, 46, 12  # px
HEAD_SIZE, SUMMARY_SIZE, TITLE_SIZE, TICK_SIZE = 22, 15, 17, 13
BACKGROUND, INK, QUIET, FRAME = (24, 27, 33), (236, 238, 241), (160, 167, 178), (70, 76, 88)
TICK = 4


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Give the font that comes with Pillow."""
    return ImageFont.load_default(size)


def canvas(size: tuple[int, int]) -> Image.Image:
    """Give an empty sheet."""
    return Image.new("RGB", size, BACKGROUND)


def write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    size: int,
    *,
    ink: tuple[int, int, int] = INK,
    anchor: str = "la",
) -> None:
    """Write words; the anchor is Pillow's."""
    pen.text(place, words, fill=ink, font=font(size), anchor=anchor)


def head(pen: ImageDraw.ImageDraw, title: str, summary: str, width: int) -> None:
    """Write the headline and the line of figures, cut where the sheet ends."""
    for words, size, y, ink in (
        (title, HEAD_SIZE, 16, INK),
        (summary, SUMMARY_SIZE, 48, QUIET),
    ):
        write(pen, (GAP, y), _cut(words, size, width - 2 * GAP), size, ink=ink)


def _cut(words: str, size: int, width: int) -> str:
    """Shorten words from the end until they fit."""
    if font(size).getlength(words) <= width:
        return words
    while words and font(size).getlength(words + "...") > width:
        words = words[:-1]
    return words + "..."


def with_bar(image: Image.Image, scale: Scale) -> Image.Image:
    """Put the colour bar of ``scale`` below an image."""
    whole = canvas((image.width, image.height + BAR))
    whole.paste(image, (0, 0))
    pen = ImageDraw.Draw(whole)
    top = image.height + 8
    unit = font(TICK_SIZE).getlength(scale.unit) + 14
    length = int(max(image.width - unit, image.width / 2))
    # the bar is even in shade, so equal steps of colour are equally long
    shades = np.interp(np.linspace(0, 1, length), [0, 1], _ends(scale))
    bar = np.repeat(scale.paint(shades)[None], BAR_HEIGHT, axis=0)
    whole.paste(Image.fromarray(bar), (0, top))
    pen.rectangle((0, top, length - 1, top + BAR_HEIGHT - 1), outline=FRAME)
    write(pen, (length + 12, top - 2), scale.unit, TICK_SIZE, ink=QUIET)
    for tick in scale.ticks:
        _tick(pen, scale, tick, length, top + BAR_HEIGHT)
    return whole


def _ends(scale: Scale) -> tuple[float, float]:
    low, high = scale.shade(np.array([scale.low, scale.high]))
    return float(low), float(high)


def _tick(pen: ImageDraw.ImageDraw, scale: Scale, tick: float, length: int, y: int) -> None:
    low, high = _ends(scale)
    x = (float(scale.shade(np.array([tick]))[0]) - low) / (high - low) * (length - 1)
    pen.line((x, y, x, y + TICK), fill=QUIET)
    words = f"{tick:g}"
    half = font(TICK_SIZE).getlength(words) / 2
    at = min(max(x, half), length - half)
    write(pen, (at, y + TICK + 2), words, TICK_SIZE, ink=QUIET, anchor="ma")
