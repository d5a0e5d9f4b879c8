"""Shift, turn, scale and mirror: the map between frames of one field, distortions aside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class Similarity:
    """``turn * z + shift`` of complex positions x + iy, of their conjugates when mirrored."""

    turn: complex
    shift: complex
    is_mirrored: bool

    def __call__(self, places: Floats) -> Floats:
        """Give the (n, 2) places on the other frame."""
        return pairs_of(self.turn * complex_of(places, self.is_mirrored) + self.shift)

    @property
    def scale(self) -> float:
        """Pixels of the second frame per pixel of the first."""
        return abs(self.turn)

    @property
    def rotation_deg(self) -> float:
        """Angle from the first frame's x axis to the second's, counter-clockwise, -180 to 180."""
        return float(np.degrees(np.angle(self.turn)))


def fit_similarity(known: Floats, found: Floats, *, is_mirrored: bool) -> Similarity:
    """Give the least-squares similarity of paired points."""
    here, there = complex_of(known, is_mirrored), complex_of(found)
    arms = here - here.mean()
    turn = complex((arms.conj() * there).sum() / max((np.abs(arms) ** 2).sum(), 1e-9))
    return Similarity(turn, complex(there.mean() - turn * here.mean()), is_mirrored)


def complex_of(places: Floats, is_mirrored: bool = False) -> Complexes:
    """Give x + iy, or its conjugate."""
    return places[..., 0] + (-1j if is_mirrored else 1j) * places[..., 1]


def pairs_of(points: Complexes) -> Floats:
    """Give (n, 2) x and y."""
    return np.column_stack([points.real, points.imag])
