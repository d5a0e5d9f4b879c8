"""Regions of the sky, as those who cut images ask for them; degrees ICRS.

Reference: Dowler et al. 2017, Data Access Layer Interface 1.1, section 3.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from astrid.core.corners import circle_round
from astrid.core.sky import separation_deg
from catalog.vo.errors import BadValue
from catalog.vo.requests import finite

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_STEPS = 64
_FORMS = "CIRCLE ra dec radius, RANGE ra ra dec dec, or POLYGON and at least three corners"


class Region(Protocol):
    """Some part of the sky."""

    def outline(self) -> Floats:
        """Give places (n, 2) along its edge and within it."""

    def holds(self, ra: Floats, dec: Floats) -> Bools:
        """Tell which places lie in it."""


@dataclass(frozen=True)
class Circle:
    """All within a radius of a place."""

    ra: float
    dec: float
    radius: float

    def outline(self) -> Floats:
        """Go round it, and begin with its middle."""
        turn = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)
        phi, d = np.radians(self.dec), np.radians(self.radius)
        sin_phi = np.sin(phi) * np.cos(d) + np.cos(phi) * np.sin(d) * np.cos(turn)
        along = np.arctan2(
            np.sin(turn) * np.sin(d) * np.cos(phi), np.cos(d) - np.sin(phi) * sin_phi
        )
        edge = [(self.ra + np.degrees(along)) % 360, np.degrees(np.arcsin(np.clip(sin_phi, -1, 1)))]
        return np.vstack([(self.ra, self.dec), np.transpose(edge)])

    def holds(self, ra: Floats, dec: Floats) -> Bools:
        """Measure the distance from the middle."""
        return np.asarray(separation_deg(self.ra, self.dec, ra, dec) <= self.radius)


@dataclass(frozen=True)
class Range:
    """All between two meridians and two parallels."""

    left: float
    right: float
    low: float
    high: float

    def outline(self) -> Floats:
        """Go along its sides."""
        ra, dec = (np.linspace(*ends, _STEPS) for ends in ((self.left, self.right),
                                                           (self.low, self.high)))  # fmt: skip
        sides = [(ra, np.full(_STEPS, each)) for each in (self.low, self.high)]
        sides += [(np.full(_STEPS, each), dec) for each in (self.left, self.right)]
        return np.hstack([np.array(each) for each in sides]).T

    def holds(self, ra: Floats, dec: Floats) -> Bools:
        """Compare with its ends."""
        return (ra >= self.left) & (ra <= self.right) & (dec >= self.low) & (dec <= self.high)


@dataclass(frozen=True)
class Polygon:
    """All within corners that are joined by great circles."""

    corners: tuple[tuple[float, float], ...]

    def outline(self) -> Floats:
        """Go along its sides: chords of them, pushed out to the sphere."""
        places = _vectors(*np.transpose(self.corners))
        share = np.linspace(0, 1, _STEPS, endpoint=False)[:, np.newaxis]
        ends = zip(places, np.roll(places, -1, axis=0), strict=True)
        x, y, z = np.vstack([a + share * (b - a) for a, b in ends]).T
        return np.transpose([np.degrees(np.arctan2(y, x)) % 360,
                             np.degrees(np.arctan2(z, np.hypot(x, y)))])  # fmt: skip

    def holds(self, ra: Floats, dec: Floats) -> Bools:
        """Count the sides that a line from each place crosses, where great circles are straight."""
        centre = circle_round(self.corners)[:2]
        corners, _ = _flat(centre, *np.transpose(self.corners))
        places, is_near = _flat(centre, ra, dec)
        inside = np.zeros(ra.shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            between = (y0 > places[..., 1]) != (y1 > places[..., 1])
            slope = (x1 - x0) / np.where(between, y1 - y0, 1.0)
            inside ^= between & (places[..., 0] < x0 + slope * (places[..., 1] - y0))
        return inside & is_near


def _vectors(ra: Floats, dec: Floats) -> Floats:
    lon, lat = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _flat(centre: tuple[float, float], ra: Floats, dec: Floats) -> tuple[Floats, Bools]:
    """Project on the plane that touches the sphere at a place; tell what lies on that side."""
    lon, lat = np.radians(centre)
    axes = np.array([
        [-np.sin(lon), np.cos(lon), 0.0],
        [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
    ])  # fmt: skip
    turned = _vectors(ra, dec) @ axes.T
    is_near = turned[..., 2] > 0
    return turned[..., :2] / np.where(is_near, turned[..., 2], 1.0)[..., np.newaxis], is_near


def read(kind: str, text: str) -> Region:
    """Read a region: a kind of shape, and its numbers.

    Raises
    ------
    BadValue
        If it is no such shape, or its numbers cannot be.
    """
    numbers = [finite(kind, each) for each in text.split()]
    if kind == "CIRCLE" and len(numbers) == 3:
        return _circle(*numbers)
    if kind == "RANGE" and len(numbers) == 4:
        return _range(*numbers)
    if kind == "POLYGON" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        return _polygon(numbers)
    raise BadValue(f"{kind} is {text[:80]!r}; regions are {_FORMS}, all in degrees")


def _circle(ra: float, dec: float, radius: float) -> Circle:
    _check(ra, dec)
    if not 0 < radius <= 180:
        raise BadValue(f"the radius is {radius:g}; it must lie in 0 to 180 degrees")
    return Circle(ra, dec, radius)


def _range(left: float, right: float, low: float, high: float) -> Range:
    if not (0 <= left <= right <= 360 and -90 <= low <= high <= 90):
        raise BadValue(
            f"the range is {left:g} to {right:g}, {low:g} to {high:g}; both must rise, within 0 to "
            "360 and -90 to 90 degrees"
        )
    return Range(left, right, low, high)


def _polygon(numbers: Sequence[float]) -> Polygon:
    corners = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    for corner in corners:
        _check(*corner)
    try:
        circle_round(corners)
    except ValueError as error:
        raise BadValue(str(error)) from error
    return Polygon(corners)


def _check(ra: float, dec: float) -> None:
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise BadValue(f"{ra:g} {dec:g} is no place: 0 to 360 and -90 to 90 degrees are")
