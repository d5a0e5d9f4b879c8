"""From the network's peak probability to a confidence that means what it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

FloatArray = NDArray[np.floating]

# float32 sigmoids saturate; beyond this logit (p = 1e-6) nothing can be told apart.
LARGEST_LOGIT = 13.8
SMALLEST_SLOPE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """A straight line in logits: confidence = sigmoid(slope * logit(p) + intercept).

    The slope is positive, so calibration never changes the order of two candidates.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a calibration that would turn the order round."""
        if not (np.isfinite(self.slope) and self.slope > 0 and np.isfinite(self.intercept)):
            raise ValueError(
                f"slope {self.slope} and intercept {self.intercept}: the slope must be positive"
            )

    def __call__(self, probability: FloatArray) -> NDArray[np.float64]:
        """Give confidences, strictly inside 0 to 1, for probabilities in 0 to 1."""
        return np.asarray(special.expit(self.slope * logit(probability) + self.intercept))


def logit(probability: FloatArray) -> NDArray[np.float64]:
    """Give the log odds, kept within what float32 can tell."""
    return np.clip(special.logit(np.asarray(probability, float)), -LARGEST_LOGIT, LARGEST_LOGIT)


def fit_calibration(
    probability: FloatArray, is_real: NDArray[np.bool_], *, prior: float | None = None
) -> Calibration:
    """Fit the calibration that makes the labels most likely.

    Parameters
    ----------
    probability : (n,) array
        Peak probabilities of candidates that the network was not trained on.
    is_real : (n,) bool array
    prior : float, optional
        Share of real ones that the confidences shall hold for; that of the sample by default.

    Raises
    ------
    ValueError
        If one of the two kinds is missing.

    References
    ----------
    Platt 1999, with his smoothed targets, which keep separable samples finite.
    """
    real, bogus = int(is_real.sum()), int((~is_real).sum())
    if real == 0 or bogus == 0:
        raise ValueError(f"{real} real and {bogus} bogus candidates: calibration needs both")
    target = np.where(is_real, (real + 1) / (real + 2), 1 / (bogus + 2))
    odds = logit(probability)
    share = real / (real + bogus) if prior is None else prior
    weight = np.where(is_real, share / real, (1 - share) / bogus)

    def loss(line: FloatArray) -> float:
        z = line[0] * odds + line[1]
        return float(np.sum(weight * (np.logaddexp(0, z) - target * z)))

    bounds = [(SMALLEST_SLOPE, None), (None, None)]
    fitted = optimize.minimize(loss, np.array([1.0, 0.0]), bounds=bounds, method="L-BFGS-B")
    return Calibration(slope=float(fitted.x[0]), intercept=float(fitted.x[1]))
