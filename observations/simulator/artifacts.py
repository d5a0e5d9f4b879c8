"""Per-pixel truth for training a network."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from observations.simulator.psf import PsfField
from observations.simulator.truth import Source


def truth_mask(
    shape: tuple[int, int],
    sources: Iterable[Source],
    psf: PsfField,
    *,
    min_snr: float = 5.0,
    radius_fwhm: float = 0.75,
) -> npt.NDArray[np.uint8]:
    """Mark the cores of the sources that changed.

    Parameters
    ----------
    shape : (ny, nx)
    sources : iterable of Source
        Those on masked pixels and those with ``|snr| < min_snr`` are left out.
    psf : PsfField
        Gives the FWHM at each source.
    radius_fwhm : float
        Radius of a core in units of the local FWHM.

    Returns
    -------
    (ny, nx) uint8 array
        1 in a core of either sign, else 0.
    """
    mask = np.zeros(shape, dtype=np.uint8)
    for source in sources:
        if not source.is_masked and abs(source.snr) >= min_snr:
            fwhm = float(psf.shapes(np.array([source.x]), np.array([source.y]))[0][0])
            mark_disc(mask, source.x, source.y, radius_fwhm * fwhm)
    return mask


def mark_disc(mask: npt.NDArray[np.uint8], x: float, y: float, radius: float) -> None:
    """Set to 1, in place, the pixels whose centres lie within ``radius`` px of (x, y)."""
    x0, y0 = max(int(x - radius), 0), max(int(y - radius), 0)
    part = mask[y0 : int(y + radius) + 2, x0 : int(x + radius) + 2]
    rows, columns = np.indices(part.shape)
    part[np.hypot(columns + x0 - x, rows + y0 - y) <= radius] = 1
