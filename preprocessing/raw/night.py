"""A folder of raw frames: what is in it, its masters, and the figures of its detector."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from astrid.core.errors import AstridError
from observations.fits import ReadOptions
from observations.frame_kind import FrameKind
from observations.raw import RawFrame, read_raw
from preprocessing.masks import Bools
from preprocessing.raw.assumed import (
    BELOW_CEILING,
    Figure,
    brightest_of,
    ceiling,
    contradiction,
    settle,
)
from preprocessing.raw.averages import sample
from preprocessing.raw.building import (
    Input,
    build,
    conditions_of,
    find_bad_pixels,
    groups_of,
    masters_from,
    net_flats,
)
from preprocessing.raw.library import CalibrationParameters, Candidate, Choice, Conditions, choose
from preprocessing.raw.masters import Master
from preprocessing.raw.overscan import assemble
from preprocessing.raw.reduction import Detector, Masters

# Each kind is built with those before it.
ORDER = (FrameKind.BIAS, FrameKind.DARK, FrameKind.FLAT)
DIGITAL_CEILING = 65_535.0


@dataclass(frozen=True)
class RawFile:
    """A raw frame of the folder, as far as it is needed before its pixels are.

    ``gain``, ``read_noise`` and ``saturation`` are what its header states; ``level`` and
    ``brightest`` are its median and its brightest pixel, ADU as read; ``target`` its OBJECT.
    """

    path: Path
    name: str
    kind: FrameKind
    conditions: Conditions
    gain: float | None
    read_noise: float | None
    saturation: float | None
    level: float
    brightest: float
    is_sixteen_bit: bool
    target: str = ""


@dataclass(frozen=True)
class Night:
    """What a folder holds; ``refused`` gives the reason per file name."""

    files: tuple[RawFile, ...]
    refused: dict[str, str]

    def of(self, kind: FrameKind) -> list[RawFile]:
        """Give the files of one kind, in the order of time."""
        found = [each for each in self.files if each.kind is kind]
        return sorted(found, key=lambda each: each.conditions.observed_at)


def scan(folder: Path, paths: Iterable[Path], reading: ReadOptions) -> Night:
    """Read what every file of a folder is."""
    files: list[RawFile] = []
    refused: dict[str, str] = {}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            files.append(file_of(path, name, read_raw(path, options=reading, name=name)))
        except (AstridError, ValueError) as error:
            refused[name] = str(error)
    return Night(tuple(files), refused)


def file_of(path: Path, name: str, raw: RawFrame) -> RawFile:
    """Keep what is needed of a raw frame."""
    made = assemble(raw)
    return RawFile(
        path=path,
        name=name,
        kind=raw.kind,
        conditions=conditions_of(raw, made.pixels.shape),
        gain=made.gain,
        read_noise=made.read_noise,
        saturation=raw.saturation,
        level=max(float(np.nanmedian(sample(each.pixels))) for each in raw.amplifiers),
        brightest=max(brightest_of(each.pixels) for each in raw.amplifiers),
        is_sixteen_bit=raw.header.get("BITPIX") == 16,
        target=str(raw.header.get("OBJECT", "")).strip(),
    )


@dataclass(frozen=True, eq=False)
class Library:
    """The masters of a night.

    ``masters`` and ``bad_pixels`` are found by the key of their candidate; ``inputs`` names the
    files of every master; ``notes`` are sentences about what could not be built.
    """

    candidates: list[Candidate] = field(default_factory=list)
    masters: dict[str, Master] = field(default_factory=dict)
    bad_pixels: dict[str, Bools] = field(default_factory=dict)
    bad_counts: dict[str, dict[str, float]] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def masters_of(self, choice: Choice) -> Masters:
        """Give the masters that were chosen."""
        found = {name: self.masters.get(each.key) for name, each in choice.chosen.items()}
        bad = choice.bad_pixels
        return masters_from(
            found.get("bias"),
            found.get("dark"),
            found.get("flat"),
            self.bad_pixels[bad.key] if bad else None,
        )


def build_library(night: Night, reading: ReadOptions, parameters: CalibrationParameters) -> Library:
    """Build every master that the calibration frames of a night allow."""
    library = Library()
    ceilings = saturation_of(night)
    for kind in ORDER:
        groups = groups_of(
            night.of(kind), lambda each: each.conditions, parameters.temperature_tolerance
        )
        for group in groups:
            try:
                add_master(library, kind, group, (reading, parameters, ceilings.value))
            except ValueError as error:
                library.notes.append(f"no {kind} from {name_of(kind, group)}: {error}")
    add_bad_pixels(library)
    return library


def name_of(kind: FrameKind, group: Sequence[RawFile]) -> str:
    """Name the master of a group: kind, filter and exposure."""
    first = group[0].conditions
    parts = [kind.value, first.filter_band or ""]
    if kind is FrameKind.DARK:
        parts.append(f"{first.exposure_s:g}s")
    return "_".join(part for part in parts if part)


def add_master(
    library: Library,
    kind: FrameKind,
    group: Sequence[RawFile],
    how: tuple[ReadOptions, CalibrationParameters, float],
) -> None:
    """Build the master of one group and put it into the library."""
    reading, parameters, saturation = how
    if len(group) < parameters.least_frames:
        raise ValueError(f"{len(group)} frames, {parameters.least_frames} are needed")
    conditions = middle_of(group)
    choice = choose(conditions, library.candidates, parameters, needs_flat=False)
    inputs = [Input.of(read_raw(each.path, options=reading), saturation) for each in group]
    masters = library.masters_of(choice)
    made = build(kind, inputs, masters)
    key = unused(name_of(kind, group), library.masters)
    if kind is FrameKind.FLAT:
        net, _ = net_flats(inputs, masters)
        library.bad_pixels[key] = find_bad_pixels(masters.bias, [made], net)[0]
    library.masters[key] = made
    library.inputs[key] = [each.name for each in group]
    library.candidates.append(Candidate(key, kind.value, conditions, holds_bias=made.holds_bias))


def unused(name: str, taken: Iterable[str]) -> str:
    """Give a name that no other master has, by a number where it must be."""
    names = set(taken)
    return next(
        each for each in (name, *(f"{name}_{n}" for n in range(2, 1000))) if each not in names
    )


def middle_of(group: Sequence[RawFile]) -> Conditions:
    """Give the conditions of the frame in the middle of a group."""
    return group[len(group) // 2].conditions


def add_bad_pixels(library: Library) -> None:
    """Put together, for each setup, what all its masters show to be bad."""
    for setup in {each.conditions.setup for each in library.candidates}:
        own = [each for each in library.candidates if each.conditions.setup == setup]
        darks = [library.masters[c.key] for c in own if c.kind in ("dark", "bias")]
        flats = [library.masters[c.key] for c in own if c.kind == "flat"]
        # The longest dark shows the hottest pixels.
        dark = max(darks, key=lambda each: each.exposure_s, default=None)
        bad, counts = find_bad_pixels(dark, flats)
        for candidate in own:
            bad = bad | library.bad_pixels.get(candidate.key, False)
        counts |= {"bad_pixels": float(bad.sum()), "bad_share": float(bad.mean())}
        key = unused("bad_pixels", library.bad_pixels)
        library.bad_pixels[key], library.bad_counts[key] = bad, counts
        library.candidates.append(Candidate(key, "bad_pixel_mask", own[-1].conditions))


@dataclass(frozen=True)
class Figures:
    """What is taken for the detector, where it comes from, and what contradicts it."""

    gain: Figure
    read_noise: Figure
    saturation: Figure
    doubts: tuple[str, ...] = ()

    def detector(self, exposure_s: float) -> Detector:
        """Give the detector for one exposure."""
        return Detector(self.gain.value, self.read_noise.value, self.saturation.value, exposure_s)


def saturation_of(night: Night, given: float | None = None) -> Figure:
    """Give the level, ADU as read, from which pixels count as saturated."""
    stated = stated_in(each.saturation for each in night.files)
    if given is not None or stated is not None:
        return settle("saturation", "ADU", given=given, stated=stated, measured=None)
    top = ceiling([each.brightest for each in night.of(FrameKind.LIGHT)])
    # Lights that end alike below the level of a flat end there by chance.
    if top is not None and top > max(each.level for each in night.files):
        return Figure(
            BELOW_CEILING * top,
            f"{BELOW_CEILING:.0%} of {top:.0f} ADU, where the brightest pixels of the lights stop",
        )
    if any(each.is_sixteen_bit for each in night.files):
        return Figure(DIGITAL_CEILING, "the largest number of 16 bits; no lower ceiling shows")
    return Figure(float("inf"), "none: no header states it and no ceiling shows")


def figures_of(night: Night, library: Library, given: ReadOptions) -> Figures:
    """Settle gain, read noise and saturation of a night's lights.

    Raises
    ------
    ValueError
        If gain or read noise is neither given, stated, nor to be measured.
    """
    lights = night.of(FrameKind.LIGHT)
    gains = statistics(library, "gain")
    measured = Figure(float(np.mean(gains)), "measured from pairs of flats") if gains else None
    gain = settle(
        "gain",
        "e-/ADU",
        given=None,
        stated=stated_in(each.gain for each in lights) or given.defaults.gain,
        measured=measured,
    )
    noises = statistics(library, "read_noise_adu")
    noise = settle(
        "read noise",
        "e-",
        given=None,
        stated=stated_in(each.read_noise for each in lights) or given.defaults.read_noise,
        measured=Figure(noises[0] * gain.value, "measured from pairs of darks") if noises else None,
    )
    errors = statistics(library, "gain_error")
    doubt = contradiction("gain", gain, measured.value, max(errors)) if measured else None
    return Figures(gain, noise, saturation_of(night), (doubt,) if doubt else ())


def statistics(library: Library, name: str) -> list[float]:
    """Give a figure of all masters that have it."""
    return [m.statistics[name] for m in library.masters.values() if name in m.statistics]


def stated_in(values: Iterable[float | None]) -> float | None:
    """Give the median of what headers state; None where none does."""
    found = [value for value in values if value is not None]
    return float(np.median(found)) if found else None


def halves(lights: Sequence[RawFile]) -> Iterator[tuple[str, list[RawFile]]]:
    """Part lights into the first and the second half of their night."""
    ordered = sorted(lights, key=moment)
    middle = (len(ordered) + 1) // 2
    yield "first_half", ordered[:middle]
    yield "second_half", ordered[middle:]


def moment(file: RawFile) -> datetime:
    """Give when a frame was taken."""
    return file.conditions.observed_at
