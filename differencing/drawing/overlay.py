"""What is drawn over a picture of the sky: rings, north and east, a length."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from differencing.drawing.lettering import font

NUMBERED = 15  # candidates
FINE = 3  # times finer than the picture, so that rings are smooth
LEAST_RING = 7.0  # px of the picture
BRIGHTER_ON_DARK, FAINTER_ON_DARK = (255, 170, 60), (96, 178, 255)
BRIGHTER_ON_PALE, FAINTER_ON_PALE = (150, 58, 0), (0, 54, 128)
MARK_ON_DARK, MARK_ON_PALE = (236, 238, 241), (40, 44, 52)
DASHES, THIN = 8, 4  # of the ring of a flagged candidate
ARROW, MARGIN = 42.0, 16.0  # px of the picture
BAR_SHARE = 0.22  # of the width that the bar of a length takes, at most
ROUND = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # arcsec or arcmin
NUMBER_SIZE, LABEL_SIZE = 13, 14

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Overlay:
    """What to draw: candidates in frame pixels, in the order of their numbers, and the WCS."""

    x: NDArray[np.floating]
    y: NDArray[np.floating]
    is_negative: NDArray[np.bool_]
    is_flagged: NDArray[np.bool_]
    wcs: WCS
    radius: float  # of the rings, frame pixels


def draw_overlay(
    image: Image.Image,
    overlay: Overlay,
    per_pixel: float,
    shape: tuple[int, ...],
    *,
    is_light: bool,
) -> None:
    """Draw rings, compass and length into ``image``.

    Parameters
    ----------
    image : Image
        Row 0 of the frame at the bottom.
    overlay : Overlay
    per_pixel : float
        Picture pixels per frame pixel.
    shape : (ny, nx)
        Of the frame.
    is_light : bool
        Whether the picture is pale: marks are dark then.
    """
    size = image.width * FINE, image.height * FINE
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    _rings(pen, overlay, per_pixel, image, is_light)
    mark = MARK_ON_PALE if is_light else MARK_ON_DARK
    if overlay.wcs.has_celestial:
        _compass(pen, overlay.wcs, shape, image, mark)
    _length(pen, overlay.wcs, per_pixel, image, mark)
    smooth = layer.reduce(FINE)
    image.paste(smooth, (0, 0), smooth)


def _rings(
    pen: ImageDraw.ImageDraw,
    overlay: Overlay,
    per_pixel: float,
    image: Image.Image,
    is_light: bool,
) -> None:
    brighter = BRIGHTER_ON_PALE if is_light else BRIGHTER_ON_DARK
    fainter = FAINTER_ON_PALE if is_light else FAINTER_ON_DARK
    radius = max(overlay.radius * per_pixel, LEAST_RING) * FINE
    for rank in range(len(overlay.x) - 1, -1, -1):
        x = (overlay.x[rank] + 0.5) * per_pixel * FINE
        y = (image.height - (overlay.y[rank] + 0.5) * per_pixel) * FINE
        colour = fainter if overlay.is_negative[rank] else brighter
        _ring(pen, (x, y), radius, colour, is_dashed=bool(overlay.is_flagged[rank]))
        if rank < NUMBERED:
            _beside(pen, (x, y), radius, str(rank + 1), colour, image)


def _ring(
    pen: ImageDraw.ImageDraw, centre: Point, radius: float, colour: Colour, *, is_dashed: bool
) -> None:
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    if not is_dashed:
        pen.ellipse(box, outline=colour, width=5)
        return
    step = 360 / DASHES
    for dash in range(DASHES):
        pen.arc(box, dash * step, (dash + 0.5) * step, fill=colour, width=THIN)


def _beside(
    pen: ImageDraw.ImageDraw,
    centre: Point,
    radius: float,
    words: str,
    colour: Colour,
    image: Image.Image,
) -> None:
    """Write a number to the right of a ring, or to its left at the right edge."""
    size = NUMBER_SIZE * FINE
    is_left = centre[0] + radius + 2 * size > image.width * FINE
    place = centre[0] + (-radius - 6 if is_left else radius + 6)
    anchor = "rm" if is_left else "lm"
    pen.text((place, centre[1]), words, fill=colour, font=font(size), anchor=anchor)


def _compass(
    pen: ImageDraw.ImageDraw, wcs: WCS, shape: tuple[int, ...], image: Image.Image, mark: Colour
) -> None:
    """Draw arrows to the north and the east of the middle of the frame."""
    x, y = shape[1] / 2, shape[0] / 2
    ra, dec = (float(angle) for angle in wcs.all_pix2world(x, y, 0))
    step = 10 * float(np.mean(proj_plane_pixel_scales(wcs.celestial)))
    towards = {"N": (ra, dec + step), "E": (ra + step / np.cos(np.radians(dec)), dec)}
    corner = np.array([image.width - MARGIN - ARROW, MARGIN + ARROW]) * FINE
    for letter, place in towards.items():
        there = np.array([float(v) for v in wcs.all_world2pix(*place, 0)]) - (x, y)
        direction = there * (1, -1) / np.hypot(*there)
        tip = corner + direction * ARROW * 0.62 * FINE
        _arrow(pen, corner, tip, mark)
        label = corner + direction * ARROW * 0.88 * FINE
        pen.text(tuple(label), letter, fill=mark, font=font(LABEL_SIZE * FINE), anchor="mm")


def _arrow(
    pen: ImageDraw.ImageDraw, start: NDArray[np.float64], tip: NDArray[np.float64], mark: Colour
) -> None:
    pen.line((*start, *tip), fill=mark, width=5)
    back = (start - tip) / np.hypot(*(start - tip)) * 8 * FINE
    aside = np.array([-back[1], back[0]]) * 0.45
    pen.polygon([tuple(tip), tuple(tip + back + aside), tuple(tip + back - aside)], fill=mark)


def _length(
    pen: ImageDraw.ImageDraw, wcs: WCS, per_pixel: float, image: Image.Image, mark: Colour
) -> None:
    """Draw a bar of a round length, in pixels where the frame has no WCS."""
    longest = BAR_SHARE * image.width / per_pixel  # frame pixels
    pixels, words = round_length(longest, wcs)
    x, y = MARGIN * FINE, (image.height - MARGIN) * FINE
    end = x + pixels * per_pixel * FINE
    pen.line((x, y, end, y), fill=mark, width=6)
    for tick in (x, end):
        pen.line((tick, y - 4 * FINE, tick, y + 3), fill=mark, width=6)
    pen.text((x, y - 6 * FINE), words, fill=mark, font=font(LABEL_SIZE * FINE), anchor="lb")


def round_length(longest: float, wcs: WCS) -> tuple[float, str]:
    """Give a round length no longer than ``longest`` px, in px, and its name."""
    if not wcs.has_celestial:
        power = 10.0 ** np.floor(np.log10(longest))
        value = max(one for one in (1.0, 2.0, 5.0) if one * power <= longest) * power
        return value, f"{value:g} px"
    arcsec = 3600 * float(np.mean(proj_plane_pixel_scales(wcs.celestial)))
    for unit, name in ((3600.0, "deg"), (60.0, "arcmin"), (1.0, "arcsec")):
        fitting = [one for one in ROUND if one * unit / arcsec <= longest]
        if fitting:
            return fitting[-1] * unit / arcsec, f"{fitting[-1]:g} {name}"
    return longest, f"{longest * arcsec:.2g} arcsec"
