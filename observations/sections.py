"""Sections of a detector as FITS headers write them: ``[x1:x2,y1:y2]``, from 1, ends included."""

import re
from dataclasses import dataclass
from typing import Self

WRITTEN = re.compile(r"\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]")


@dataclass(frozen=True)
class Section:
    """A rectangle of pixels, 0-based and half open; ``flip`` says that an axis runs backwards.

    References
    ----------
    NOAO "FITS keywords for mosaic data" (BIASSEC, TRIMSEC, DATASEC, CCDSEC, DETSEC).
    """

    left: int
    right: int
    bottom: int
    top: int
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a section.

        Raises
        ------
        ValueError
            If the text is no section, or begins before the first pixel.
        """
        found = WRITTEN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no section such as [1:2048,1:4096]")
        x1, x2, y1, y2 = map(int, found.groups())
        if min(x1, x2, y1, y2) < 1:
            raise ValueError(f"{text!r} begins before pixel 1, the first of FITS")
        (left, right), (bottom, top) = sorted((x1, x2)), sorted((y1, y2))
        return cls(left - 1, right, bottom - 1, top, x1 > x2, y1 > y2)

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Self:
        """Give the section that is all of an array of ``shape``."""
        return cls(0, shape[1], 0, shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.top - self.bottom, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index the pixels of the section in an array ``[y, x]``."""
        return slice(self.bottom, self.top), slice(self.left, self.right)

    def within(self, shape: tuple[int, int]) -> bool:
        """Say whether an array of ``shape`` has all of it."""
        return self.top <= shape[0] and self.right <= shape[1]

    def __str__(self) -> str:
        x, y = (self.left + 1, self.right), (self.bottom + 1, self.top)
        x, y = x[::-1] if self.flip_x else x, y[::-1] if self.flip_y else y
        return f"[{x[0]}:{x[1]},{y[0]}:{y[1]}]"
