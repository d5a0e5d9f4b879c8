"""Build the masters of one group of raw frames, with what masters there are already."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from observations.frame_kind import FrameKind
from observations.raw import RawFrame
from preprocessing.masks import Bools
from preprocessing.raw.averages import Pixels
from preprocessing.raw.bad_pixels import bad_pixel_mask, nonlinear_pixels
from preprocessing.raw.library import Conditions, Setup
from preprocessing.raw.masters import Master, as_bias, master_bias, master_dark, master_flat
from preprocessing.raw.overscan import DetectorFrame, assemble
from preprocessing.raw.reduction import Detector, Masters, offset_of

T = TypeVar("T")

# Frames this near in time were taken for one another: an evening's, a night's, the next morning's.
LARGEST_GAP_S = 6 * 3600.0


def conditions_of(
    frame: RawFrame, shape: tuple[int, int], *, instrument: str | None = None
) -> Conditions:
    """Give what decides about the masters of a frame.

    ``shape`` is that of its exposed part. ``instrument`` is the name under which the frame was
    taken in, where its rules read that from another card: several CCDs share their INSTRUME.
    """
    return Conditions(
        setup=Setup(instrument or frame.instrument, shape, frame.binning),
        filter_band=frame.filter_band,
        exposure_s=frame.exposure_s,
        temperature_c=frame.temperature_c,
        observed_at=frame.observed_at,
    )


@dataclass(frozen=True, eq=False)
class Input:
    """A raw calibration frame, trimmed, and what is known of it."""

    frame: DetectorFrame
    exposure_s: float
    saturation: float = np.inf

    @classmethod
    def of(cls, raw: RawFrame, saturation: float | None = None) -> "Input":
        """Trim a raw frame."""
        level = saturation or raw.saturation or np.inf
        return cls(assemble(raw), raw.exposure_s, level)

    @property
    def overscan(self) -> float:
        """ADU that the overscan took off."""
        return float(np.median(self.frame.offsets)) if self.frame.offsets else 0.0


def build(kind: FrameKind, inputs: Sequence[Input], masters: Masters) -> Master:
    """Build a master.

    Parameters
    ----------
    kind : FrameKind
        ``bias``, ``dark`` or ``flat``.
    inputs : sequence of Input
        Of one setup; flats of one filter.
    masters : Masters
        Those that fit these frames, as far as there are any.

    Raises
    ------
    ValueError
        If the frames make no master, or these are lights.
    """
    pixels = [each.frame.pixels for each in inputs]
    gain = inputs[0].frame.gain
    if kind is FrameKind.BIAS:
        return master_bias(pixels, gain=gain)
    if kind is FrameKind.DARK:
        exposures = [each.exposure_s for each in inputs]
        return master_dark(pixels, exposures, bias=masters.bias, gain=gain)
    if kind is FrameKind.FLAT:
        net, error = net_flats(inputs, masters)
        return master_flat(net, offset_error=error, noise_adu=noise_of(inputs, masters))
    raise ValueError(f"{kind} frames make no master")


def net_flats(inputs: Sequence[Input], masters: Masters) -> tuple[list[Pixels], Pixels]:
    """Give flats without bias and dark current, NaN where saturated, and the error of these."""
    net: list[Pixels] = []
    for each in inputs:
        raw = each.frame.pixels
        # Only the exposure matters here: offsets know neither gain nor read noise.
        detector = Detector(1.0, 0.0, np.inf, each.exposure_s)
        offset, _, variance = offset_of(each.frame, masters, detector)
        linear = raw < each.saturation - each.overscan
        net.append(np.where(linear, raw - offset, np.nan).astype(np.float32))
    return net, np.sqrt(variance)


def noise_of(inputs: Sequence[Input], masters: Masters) -> float:
    """Give the read noise, ADU: what the bias or dark shows, else the header, else none."""
    for master in (masters.bias, masters.dark):
        if master is not None and "read_noise_adu" in master.statistics:
            return master.statistics["read_noise_adu"]
    frame = inputs[0].frame
    return frame.read_noise / frame.gain if frame.read_noise and frame.gain else 0.0


def find_bad_pixels(
    dark: Master | None, flats: Sequence[Master], raw_flats: Sequence[Pixels] = ()
) -> tuple[Bools, dict[str, float]]:
    """Give the bad pixels that masters show; ``raw_flats``, net, tell which are not linear."""
    nonlinear = find_nonlinear(dark, flats, raw_flats)
    return bad_pixel_mask(dark=dark, flats=flats, nonlinear=nonlinear)


def find_nonlinear(
    dark: Master | None, flats: Sequence[Master], raw_flats: Sequence[Pixels]
) -> Bools | None:
    """Give the pixels that net flats show to be not linear; None where they cannot tell."""
    gains = [flat.statistics["gain"] for flat in flats if "gain" in flat.statistics]
    if len(raw_flats) < 2 or not gains:
        return None
    noise = dark.statistics.get("read_noise_adu", 0.0) if dark else 0.0
    return nonlinear_pixels(raw_flats, noise, float(np.mean(gains)))


def masters_from(
    bias: Master | None, dark: Master | None, flat: Master | None, bad: Bools | None
) -> Masters:
    """Put masters together; a dark in the place of the bias stands for it."""
    return Masters(as_bias(bias) if bias and bias.kind == "dark" else bias, dark, flat, bad)


def groups_of(
    items: Iterable[T], conditions: Callable[[T], Conditions], tolerance_c: float
) -> list[list[T]]:
    """Part frames by setup, filter, exposure and temperature, and where hours lie between them."""
    groups: list[list[T]] = []
    for item in sorted(items, key=lambda each: conditions(each).observed_at):
        for group in groups:
            if belongs(conditions(item), conditions(group[-1]), tolerance_c):
                group.append(item)
                break
        else:
            groups.append([item])
    return groups


def belongs(one: Conditions, other: Conditions, tolerance_c: float) -> bool:
    """Say whether two frames of one kind make one master."""
    same = (one.setup, one.filter_band) == (other.setup, other.filter_band)
    as_long = abs(one.exposure_s - other.exposure_s) <= 1e-3 * other.exposure_s
    # Twilight flats are exposed longer and longer as it darkens.
    as_long = as_long or one.filter_band is not None
    warmth = (one.temperature_c, other.temperature_c)
    as_cold = None in warmth or abs((warmth[0] or 0) - (warmth[1] or 0)) <= tolerance_c
    gap = abs((one.observed_at - other.observed_at).total_seconds())
    return same and as_long and as_cold and gap <= LARGEST_GAP_S
