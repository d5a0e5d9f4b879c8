"""What a reference costs: how much of the significance of a faint change it leaves."""

from dataclasses import dataclass

import numpy as np

# Midpoints of the integral; the share is then exact to 1e-4.
STEPS = 400
# A reference seven times wider than the frame leaves nothing; its share needs no exponent beyond.
WIDEST = 50.0


@dataclass(frozen=True)
class Depth:
    """How deep and how sharp an image is.

    ``flux`` is the limiting flux of a point source at 5 sigma per second of exposure, ADU/s;
    ``seeing`` the FWHM, arcsec. Both may be unknown.
    """

    flux: float | None
    seeing: float | None

    @classmethod
    def of(cls, limit: float | None, exposure_s: float | None, seeing: float | None) -> "Depth":
        """Give the depth of an image in ADU of an exposure of so many seconds."""
        return cls(limit / exposure_s if limit and exposure_s else None, seeing)

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
        0 to 1; 0 where depth or seeing of either is not known.

    References
    ----------
    Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, equations 14 and 16.
    """
    if not (science.is_known and reference.is_known):
        return 0.0
    q = min((_number(reference.seeing) / _number(science.seeing)) ** 2, WIDEST)
    # limit^2 goes as v s^2
    rho = (_number(reference.flux) / _number(science.flux)) ** 2 / q
    u = (np.arange(STEPS) + 0.5) / STEPS
    return float(np.sqrt((1 / (1 + rho * u ** (1 - q))).mean()))


def _number(value: float | None) -> float:
    return float(value or 0.0)
