"""Which master calibrates which frame, and in words what is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from astrid.core.parameters import check_limits, tunable

SHAPE_WORDS = "instrument, window and binning"


@dataclass(frozen=True, kw_only=True)
class CalibrationParameters:
    """Tunables of masters and of their choice; ``asdict`` of it is JSON."""

    temperature_tolerance: float = tunable(
        2.0, "a dark whose detector was warmer or colder by more is not used", unit="deg C", gt=0
    )
    exposure_tolerance: float = tunable(
        0.02, "exposures that differ by less than this share count as one", ge=0, le=0.5
    )
    bias_exposure: float = tunable(
        0.05,
        "a dark shorter than this share of a frame's exposure may stand for a missing bias",
        ge=0,
        le=1,
    )
    valid_days: float = tunable(
        30.0, "a master holds for so long before its first and after its last frame", unit="d", gt=0
    )
    least_frames: int = tunable(
        3, "fewer raw frames make no master: a cosmic ray in one would stay", unit="frames", ge=1
    )
    find_cosmic_rays: bool = tunable(True, "look for cosmic rays in calibrated raw frames")

    def __post_init__(self) -> None:
        """Refuse values that no frame could satisfy."""
        check_limits(self)


@dataclass(frozen=True)
class Setup:
    """What a frame and its masters must have in common: camera, rows and columns, binning."""

    instrument: str
    shape: tuple[int, int]
    binning: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Conditions:
    """What decides about a frame's masters; ``filter_band`` of a flat or light."""

    setup: Setup
    filter_band: str | None
    exposure_s: float
    temperature_c: float | None
    observed_at: datetime


@dataclass(frozen=True)
class Candidate:
    """A master as far as choosing needs it.

    Attributes
    ----------
    key
        Whatever the caller finds the master by.
    kind : str
        ``bias``, ``dark``, ``flat`` or ``bad_pixel_mask``.
    conditions : Conditions
        Those of its raw frames; the time is the middle of theirs.
    valid_from, valid_to : datetime or None
        When it may be used; None is without end.
    holds_bias : bool
        Of a dark: bias and dark current together.
    """

    key: Any
    kind: str
    conditions: Conditions
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    holds_bias: bool = False

    def holds_at(self, moment: datetime) -> bool:
        """Say whether it may be used for a frame of that time."""
        begun = self.valid_from is None or self.valid_from <= moment
        return begun and (self.valid_to is None or moment < self.valid_to)


@dataclass(frozen=True)
class Choice:
    """The masters of one frame; ``missing`` says in sentences what it goes without, and why.

    ``bias_is_dark`` tells that a short dark stands for the bias.
    """

    bias: Candidate | None = None
    dark: Candidate | None = None
    flat: Candidate | None = None
    bad_pixels: Candidate | None = None
    bias_is_dark: bool = False
    missing: tuple[str, ...] = ()

    @property
    def chosen(self) -> dict[str, Candidate]:
        """Those that there are, by what they are used as."""
        names = ("bias", "dark", "flat", "bad_pixels")
        return {name: each for name in names if (each := getattr(self, name)) is not None}


def choose(
    frame: Conditions,
    candidates: Iterable[Candidate],
    parameters: CalibrationParameters,
    *,
    needs_flat: bool = True,
) -> Choice:
    """Choose the masters of a frame: right setup and filter, nearest in exposure, then in time.

    Parameters
    ----------
    frame : Conditions
    candidates : iterable of Candidate
    parameters : CalibrationParameters
    needs_flat : bool
        False for the frames that flats are made from.
    """
    usable = [
        each
        for each in candidates
        if each.conditions.setup == frame.setup and each.holds_at(frame.observed_at)
    ]
    offsets = choose_offsets(frame, usable, parameters)
    flat = nearest(frame, [c for c in usable if is_flat_for(c, frame)]) if needs_flat else None
    bad = nearest(frame, [c for c in usable if c.kind == "bad_pixel_mask"])
    missing = list(offsets.missing)
    if needs_flat and flat is None:
        band = f" in filter {frame.filter_band}" if frame.filter_band else ""
        missing.append(f"no flat{band}: vignetting, dust and uneven pixels stay in")
    return replace(offsets, flat=flat, bad_pixels=bad, missing=tuple(missing))


def is_flat_for(candidate: Candidate, frame: Conditions) -> bool:
    """Say whether a candidate is a flat of the frame's filter."""
    return candidate.kind == "flat" and candidate.conditions.filter_band == frame.filter_band


def choose_offsets(
    frame: Conditions, usable: Sequence[Candidate], parameters: CalibrationParameters
) -> Choice:
    """Choose bias and dark: a dark of this very exposure does without a bias."""
    darks = [c for c in usable if c.kind == "dark" and is_as_cold(c, frame, parameters)]
    bias = nearest(frame, [c for c in usable if c.kind == "bias"])
    whole = nearest(frame, [d for d in darks if is_as_long(d, frame, parameters)])
    if whole is not None and (whole.holds_bias or bias is not None):
        return Choice(bias=None if whole.holds_bias else bias, dark=whole)
    if bias is not None:
        dark = nearest_exposure(frame, [d for d in darks if not d.holds_bias])
        return Choice(bias=bias, dark=dark, missing=() if dark else (without_dark(frame),))
    short = [
        d
        for d in darks
        if d.holds_bias and d.conditions.exposure_s <= parameters.bias_exposure * frame.exposure_s
    ]
    stand_in = nearest(frame, short)
    if stand_in is None:
        return Choice(missing=("no bias and no dark: the electronic offset stays in the sky",))
    exposure = stand_in.conditions.exposure_s
    words = f"no bias: darks of {exposure:g} s stand for it"
    return Choice(bias=stand_in, bias_is_dark=True, missing=(words, without_dark(frame)))


def without_dark(frame: Conditions) -> str:
    """Say what a missing dark means."""
    return (
        f"no dark that fits {frame.exposure_s:g} s: dark current stays in the sky, "
        "hot pixels are found in the frames alone"
    )


def is_as_cold(candidate: Candidate, frame: Conditions, parameters: CalibrationParameters) -> bool:
    """Say whether a dark was taken at the temperature of a frame; unknown ones pass."""
    one, other = candidate.conditions.temperature_c, frame.temperature_c
    return one is None or other is None or abs(one - other) <= parameters.temperature_tolerance


def is_as_long(candidate: Candidate, frame: Conditions, parameters: CalibrationParameters) -> bool:
    """Say whether a dark has the exposure of a frame."""
    off = abs(candidate.conditions.exposure_s - frame.exposure_s)
    return off <= parameters.exposure_tolerance * frame.exposure_s


def nearest(frame: Conditions, candidates: Sequence[Candidate]) -> Candidate | None:
    """Give the candidate nearest in time; None of none."""
    return min(candidates, key=lambda each: time_off(frame, each), default=None)


def nearest_exposure(frame: Conditions, candidates: Sequence[Candidate]) -> Candidate | None:
    """Give the dark whose exposure differs by the smallest factor, then the nearest in time.

    Scaling down loses nothing, scaling up multiplies the noise: the longer of two alike wins.
    """

    def off(each: Candidate) -> tuple[float, float]:
        ratio = frame.exposure_s / max(each.conditions.exposure_s, 1e-6)
        return max(ratio, 1.0), time_off(frame, each)

    return min(candidates, key=off, default=None)


def time_off(frame: Conditions, candidate: Candidate) -> float:
    """Give the seconds between a frame and the raw frames of a master."""
    return abs((candidate.conditions.observed_at - frame.observed_at).total_seconds())
