"""Raw lights to calibrated, aligned and stacked images, without a database."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy import ndimage

from observations.fits import ReadOptions
from observations.frame_kind import FrameKind
from observations.raw import read_raw
from preprocessing.astrometry.register import Grid, grid_of
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import CONNECTED, Bools, MaskBit, mark
from preprocessing.parameters import PreprocessParameters, StackParameters
from preprocessing.prepare import calibrate, onto_grid
from preprocessing.quality.figures import examine
from preprocessing.quality.limits import shortcomings
from preprocessing.raw.library import choose
from preprocessing.raw.night import Figures, Library, Night, RawFile, halves
from preprocessing.raw.overscan import assemble, trimmed_wcs
from preprocessing.raw.recurring import recurring_hits
from preprocessing.raw.reduction import reduce_frame
from preprocessing.stacking.stack import Stack, stack

SHARES = {
    "cosmic_ray_share": MaskBit.COSMIC_RAY,
    "bad_pixel_share": MaskBit.BAD_PIXEL,
    "saturated_share": MaskBit.SATURATED,
}
Progress = Callable[[str, int, int], None]

# The grid is that of the sharpest frame among those with at least this share of the most stars.
ENOUGH_STARS = 0.5


@dataclass(frozen=True)
class Settings:
    """How a night is reduced."""

    reading: ReadOptions = field(default_factory=ReadOptions)
    preparing: PreprocessParameters = field(default_factory=PreprocessParameters)
    stacking: StackParameters = field(default_factory=StackParameters)
    with_halves: bool = False


@dataclass(frozen=True, eq=False)
class Light:
    """A calibrated light; ``facts`` is its row of the summary."""

    file: RawFile
    frame: CalibratedFrame
    facts: dict[str, Any]


class Spool:
    """Frames of a night on disk: their planes are read when they are used."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="astrid-reduce-")
        self._count = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def keep(self, frame: CalibratedFrame) -> CalibratedFrame:
        """Write the planes of a frame and give it with memory maps in their place."""
        values = {plane.name: getattr(frame, plane.name) for plane in fields(frame)}
        planes: dict[str, Any] = {
            n: self.plane(v) for n, v in values.items() if isinstance(v, np.ndarray)
        }
        return replace(frame, **planes)

    def plane(self, values: NDArray) -> NDArray:
        """Write one plane and give it as a memory map."""
        self._count += 1
        path = Path(self._folder.name) / f"{self._count}.npy"
        np.save(path, values)
        # Copied where written to, which nobody does: sep takes no read-only arrays.
        return np.asanyarray(np.load(path, mmap_mode="c"))


def calibrate_light(
    file: RawFile, library: Library, figures: Figures, settings: Settings
) -> tuple[CalibratedFrame, dict[str, Any]]:
    """Calibrate one light: detector, cosmic rays, sky; say with what, and what was missing.

    Raises
    ------
    ValueError
        If it cannot be calibrated, shows no star, or is beyond the limits of quality.
    """
    raw = read_raw(file.path, options=settings.reading, name=file.name)
    choice = choose(file.conditions, library.candidates, settings.preparing)
    reduced = reduce_frame(
        assemble(raw),
        library.masters_of(choice),
        figures.detector(file.conditions.exposure_s),
        cosmic_rays=settings.preparing.find_cosmic_rays,
    )
    frame = calibrate(
        reduced.pixels,
        wcs=trimmed_wcs(raw) or WCS(naxis=2),
        gain=reduced.gain,
        read_noise=reduced.read_noise,
        saturation=reduced.saturation,
        known=reduced.mask,
        parameters=settings.preparing,
    )
    examined = examine(frame, settings.preparing)
    found = examined.quality.figures()
    if reasons := list(shortcomings(found, settings.preparing, is_reference=False)):
        raise ValueError(f"set aside: {'; '.join(reasons)}")
    used = {name: each.key for name, each in choice.chosen.items()}
    return examined.frame, {"used": used, "missing": list(choice.missing)} | found | shares(frame)


def shares(frame: CalibratedFrame) -> dict[str, float]:
    """Give the shares of a frame's pixels that are masked, by reason."""
    return {name: float(((frame.mask & bit) != 0).mean()) for name, bit in SHARES.items()}


def calibrate_lights(
    night: Night,
    library: Library,
    figures: Figures,
    settings: Settings,
    *,
    spool: Spool,
    progress: Progress,
) -> tuple[list[Light], dict[str, str]]:
    """Calibrate all lights of a night; give those that failed with the reason."""
    lights: list[Light] = []
    refused: dict[str, str] = {}
    files = night.of(FrameKind.LIGHT)
    for number, file in enumerate(files, start=1):
        try:
            frame, facts = calibrate_light(file, library, figures, settings)
            lights.append(Light(file, spool.keep(frame), facts))
        except ValueError as error:
            refused[file.name] = str(error)
        progress("calibrating", number, len(files))
    return lights, refused


def mark_hot_pixels(lights: Sequence[Light], spool: Spool) -> list[Light]:
    """Mark as bad, in every frame, the pixels of each camera that the same hits show to be hot."""
    marked: dict[str, Light] = {}
    for setup in {light.file.conditions.setup for light in lights}:
        own = [light for light in lights if light.file.conditions.setup == setup]
        hot = recurring_hits([light.frame for light in own])
        marked |= {light.file.name: without_hot(light, hot, spool) for light in own}
    return [marked[light.file.name] for light in lights]


def without_hot(light: Light, hot: Bools, spool: Spool) -> Light:
    """Give a light whose hot pixels are bad pixels and no cosmic rays, and count them."""
    facts = light.facts | {"hot_pixels": int(hot.sum())}
    if not hot.any():
        return replace(light, facts=facts)
    mask = np.array(light.frame.mask)
    # Hits that touch a hot pixel were grown from it.
    hits = (mask & np.uint16(MaskBit.COSMIC_RAY)) != 0
    bad = hot | (hits & ndimage.binary_dilation(hot, CONNECTED))
    mask[bad] &= ~np.uint16(MaskBit.COSMIC_RAY)
    mark(mask, bad, MaskBit.BAD_PIXEL)
    frame = replace(light.frame, mask=spool.plane(mask))
    return replace(light, frame=frame, facts=facts | shares(frame))


def choose_grid(lights: Sequence[Light]) -> Light:
    """Choose the frame on whose pixels all others are laid: a sharp one with many stars."""
    most = max(light.facts["n_stars"] for light in lights)
    rich = [light for light in lights if light.facts["n_stars"] >= ENOUGH_STARS * most]
    return min(rich, key=lambda light: light.facts["seeing_px"])


def align(
    lights: Sequence[Light], settings: Settings, *, spool: Spool, progress: Progress
) -> tuple[list[Light], dict[str, str]]:
    """Lay lights on the grid of the best of them; give those that failed with the reason."""
    best = choose_grid(lights)
    grid = grid_of(best.frame, settings.preparing)
    aligned: list[Light] = []
    refused: dict[str, str] = {}
    for number, light in enumerate(lights, start=1):
        try:
            aligned.append(laid(light, grid, settings, spool, is_grid=light is best))
        except ValueError as error:
            refused[light.file.name] = str(error)
        progress("aligning", number, len(lights))
    return aligned, refused


def laid(light: Light, grid: Grid, settings: Settings, spool: Spool, *, is_grid: bool) -> Light:
    """Lay one light on the grid, and note how well."""
    if is_grid:
        return replace(light, facts=light.facts | {"is_grid": True})
    frame, found = onto_grid(light.frame, grid, settings.preparing)
    middle = np.array([[side / 2.0] for side in grid.shape[::-1]])
    moved = np.ravel(found.transform(middle[0], middle[1])) - middle.ravel()
    facts = {
        "is_grid": False,
        "registration_rms_px": found.residual_rms_px,
        "registration_stars": found.n_stars,
        "registration_quality": found.quality,
        "shift_x_px": float(moved[0]),
        "shift_y_px": float(moved[1]),
    }
    return replace(light, frame=spool.keep(frame), facts=light.facts | facts)


def stack_lights(
    lights: Sequence[Light], settings: Settings
) -> tuple[dict[str, Stack], dict[str, str]]:
    """Stack the lights of every filter, and of both halves of the night where that is asked for.

    Gives stacks by name, and reasons by name where there is none.
    """
    made: dict[str, Stack] = {}
    refused: dict[str, str] = {}
    for name, group in groups_to_stack(lights, with_halves=settings.with_halves).items():
        try:
            made[name] = stack([light.frame for light in group], settings.stacking)
        except ValueError as error:
            refused[name] = str(error)
    return made, refused


def groups_to_stack(lights: Sequence[Light], *, with_halves: bool) -> dict[str, list[Light]]:
    """Give the lights of every stack by its name."""
    groups: dict[str, list[Light]] = {}
    by_file = {light.file.name: light for light in lights}
    for band in sorted({light.file.conditions.filter_band or "unfiltered" for light in lights}):
        own = [x for x in lights if (x.file.conditions.filter_band or "unfiltered") == band]
        groups[band] = own
        if with_halves:
            for half, files in halves([light.file for light in own]):
                groups[f"{band}_{half}"] = [by_file[file.name] for file in files]
    return groups
