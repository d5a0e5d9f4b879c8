"""A difference at a glance: science, reference, difference and significance, candidates ringed."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from differencing.drawing import lettering
from differencing.drawing.lettering import GAP, PANEL, WIDEST
from differencing.drawing.overlay import Overlay, draw_overlay
from differencing.drawing.palette import diverging
from differencing.drawing.scales import Scale, change_scale, light_scale, score_scale
from differencing.extraction import flags
from differencing.extraction.extract import Candidates
from differencing.extraction.shapes import Beam
from differencing.subtraction.noise import FloatArray, robust_sigma
from differencing.subtraction.subtract import Difference
from preprocessing.calibrated import CalibratedFrame

SAMPLE_STEP = 3  # px between the pixels that sky and noise of a plane are measured on
WHITE_PERCENTILE = 99.7  # of a frame; brighter pixels are white


@dataclass(frozen=True)
class Plane:
    """One picture: what it shows, on which scale."""

    title: str
    values: NDArray[np.float64]  # in the unit of the scale
    scale: Scale


def sheet(
    difference: Difference,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    candidates: Candidates,
    *,
    title: str,
) -> bytes:
    """Draw a difference as one PNG image; see :func:`pictures`."""
    panels, titles = _drawn(difference, science, reference, candidates)
    return _png(_sheet(panels, titles, title, _summary(difference, candidates)))


def pictures(
    difference: Difference,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    candidates: Candidates,
    *,
    title: str,
) -> dict[str, bytes]:
    """Draw a difference, whole and panel by panel.

    Light is stretched by asinh, each frame in the noise of its own sky; change is blue where
    fainter and orange where brighter, on scales that are the same for every difference. North and
    the length of the bar come from the WCS. Frames wider than a panel are averaged over blocks, of
    the significance each block shows its strongest pixel.

    Parameters
    ----------
    difference : Difference
    science, reference : CalibratedFrame
        On the grid of the difference.
    candidates : structured array of :data:`differencing.extraction.extract.DTYPE`
        Those without flags are numbered first, the most significant ones first; rings round
        flagged ones are dashed.
    title : str

    Returns
    -------
    dict of str to bytes
        PNG images: ``quicklook``, all of it, and the panels ``science``, ``reference``,
        ``difference`` and ``significance`` alone.
    """
    panels, titles = _drawn(difference, science, reference, candidates)
    whole = _sheet(panels, titles, title, _summary(difference, candidates))
    return {"quicklook": _png(whole)} | {name: _png(panel) for name, panel in panels.items()}


def _drawn(
    difference: Difference,
    science: CalibratedFrame,
    reference: CalibratedFrame,
    candidates: Candidates,
) -> tuple[dict[str, Image.Image], dict[str, str]]:
    """Give the panels and their titles, by name."""
    shown = candidates[flags.clean_first(candidates)]
    overlay = Overlay(
        shown["x"],
        shown["y"],
        np.asarray(shown["is_negative"], bool),
        flags.is_flagged(shown),
        difference.wcs,
        max(2.0 * Beam.of(difference.psf).fwhm, 6.0),
    )
    planes = _planes(difference, science, reference)
    panels = {name: _panel(plane, overlay) for name, plane in planes.items()}
    return panels, {name: plane.title for name, plane in planes.items()}


def _planes(
    difference: Difference, science: CalibratedFrame, reference: CalibratedFrame
) -> dict[str, Plane]:
    light = [_in_sigma(frame.pixels) for frame in (science, reference)]
    white = _white(light)
    change = _in_sigma(difference.difference, level=0.0)
    score = np.asarray(difference.significance, np.float64)
    return {
        "science": Plane("Science", light[0], light_scale(white)),
        "reference": Plane("Reference", light[1], light_scale(white)),
        "difference": Plane("Difference, science minus reference", change, change_scale()),
        "significance": Plane("Significance, S_corr", score, score_scale()),
    }


def _in_sigma(image: FloatArray, level: float | None = None) -> NDArray[np.float64]:
    """Give an image above its sky in units of the sky's scatter."""
    sample = image[::SAMPLE_STEP, ::SAMPLE_STEP]
    sky = float(np.nanmedian(sample)) if level is None else level
    near = sample[np.abs(sample - sky) <= 5 * robust_sigma(sample)]
    # an image subtracted from itself leaves nothing that scatters
    return np.asarray((image - sky) / (robust_sigma(near) or 1.0), np.float64)


def _white(light: list[NDArray[np.float64]]) -> float:
    brightest = [
        float(np.nanpercentile(one[::SAMPLE_STEP, ::SAMPLE_STEP], WHITE_PERCENTILE))
        for one in light
    ]
    return max(brightest)


def _panel(plane: Plane, overlay: Overlay) -> Image.Image:
    """Draw one plane with its overlay and colour bar."""
    is_score = plane.title.startswith("Significance")
    values, per_pixel = fitted(plane.values, strongest=is_score)
    # row 0 of the array is the bottom of the picture
    image = Image.fromarray(plane.scale.paint(plane.scale.shade(values))[::-1])
    size = round(image.width * max(per_pixel, 1)), round(image.height * max(per_pixel, 1))
    image = image.resize(size, Image.Resampling.NEAREST)
    draw_overlay(image, overlay, per_pixel, plane.values.shape, is_light=is_score or _pale(plane))
    return lettering.with_bar(image, plane.scale)


def _pale(plane: Plane) -> bool:
    return plane.scale.paint is diverging


def fitted(values: NDArray[np.float64], *, strongest: bool) -> tuple[NDArray[np.float64], float]:
    """Give values at the size of a panel, and how many panel pixels one pixel takes."""
    longest = max(values.shape)
    block = max(1, ceil(longest / WIDEST))
    if block == 1:
        return values, float(max(1, PANEL // longest))
    rows, columns = (size // block * block for size in values.shape)
    blocks = values[:rows, :columns].reshape(rows // block, block, columns // block, block)
    flat = blocks.transpose(0, 2, 1, 3).reshape(rows // block, columns // block, -1)
    return (_strongest(flat) if strongest else _mean(flat)), 1 / block


def _mean(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average what is finite of each block; NaN where nothing is."""
    good = np.isfinite(blocks)
    count = good.sum(axis=-1)
    total = np.where(good, blocks, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _strongest(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the finite value of each block that is furthest from zero; NaN where none is."""
    size = np.where(np.isfinite(blocks), np.abs(blocks), -1)
    index = size.argmax(axis=-1)[..., None]
    return np.take_along_axis(blocks, index, axis=-1)[..., 0]


def _summary(difference: Difference, candidates: Candidates) -> str:
    figures = difference.figures
    fading = int(np.asarray(candidates["is_negative"], bool).sum())
    flagged = int(flags.is_flagged(candidates).sum())
    words = [
        difference.algorithm.value,
        f"{len(candidates)} candidates, {fading} fainter (blue), {flagged} flagged (dashed)",
        f"blank sky scatters by {figures['noise_scale']:.3f} sigma before scaling",
        f"FWHM {figures['fwhm_science']:.2f} and {figures['fwhm_reference']:.2f} px",
        f"flux ratio {figures['flux_ratio']:.4f}",
    ]
    return "   ".join(words)


def _sheet(
    drawn: Mapping[str, Image.Image], titles: Mapping[str, str], title: str, summary: str
) -> Image.Image:
    """Lay four panels out two by two under a headline."""
    width = max(panel.width for panel in drawn.values())
    height = max(panel.height for panel in drawn.values()) + lettering.TITLE
    top = lettering.HEAD
    sheet = lettering.canvas((2 * width + 3 * GAP, top + 2 * (height + GAP)))
    pen = ImageDraw.Draw(sheet)
    lettering.head(pen, title, summary, sheet.width)
    for place, (name, panel) in enumerate(drawn.items()):
        x, y = GAP + place % 2 * (width + GAP), top + place // 2 * (height + GAP)
        lettering.write(pen, (x, y), titles[name], lettering.TITLE_SIZE)
        sheet.paste(panel, (x, y + lettering.TITLE))
    return sheet


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
