"""Times as phases of a period."""

import numpy as np
import numpy.typing as npt

from lightcurves.analysis.points import Reals, check_above_zero


def fold(times: npt.ArrayLike, *, period: float, epoch: float = 0.0, wrap: float = 1.0) -> Reals:
    """Give the phase of each time.

    Parameters
    ----------
    times : (n,) array
        In any order, any unit; NaN stays NaN.
    period : float
        Unit of ``times``.
    epoch : float
        A time of phase 0, on the scale of ``times``.
    wrap : float
        Phases lie from ``wrap - 1`` to below ``wrap``: 1 gives 0 to 1, 0.5 puts phase 0, a
        transit say, in the middle.

    Returns
    -------
    (n,) array
        Parts of a period.

    Raises
    ------
    ValueError
        If the period is not above 0, or epoch or wrap are not finite.

    Notes
    -----
    Barycentric Julian dates of some 2.4 million d in 64 bits resolve 5e-10 d, so that phases of
    a period of 0.1 d are good to 5e-9.
    """
    check_above_zero("period", period)
    for name, value in (("epoch", epoch), ("wrap", wrap)):
        if not np.isfinite(value):
            raise ValueError(f"{name} is {value}; it must be finite")
    low = wrap - 1
    turns = (np.asarray(times, np.float64) - epoch) / period - low
    phases: Reals = turns - np.floor(turns)
    # A time just before phase 0 is rounded up to a full turn.
    return np.where(phases >= 1, 0.0, phases) + low
