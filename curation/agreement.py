"""How far people agree, and what their verdicts are worth together: plain functions on arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer]
FloatArray = NDArray[np.floating]

MOST_STEPS = 200
CONVERGED = 1e-7
# Of each curator's figures: as if two right and one wrong answer had been seen before of each
# kind. It keeps those with few votes from counting as perfect, and fixes which class is which.
PRIOR_RIGHT, PRIOR_WRONG = 2.0, 1.0
PRIOR_PREVALENCE = 1.0  # pseudo-counts of each class
Z_95 = 1.959963984540054  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Votes:
    """Verdicts, one array element each.

    Attributes
    ----------
    item : (n,) int array
        Which detection, 0 to items - 1.
    person : (n,) int array
        Whose, 0 to people - 1.
    is_real : (n,) bool array
    """

    item: IntArray
    person: IntArray
    is_real: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        lengths = {len(self.item), len(self.person), len(self.is_real)}
        if len(lengths) != 1:
            raise ValueError(f"arrays of votes have lengths {sorted(lengths)}: one is needed")


@dataclass(frozen=True)
class Posterior:
    """What the model of Dawid and Skene says.

    Attributes
    ----------
    probability : (items,) float array
        That each is real.
    sensitivity, specificity : (people,) float array
        Share of the real ones that a person calls real, of the bogus ones that they call bogus.
    prevalence : float
        Share of real ones.
    iterations : int
        Steps until nothing moved any more.
    """

    probability: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    prevalence: float
    iterations: int


def dawid_skene(votes: Votes) -> Posterior:
    """Weigh verdicts by how reliable each person turns out to be, without any known truth.

    Expectation and maximisation of the two-class model with weak priors, from the majority of
    each item's votes; one result for one set of votes, in whatever order.

    Raises
    ------
    ValueError
        If there is no vote.

    References
    ----------
    Dawid & Skene 1979, Applied Statistics 28, 20, eqs. 2.3-2.5.
    """
    if len(votes.item) == 0:
        raise ValueError("no vote: there is nothing to weigh")
    now = _step(votes, _majority(votes), 0)
    while now.iterations < MOST_STEPS:
        after = _step(votes, now.probability, now.iterations)
        moved = float(np.abs(after.probability - now.probability).max())
        now = after
        if moved < CONVERGED:
            break
    return now


def _step(votes: Votes, probability: FloatArray, iterations: int) -> Posterior:
    sensitivity, specificity, prevalence = _reliability(votes, probability)
    after = _expectation(votes, sensitivity, specificity, prevalence)
    return Posterior(after, sensitivity, specificity, prevalence, iterations + 1)


def _majority(votes: Votes) -> FloatArray:
    real = np.bincount(votes.item, votes.is_real)
    return np.asarray(real / np.bincount(votes.item))


def _reliability(votes: Votes, probability: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    is_real = probability[votes.item]
    right_real = np.bincount(votes.person, is_real * votes.is_real)
    right_bogus = np.bincount(votes.person, (1 - is_real) * ~votes.is_real)
    real = np.bincount(votes.person, is_real)
    bogus = np.bincount(votes.person, 1 - is_real)
    before = PRIOR_RIGHT + PRIOR_WRONG
    prevalence = (probability.sum() + PRIOR_PREVALENCE) / (len(probability) + 2 * PRIOR_PREVALENCE)
    return (
        (right_real + PRIOR_RIGHT) / (real + before),
        (right_bogus + PRIOR_RIGHT) / (bogus + before),
        float(prevalence),
    )


def _expectation(
    votes: Votes, sensitivity: FloatArray, specificity: FloatArray, prevalence: float
) -> FloatArray:
    yes = np.log(sensitivity / (1 - specificity))[votes.person]
    no = np.log((1 - sensitivity) / specificity)[votes.person]
    odds = np.bincount(votes.item, np.where(votes.is_real, yes, no))
    return np.asarray(1 / (1 + np.exp(-(odds + np.log(prevalence / (1 - prevalence))))))


def cohen_kappa(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Give how far two people agree beyond chance, on what both judged.

    Returns
    -------
    float
        1 for full agreement, 0 for chance; NaN where both always said the same one word, so that
        chance alone would agree.

    Raises
    ------
    ValueError
        If there is nothing that both judged, or the lengths differ.

    References
    ----------
    Cohen 1960, Educational and Psychological Measurement 20, 37, eq. 1.
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"{len(first)} and {len(second)} verdicts: the same items are needed")
    observed = float(np.mean(first == second))
    share = float(np.mean(first)), float(np.mean(second))
    chance = share[0] * share[1] + (1 - share[0]) * (1 - share[1])
    return (observed - chance) / (1 - chance) if chance < 1 else float("nan")


def krippendorff_alpha(votes: Votes) -> float:
    """Give how far all agree beyond chance, whoever judged what; nominal.

    Returns
    -------
    float
        1 for full agreement, 0 for chance; NaN where no item has two votes, or only one word was
        ever said.

    References
    ----------
    Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section C.
    """
    number = np.bincount(votes.item)
    real = np.bincount(votes.item, votes.is_real)
    paired = number >= 2
    number, real = number[paired], real[paired]
    total = float(number.sum())
    disagreeing = float((2 * real * (number - real) / (number - 1)).sum()) if total else 0.0
    said = float(real.sum())
    expected = 2 * said * (total - said)
    return 1 - (total - 1) * disagreeing / expected if expected else float("nan")


def wilson(right: int, number: int) -> tuple[float, float]:
    """Give the 95 % interval of a share; all of 0 to 1 where nothing was seen.

    References
    ----------
    Wilson 1927, JASA 22, 209.
    """
    if number == 0:
        return 0.0, 1.0
    share, z2 = right / number, Z_95**2
    centre = (share + z2 / (2 * number)) / (1 + z2 / number)
    half = Z_95 * np.sqrt(share * (1 - share) / number + z2 / (4 * number**2)) / (1 + z2 / number)
    # a share of 0 or 1 ends there exactly; rounding must not leave the interval open
    low = 0.0 if right == 0 else float(centre - half)
    high = 1.0 if right == number else float(centre + half)
    return low, high
