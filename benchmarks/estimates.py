"""Figures with their uncertainty."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

TWO_SIDED_95 = 1.959963984540054  # Phi^-1(0.975)
MAD_TO_SIGMA = 1.482602218505602  # 1 / Phi^-1(3/4)
MEDIAN_TO_MEAN_ERROR = 1.2533141373155  # sqrt(pi / 2): error of a median over that of a mean


def wilson(found: int, asked: int) -> tuple[float, float]:
    """Give the 95 % interval of a share of which ``found`` out of ``asked`` were seen.

    Raises
    ------
    ValueError
        If nothing was asked.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209.
    """
    if asked < 1:
        raise ValueError(f"a share of {asked} trials has no interval")
    share, square = found / asked, TWO_SIDED_95**2
    middle = (share + square / (2 * asked)) / (1 + square / asked)
    spread = share * (1 - share) / asked + square / (4 * asked**2)
    half = TWO_SIDED_95 * float(np.sqrt(spread)) / (1 + square / asked)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def robust_sigma(values: FloatArray) -> float:
    """Give the standard deviation of the Gaussian with the same median absolute deviation.

    Raises
    ------
    ValueError
        If there are no values.
    """
    if len(values) == 0:
        raise ValueError("no values have no scatter")
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def median_with_error(values: FloatArray) -> tuple[float, float]:
    """Give the median and its standard error, for values that scatter like a Gaussian.

    Raises
    ------
    ValueError
        If there are no values.
    """
    if len(values) == 0:
        raise ValueError("no values have no median")
    error = MEDIAN_TO_MEAN_ERROR * robust_sigma(values) / np.sqrt(len(values))
    return float(np.median(values)), float(error)
