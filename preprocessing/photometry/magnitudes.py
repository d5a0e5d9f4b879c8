"""Fluxes as magnitudes, upper limits and microjanskys, and the zero point between them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# d m / d ln(flux)
POGSON = 2.5 / np.log(10)
# Below this signal-to-noise ratio a flux is given as an upper limit, at so many sigma.
LEAST_SNR, LIMIT_SIGMA = 3.0, 5.0
AB_OF_ONE_UJY = 23.9
# AB less Vega magnitude: Blanton & Roweis 2007, AJ 133, 734, table 1; Gaia EDR3 for G, BP and RP.
AB_LESS_VEGA = {
    "U": 0.79, "B": -0.09, "V": 0.02, "R": 0.21, "I": 0.45, "J": 0.91, "H": 1.39, "K": 1.85,
    "G": 0.114, "BP": 0.016, "RP": 0.356,
}  # fmt: skip


class ZeroPointSource(StrEnum):
    """How a zero point is known."""

    CATALOGUE = "catalogue"
    HEADER = "header"
    GIVEN = "given"
    INSTRUMENTAL = "instrumental"


class System(StrEnum):
    """What magnitudes are relative to."""

    AB = "AB"
    VEGA = "Vega"
    INSTRUMENTAL = "instrumental"


@dataclass(frozen=True)
class ZeroPoint:
    """What turns ADU of a frame into magnitudes.

    Attributes
    ----------
    value : float
        Magnitude of a source that has 1 ADU in the whole exposure of this frame.
    error : float or None
        Its standard error; None where nobody states it.
    source : ZeroPointSource
    system : System
        An instrumental magnitude is -2.5 log10(ADU per second).
    band : str
        Name of the band, as catalogues call it.
    """

    value: float
    error: float | None
    source: ZeroPointSource
    system: System
    band: str = ""

    @property
    def is_calibrated(self) -> bool:
        """Whether magnitudes of other frames can be compared with those of this one."""
        return self.source != ZeroPointSource.INSTRUMENTAL


def instrumental(exposure_s: float, band: str = "") -> ZeroPoint:
    """Give the zero point of a frame that nobody has calibrated: 0 for 1 ADU per second.

    Raises
    ------
    ValueError
        If the exposure is not a positive number of seconds.
    """
    if not (np.isfinite(exposure_s) and exposure_s > 0):
        raise ValueError(f"exposure is {exposure_s} s: it must be a positive number")
    value = 2.5 * float(np.log10(exposure_s))
    return ZeroPoint(value, None, ZeroPointSource.INSTRUMENTAL, System.INSTRUMENTAL, band)


def magnitudes(flux: ArrayLike, zero_point: ZeroPoint) -> Floats:
    """Give magnitudes; NaN where the flux, in ADU of the frame, is not positive."""
    light = np.asarray(flux, float)
    return np.asarray(zero_point.value - 2.5 * np.log10(np.where(light > 0, light, np.nan)))


def magnitude_errors(flux: ArrayLike, flux_error: ArrayLike, zero_point: ZeroPoint) -> Floats:
    """Give errors of magnitudes, those of the flux and of the zero point together.

    The second one is common to all sources of the frame: compare them by their fluxes.
    """
    light = np.asarray(flux, float)
    with np.errstate(over="ignore"):
        relative = np.asarray(flux_error, float) / np.where(light > 0, light, np.nan)
    return np.asarray(np.hypot(POGSON * relative, zero_point.error or 0.0))


def limiting_magnitude(flux_error: ArrayLike, zero_point: ZeroPoint) -> Floats:
    """Give the magnitude at 5 sigma: nothing brighter is there. NaN without a positive error."""
    return magnitudes(LIMIT_SIGMA * np.asarray(flux_error, float), zero_point)


@dataclass(frozen=True)
class Measures:
    """Fluxes as magnitudes with errors, or as upper limits: one is NaN where the other is not."""

    magnitude: Floats
    magnitude_error: Floats
    upper_limit: Floats


def measures(flux: ArrayLike, flux_error: ArrayLike, zero_point: ZeroPoint) -> Measures:
    """Give magnitudes where flux / error is at least 3, limits at 5 sigma elsewhere.

    A negative flux, of something that faded, has no magnitude: it gets a limit.
    """
    light, error = np.asarray(flux, float), np.asarray(flux_error, float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        is_seen = light / error >= LEAST_SNR
    return Measures(
        np.where(is_seen, magnitudes(light, zero_point), np.nan),
        np.where(is_seen, magnitude_errors(light, error, zero_point), np.nan),
        np.where(is_seen, np.nan, limiting_magnitude(error, zero_point)),
    )


def microjansky(flux: ArrayLike, zero_point: ZeroPoint) -> Floats:
    """Give fluxes, or their errors, in microjansky; negative ones too.

    Raises
    ------
    ValueError
        If the zero point is instrumental, or Vega's in a band whose flux is not known.
    """
    if not zero_point.is_calibrated:
        raise ValueError("the zero point is instrumental: calibrate the frame with a catalogue")
    shift = 0.0
    if zero_point.system == System.VEGA:
        if zero_point.band not in AB_LESS_VEGA:
            known = ", ".join(AB_LESS_VEGA)
            raise ValueError(
                f"the flux of Vega in band {zero_point.band!r} is not known, only in {known}"
            )
        shift = AB_LESS_VEGA[zero_point.band]
    return np.asarray(flux, float) * 10 ** (0.4 * (AB_OF_ONE_UJY - zero_point.value - shift))
