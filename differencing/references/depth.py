"""What a reference costs: how much of the significance of a faint change it leaves."""

from dataclasses import dataclass, replace

import numpy as np

# Midpoints of the integral; the share is then exact to 1e-4.
STEPS = 400
# A reference seven times wider than the frame leaves nothing; its share needs no exponent beyond.
WIDEST = 50.0


@dataclass(frozen=True)
class Depth:
    """How deep and how sharp an image is.

    ``flux`` is the limiting flux of a point source at 5 sigma per second of exposure, ADU/s;
    ``seeing`` the FWHM, arcsec. Both may be unknown. ``magnitude`` is that limit in ``system``
    where the image is calibrated.
    """

    flux: float | None
    seeing: float | None
    magnitude: float | None = None
    system: str = ""

    @classmethod
    def of(cls, limit: float | None, exposure_s: float | None, seeing: float | None) -> "Depth":
        """Give the depth of an image in ADU of an exposure of so many seconds."""
        return cls(limit / exposure_s if limit and exposure_s else None, seeing)

    def calibrated(self, magnitude: float | None, system: str) -> "Depth":
        """Give the same depth with the limit as a magnitude that other images share."""
        return replace(self, magnitude=magnitude, system=system)

    @property
    def is_known(self) -> bool:
        """Whether both figures are there."""
        return bool(self.flux and self.seeing)


def kept_share(science: Depth, reference: Depth) -> float:
    """Give the S/N of a faint source in the difference over that with a perfect reference.

    Both PSFs are taken for Gaussians of width s, both images for limited by sky noise of variance
    v: the S/N squared of the proper difference is ``integral k dk / (v_n exp(k^2 s_n^2) + v_r
    exp(k^2 s_r^2))``, and with ``u = exp(-k^2 s_n^2)`` its share is ``integral_0^1 du / (1 + rho
    u^(1 - q))``, with ``rho = v_r / v_n`` and ``q = (s_r / s_n)^2``.

    Returns
    -------
    float
        0 to 1; 0 where depth or seeing of either is not known. Limits are compared by magnitude
        where both are calibrated in one system, by ADU/s otherwise.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, equations 14 and 16.
    """
    if not (science.is_known and reference.is_known):
        return 0.0
    q = min((_number(reference.seeing) / _number(science.seeing)) ** 2, WIDEST)
    # limit^2 goes as v s^2
    rho = limit_ratio(science, reference) ** 2 / q
    u = (np.arange(STEPS) + 0.5) / STEPS
    return float(np.sqrt((1 / (1 + rho * u ** (1 - q))).mean()))


def limit_ratio(science: Depth, reference: Depth) -> float:
    """Give the limiting flux of the reference over that of the frame.

    Counts per second tell nothing of clouds, mirrors and detectors, magnitudes do.
    """
    if science.magnitude is None or reference.magnitude is None:
        return _number(reference.flux) / _number(science.flux)
    if science.system != reference.system:
        return _number(reference.flux) / _number(science.flux)
    return float(10 ** (0.4 * (science.magnitude - reference.magnitude)))


def _number(value: float | None) -> float:
    return float(value or 0.0)
