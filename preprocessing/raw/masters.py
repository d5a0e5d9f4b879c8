"""Master bias, dark and flat frames from raw ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from preprocessing.raw.averages import Average, Averaging, Pixels, average, sample, spread
from preprocessing.raw.detector import Measured, dark_current, gain_of_flats, read_noise_adu

Kind = Literal["bias", "dark", "flat"]
Counts = NDArray[np.uint16]

# Below this many times the read noise a flat adds noise, not knowledge.
LEAST_FLAT_SNR = 10.0


@dataclass(frozen=True, eq=False)
class Master:
    """A master frame.

    Attributes
    ----------
    kind : str
        ``bias``, ``dark`` or ``flat``.
    pixels, uncertainty : (ny, nx) float32 arrays
        ADU; of a flat, the sensitivity relative to the median pixel. NaN where nothing is known.
    counts : (ny, nx) uint16 array
        Frames that each pixel was made from.
    exposure_s : float
        Of a dark: that of its pixels.
    holds_bias : bool
        Of a dark: no bias was there to be subtracted, so it stands for both.
    statistics : dict
        ``level``, ``noise`` and the like, as numbers.
    """

    kind: Kind
    pixels: Pixels
    uncertainty: Pixels
    counts: Counts
    exposure_s: float = 0.0
    holds_bias: bool = False
    statistics: dict[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]


def master_bias(frames: Sequence[Pixels], *, gain: float | None = None) -> Master:
    """Average bias frames.

    Parameters
    ----------
    frames : sequence of (ny, nx) float32 arrays
        ADU, trimmed, overscan subtracted where there is one.
    gain : float, optional
        e-/ADU, for the read noise in electrons.

    Raises
    ------
    ValueError
        If there is no frame, or shapes differ.
    """
    made = average(frames, Averaging())
    return Master(
        "bias",
        made.pixels,
        made.uncertainty,
        made.counts,
        statistics=facts(made, frames) | noise_facts(read_noise_adu(frames), gain),
    )


def master_dark(
    frames: Sequence[Pixels],
    exposures_s: Sequence[float],
    *,
    bias: Master | None = None,
    gain: float | None = None,
) -> Master:
    """Average dark frames, scaled to their median exposure where a bias allows that.

    Raises
    ------
    ValueError
        If exposures differ and there is no bias: what a frame holds besides dark current does not
        grow with time.
    """
    exposure = float(np.median(exposures_s))
    spread_s = max(exposures_s) - min(exposures_s)
    if spread_s > 1e-3 * exposure and bias is None:
        raise ValueError(
            f"darks of {min(exposures_s):g} to {max(exposures_s):g} s cannot be averaged without "
            "a bias: build one master per exposure, or take bias frames"
        )
    net = frames if bias is None else [frame - bias.pixels for frame in frames]
    scales = [exposure / each for each in exposures_s] if spread_s > 0 else None
    made = average(net, Averaging(), scales=scales)
    level = float(np.nanmedian(made.pixels))
    current = dark_current(level, exposure, gain) if bias is not None else {}
    statistics = facts(made, frames) | noise_facts(read_noise_adu(frames), gain) | current
    return Master(
        "dark",
        made.pixels,
        added(made.uncertainty, bias),
        made.counts,
        exposure_s=exposure,
        holds_bias=bias is None,
        statistics=statistics,
    )


def as_bias(dark: Master) -> Master:
    """Let a dark that holds the bias stand for it: right as far as its exposure is short."""
    return replace(dark, kind="bias", exposure_s=0.0, holds_bias=False)


def master_flat(
    net: Sequence[Pixels], *, offset_error: Pixels | None = None, noise_adu: float = 0.0
) -> Master:
    """Average flats of one filter, each brought to median 1 before, and norm the result to that.

    The weight of a frame goes with its level, as its relative variance goes with the inverse.

    Parameters
    ----------
    net : sequence of (ny, nx) float32 arrays
        ADU above bias and dark; NaN where saturated.
    offset_error : (ny, nx) array, optional
        1-sigma error of what was subtracted, the same for all, ADU.
    noise_adu : float
        Read noise, ADU; for the gain, which the flats show.

    Raises
    ------
    ValueError
        If one is saturated or too faint: the sentence gives its number and level.
    """
    levels = flat_levels(net, noise_adu)
    made = average(
        net, Averaging(has_photons=True), scales=[1 / each for each in levels], weights=levels
    )
    norm = np.float32(np.nanmedian(sample(made.pixels)))
    pixels, error = made.pixels / norm, made.uncertainty
    if offset_error is not None:
        error = np.hypot(error, offset_error / np.float32(np.mean(levels)))
    return Master(
        "flat",
        pixels,
        (error / norm).astype(np.float32),
        made.counts,
        statistics=facts(replace(made, pixels=pixels), net) | flat_facts(net, pixels, noise_adu),
    )


def flat_facts(net: Sequence[Pixels], pixels: Pixels, noise_adu: float) -> dict[str, float]:
    """Give how uneven a flat is (1st to 99th percentile) and the gain that its frames show."""
    low, high = np.nanpercentile(sample(pixels), [1, 99])
    gain = gain_of_flats(net, noise_adu)
    shown = {} if gain is None else {"gain": gain.value, "gain_error": gain.error}
    return {"unevenness": float(high - low)} | shown


def flat_levels(net: Sequence[Pixels], noise_adu: float) -> list[float]:
    """Give the median level of every flat, ADU above bias.

    Raises
    ------
    ValueError
        If one is mostly saturated, or too faint to tell sensitivities.
    """
    levels: list[float] = []
    for number, frame in enumerate(net, start=1):
        values = sample(frame)
        values = values[np.isfinite(values)]
        if values.size < frame.size * 1e-3 or np.isfinite(sample(frame)).mean() < 0.5:
            raise ValueError(
                f"flat {number} of {len(net)} is saturated in more than half of its pixels: "
                "leave it out"
            )
        levels.append(float(np.median(values)))
        if levels[-1] <= max(LEAST_FLAT_SNR * noise_adu, 0):
            raise ValueError(
                f"flat {number} of {len(net)} has {levels[-1]:.0f} ADU above bias, with a read "
                f"noise of {noise_adu:.1f} ADU: too faint for a flat, leave it out"
            )
    return levels


def added(error: Pixels, other: Master | None) -> Pixels:
    """Add the uncertainty of what was subtracted."""
    return error if other is None else np.hypot(error, other.uncertainty).astype(np.float32)


def facts(made: Average, frames: Sequence[Pixels]) -> dict[str, float]:
    """Give the figures that every master has."""
    values = sample(made.pixels)
    medians = [float(np.nanmedian(sample(frame))) for frame in frames]
    return {
        "inputs": float(len(frames)),
        "level": float(np.nanmedian(values)),
        "noise": spread(values),
        "noise_of_one_frame": float(np.median(made.noises)),
        "uncertainty": float(np.nanmedian(sample(made.uncertainty))),
        "input_level_lowest": min(medians),
        "input_level_highest": max(medians),
        "clipped_pixels": float(made.clipped),
        "clipped_share": made.clipped / (made.pixels.size * len(frames)),
        "least_inputs_of_a_pixel": float(made.counts.min()),
        "pixels_without_data": float((made.counts == 0).sum()),
    }


def noise_facts(noise: Measured | None, gain: float | None) -> dict[str, float]:
    """Give the read noise in ADU and, where the gain is known, electrons."""
    if noise is None:
        return {}
    found = {"read_noise_adu": noise.value, "read_noise_adu_error": noise.error}
    return found | ({"read_noise_e": noise.value * gain} if gain else {})
