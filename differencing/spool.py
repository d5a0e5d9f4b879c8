"""Many frames at once without their pixels in memory."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preprocessing.calibrated import PLANES, CalibratedFrame


def spool(frames: Iterable[CalibratedFrame], folder: Path) -> list[CalibratedFrame]:
    """Give the frames with their planes mapped from files in ``folder``, one after the other."""
    return [spooled(frame, f"{folder / str(number)}") for number, frame in enumerate(frames)]


def spooled(frame: CalibratedFrame, stem: str) -> CalibratedFrame:
    """Give a frame with its planes mapped from files that begin with ``stem``."""
    planes: dict[str, Any] = {
        name: mapped(getattr(frame, name), Path(f"{stem}_{name}.npy")) for name in PLANES.values()
    }
    return replace(frame, **planes)


def mapped(values: NDArray, path: Path) -> NDArray:
    """Write an array to a file and give it back as a map of that file."""
    np.save(path, values)
    # Copy on write: sep takes no buffer that it might not write to.
    return np.asanyarray(np.load(path, mmap_mode="c"))
