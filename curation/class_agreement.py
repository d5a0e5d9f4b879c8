"""What labels are worth together: the model of Dawid and Skene for several classes, on arrays."""

from dataclasses import dataclass

import numpy as np

from curation.agreement import (
    CONVERGED,
    MOST_STEPS,
    PRIOR_PREVALENCE,
    PRIOR_RIGHT,
    PRIOR_WRONG,
    FloatArray,
    IntArray,
)


@dataclass(frozen=True)
class ClassVotes:
    """Labels, one array element each.

    Attributes
    ----------
    item : (n,) int array
        Which detection, 0 to items - 1.
    person : (n,) int array
        Whose, 0 to people - 1.
    label : (n,) int array
        Which label, 0 to labels - 1.
    labels : int
        How many there are, two at least.
    """

    item: IntArray
    person: IntArray
    label: IntArray
    labels: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together, and labels that nothing tells apart."""
        lengths = {len(self.item), len(self.person), len(self.label)}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError(f"arrays of labels have lengths {sorted(lengths)}: one is needed")
        if self.labels < 2 or not np.all((self.label >= 0) & (self.label < self.labels)):
            raise ValueError(f"labels must be 0 to {self.labels - 1}, of two kinds at least")


def class_probabilities(votes: ClassVotes) -> FloatArray:
    """Weigh labels by how reliable each person turns out to be with each of them.

    Expectation and maximisation with weak priors, from the shares of each item's votes: as if
    each person had been seen right twice and wrong once with each class, the wrong word spread
    over all others. With two classes it is :func:`curation.agreement.dawid_skene`.

    Returns
    -------
    (items, labels) float array
        Probabilities; each row sums to 1.

    References
    ----------
    Dawid & Skene 1979, Applied Statistics 28, 20, eqs. 2.3-2.5.
    """
    probability = _shares(votes)
    for _ in range(MOST_STEPS):
        confusion, prevalence = _reliability(votes, probability)
        after = _expectation(votes, confusion, prevalence)
        moved = float(np.abs(after - probability).max())
        probability = after
        if moved < CONVERGED:
            break
    return probability


def _shares(votes: ClassVotes) -> FloatArray:
    items = int(votes.item.max()) + 1
    cells = np.bincount(votes.item * votes.labels + votes.label, minlength=items * votes.labels)
    table = cells.reshape(items, votes.labels).astype(float)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _reliability(votes: ClassVotes, probability: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give what people say of each class, (people, true label, said label), and the prevalence."""
    labels, people = votes.labels, int(votes.person.max()) + 1
    cell = votes.person * labels + votes.label
    said = [np.bincount(cell, share, people * labels) for share in probability[votes.item].T]
    counts = np.stack([each.reshape(people, labels) for each in said], axis=1)
    prior = np.full((labels, labels), PRIOR_WRONG / (labels - 1))
    np.fill_diagonal(prior, PRIOR_RIGHT)
    counts = counts + prior
    prevalence = probability.sum(axis=0) + PRIOR_PREVALENCE
    return counts / counts.sum(axis=2, keepdims=True), prevalence / prevalence.sum()


def _expectation(votes: ClassVotes, confusion: FloatArray, prevalence: FloatArray) -> FloatArray:
    words = np.log(confusion)[votes.person, :, votes.label]
    items = int(votes.item.max()) + 1
    logs = np.stack([np.bincount(votes.item, column, items) for column in words.T], axis=1)
    logs += np.log(prevalence)
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
