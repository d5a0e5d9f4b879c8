"""Take the electronic offset off a raw frame, cut what saw no light, put amplifiers together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS, Sip
from numpy.typing import NDArray

from observations.raw import Amplifier, RawFrame
from observations.sections import Section
from preprocessing.raw.averages import spread

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]

CLIP_SIGMA = 4.0
CLIP_ROUNDS = 3
# Fewer pixels across tell no cosmic ray from an offset.
LEAST_ACROSS = 3


@dataclass(frozen=True, eq=False)
class DetectorFrame:
    """The exposed pixels of a detector without overscan, whatever it was read through.

    Attributes
    ----------
    pixels : (ny, nx) float32 array
        ADU above the overscan where there is one, else as read. NaN in gaps between amplifiers.
    offset_error : float
        1-sigma error of the overscan level of one line, ADU; 0 without overscan.
    offsets : tuple of float
        Median overscan of every amplifier, ADU; empty without overscan.
    gain, read_noise : float or None
        e-/ADU of ``pixels`` and e-, where the header states them.
    """

    pixels: Pixels
    offset_error: float
    offsets: tuple[float, ...]
    gain: float | None
    read_noise: float | None


def assemble(frame: RawFrame, *, per_line: bool = True) -> DetectorFrame:
    """Give the exposed part of a raw frame as one image.

    Amplifiers are laid out by DETSEC, else CCDSEC, mirrored where these run backwards. Those that
    state different gains are brought to their mean gain, so that one gain holds for the frame.

    Parameters
    ----------
    frame : RawFrame
    per_line : bool
        Take off the overscan of each line of its own, else one level per amplifier.

    Raises
    ------
    ValueError
        If the header does not say how several amplifiers lie together, or they overlap.
    """
    parts = [subtract_overscan(each, per_line=per_line) for each in frame.amplifiers]
    gain = common_gain(frame.amplifiers) if len(parts) > 1 else frame.gain
    noises = [each.read_noise for each in frame.amplifiers if each.read_noise is not None]
    pixels = [
        part.pixels * np.float32(each.gain / gain) if gain and each.gain else part.pixels
        for part, each in zip(parts, frame.amplifiers, strict=True)
    ]
    return DetectorFrame(
        pixels=pixels[0] if len(parts) == 1 else lay_out(frame, pixels),
        offset_error=max(part.error for part in parts),
        offsets=tuple(part.level for part in parts if part.level is not None),
        gain=gain or frame.gain,
        read_noise=max(noises) if noises else frame.read_noise,
    )


def common_gain(amplifiers: Sequence[Amplifier]) -> float | None:
    """Give the mean gain of the amplifiers; None unless each of them states one."""
    gains = [each.gain for each in amplifiers if each.gain is not None]
    return sum(gains) / len(gains) if len(gains) == len(amplifiers) else None


@dataclass(frozen=True, eq=False)
class Trimmed:
    """The data section of one amplifier, its overscan level and the error of that level."""

    pixels: Pixels
    level: float | None
    error: float


def subtract_overscan(amplifier: Amplifier, *, per_line: bool) -> Trimmed:
    """Subtract the overscan of an amplifier and trim it to its data.

    The overscan lies beside the data (a level per row) or above or below them (a level per
    column); cosmic rays and the tail of the exposed pixels are clipped at 4 sigma.

    Raises
    ------
    ValueError
        If the overscan does not lie along the data, or is too narrow.
    """
    data = amplifier.pixels[amplifier.data.slices]
    if amplifier.overscan is None:
        return Trimmed(data, None, 0.0)
    along_rows = runs_along_rows(amplifier)
    strip = amplifier.pixels[overscan_beside(amplifier, along_rows).slices].astype(np.float64)
    lines = strip if along_rows else strip.T
    if lines.shape[1] < LEAST_ACROSS:
        raise ValueError(
            f"{amplifier.name}: the overscan {amplifier.overscan} is {lines.shape[1]} px wide, "
            f"{LEAST_ACROSS} are needed; correct BIASSEC"
        )
    levels, counts, sigma = clipped_levels(lines)
    if not per_line:
        levels, counts = np.full(1, np.average(levels, weights=counts)), counts.sum()[None]
    shaped = levels[:, None] if along_rows else levels[None, :]
    return Trimmed(
        pixels=(data - shaped).astype(np.float32),
        level=float(np.median(levels)),
        error=sigma / float(np.sqrt(np.median(counts))),
    )


def runs_along_rows(amplifier: Amplifier) -> bool:
    """Say whether the overscan lies left or right of the data, line by line."""
    data, overscan = amplifier.data, amplifier.overscan
    if overscan is None or (overscan.bottom <= data.bottom and overscan.top >= data.top):
        return True
    if overscan.left <= data.left and overscan.right >= data.right:
        return False
    raise ValueError(
        f"{amplifier.name}: the overscan {overscan} lies neither beside all rows nor along all "
        f"columns of the data {data}; correct BIASSEC or TRIMSEC"
    )


def overscan_beside(amplifier: Amplifier, along_rows: bool) -> Section:
    """Cut the overscan to the lines of the data."""
    data, overscan = amplifier.data, amplifier.overscan or amplifier.data
    if along_rows:
        return Section(overscan.left, overscan.right, data.bottom, data.top)
    return Section(data.left, data.right, overscan.bottom, overscan.top)


def clipped_levels(lines: Floats) -> tuple[Floats, Floats, float]:
    """Give the clipped mean and count of each line, and the noise of one pixel."""
    # From steps between neighbours: a few pixels of one line tell neither level nor noise.
    sigma = max(spread(np.diff(lines, axis=1).ravel()) / float(np.sqrt(2)), 1e-6)
    off = lines - np.nanmedian(lines, axis=1)[:, None]
    kept = np.isfinite(lines)
    for _ in range(CLIP_ROUNDS):
        mean = np.where(kept, lines, 0).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
        kept = np.isfinite(lines) & (np.abs(lines - mean[:, None]) < CLIP_SIGMA * sigma)
        # A line whose mean a cosmic ray has carried off starts again from its median.
        kept |= ~kept.any(axis=1)[:, None] & (np.abs(off) < CLIP_SIGMA * sigma)
    counts = kept.sum(axis=1).astype(np.float64)
    return np.where(kept, lines, 0).sum(axis=1) / np.maximum(counts, 1), counts, sigma


def lay_out(frame: RawFrame, pixels: Sequence[Pixels]) -> Pixels:
    """Put the pixels of several amplifiers at their places on the detector."""
    places = [place_of(frame, each) for each in frame.amplifiers]
    left, bottom = min(p.left for p in places), min(p.bottom for p in places)
    shape = max(p.top for p in places) - bottom, max(p.right for p in places) - left
    canvas = np.full(shape, np.nan, np.float32)
    taken = np.zeros(shape, bool)
    for amplifier, place, part in zip(frame.amplifiers, places, pixels, strict=True):
        if part.shape != place.shape:
            raise ValueError(
                f"{frame.name}, {amplifier.name}: {part.shape} px of data do not fill the "
                f"{place.shape} px of its place {amplifier.place}; correct TRIMSEC or DETSEC"
            )
        target = Section(
            place.left - left, place.right - left, place.bottom - bottom, place.top - bottom
        ).slices
        if taken[target].any():
            raise ValueError(
                f"{frame.name}, {amplifier.name}: its place {amplifier.place} overlaps that of "
                "another amplifier: several detectors in one file; choose one by hdu"
            )
        taken[target] = True
        canvas[target] = part[:: -1 if place.flip_y else 1, :: -1 if place.flip_x else 1]
    return canvas


def place_of(frame: RawFrame, amplifier: Amplifier) -> Section:
    """Give the place of an amplifier's data in binned pixels.

    Raises
    ------
    ValueError
        If its header does not say.
    """
    place = amplifier.place
    if place is None:
        raise ValueError(
            f"{frame.name} holds {len(frame.amplifiers)} images and {amplifier.name} has neither "
            "DETSEC nor CCDSEC that says where it lies; choose one image by hdu"
        )
    along_x, along_y = frame.binning
    return Section(
        left=place.left // along_x,
        right=place.left // along_x + (place.right - place.left) // along_x,
        bottom=place.bottom // along_y,
        top=place.bottom // along_y + (place.top - place.bottom) // along_y,
        flip_x=place.flip_x,
        flip_y=place.flip_y,
    )


def trimmed_wcs(frame: RawFrame) -> WCS | None:
    """Give the WCS of the assembled pixels.

    None where the frame has none, or where trimming moves its amplifiers against one another, so
    that no shift of the header's WCS holds for all of them.
    """
    if frame.wcs is None:
        return None
    moves = {move_of(frame, each) for each in frame.amplifiers}
    if len(moves) > 1 or None in moves:
        return None
    left, bottom = moves.pop() or (0, 0)
    moved = frame.wcs.deepcopy()
    moved.wcs.crpix = [moved.wcs.crpix[0] - left, moved.wcs.crpix[1] - bottom]
    if moved.sip is not None:
        old = moved.sip
        moved.sip = Sip(old.a, old.b, old.ap, old.bp, moved.wcs.crpix)
    moved.wcs.set()
    return moved


def move_of(frame: RawFrame, amplifier: Amplifier) -> tuple[int, int] | None:
    """Give by how many px, x and y, an amplifier's pixels move when assembled; None if mirrored."""
    data = amplifier.data
    if len(frame.amplifiers) == 1:
        return data.left, data.bottom
    place, first = place_of(frame, amplifier), place_of(frame, frame.amplifiers[0])
    if place.flip_x or place.flip_y or amplifier.pixels is not frame.amplifiers[0].pixels:
        return None
    return data.left - (place.left - first.left), data.bottom - (place.bottom - first.bottom)
