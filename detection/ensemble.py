"""From what the members of an ensemble say to one answer, its uncertainty and its classes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import special

from detection.calibration import Calibration

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Judged:
    """What an ensemble says of stamps; one row each, NaN in those that it could not judge.

    Attributes
    ----------
    confidence : (n,) array
        Calibrated probability of being real.
    uncertainty : (n,) array
        Standard deviation of that probability over the members.
    kinds : (n, k) array
        Probability of each class if it is real; they sum to 1.
    embedding : (n, d) float32 array
    fault : (n,) array of str
        Why a stamp could not be judged; empty where it was.
    """

    confidence: FloatArray
    uncertainty: FloatArray
    kinds: FloatArray
    embedding: NDArray[np.float32]
    fault: NDArray[np.str_]

    def __len__(self) -> int:
        """Count the stamps."""
        return len(self.confidence)


def weigh(
    real: FloatArray, kinds: FloatArray, embedding: FloatArray, calibration: Calibration
) -> Judged:
    """Take the members together.

    Parameters
    ----------
    real : (n, members) array
        Log odds of being real.
    kinds : (n, members, k) array
        Log odds of the classes.
    embedding : (n, d) array
    calibration : Calibration
        From the mean probability to confidence; the members' own answers go through it too, so
        that the uncertainty is in the units of the confidence.

    References
    ----------
    Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS, arXiv:1612.01474: the mean of the members
    is the answer, their spread its uncertainty.
    """
    each = special.expit(np.asarray(real, np.float64))
    shares = special.softmax(np.asarray(kinds, np.float64), axis=-1).mean(axis=1)
    return Judged(
        confidence=calibration(each.mean(axis=1)),
        uncertainty=calibration(each).std(axis=1),
        kinds=shares,
        embedding=np.asarray(embedding, np.float32),
        fault=np.full(len(each), "", str),
    )


def by_confidence(confidence: FloatArray) -> Judged:
    """Give the answer of a network that has one member, no classes and no embedding."""
    count = len(confidence)
    return Judged(
        confidence=confidence,
        uncertainty=np.full(count, np.nan),
        kinds=np.zeros((count, 0)),
        embedding=np.zeros((count, 0), np.float32),
        fault=np.full(count, "", str),
    )


def spread_out(judged: Judged, faults: Sequence[str] | NDArray[np.str_]) -> Judged:
    """Give one row per stamp again, where only those without a fault were judged.

    Parameters
    ----------
    judged : Judged
        Rows of the stamps without a fault, in their order; they may have faults of their own.
    faults : sequence of str
        One per stamp.
    """
    is_good = np.array([fault == "" for fault in faults], bool)
    own = iter(judged.fault.tolist())
    fault = np.array([each or next(own) for each in faults], str)
    columns = {}
    for column in fields(judged)[:-1]:
        values = getattr(judged, column.name)
        whole = np.full((len(fault), *values.shape[1:]), np.nan, values.dtype)
        whole[is_good] = values
        columns[column.name] = whole
    return Judged(**columns, fault=fault)


def joined(parts: Sequence[Judged]) -> Judged:
    """Put the rows of several answers one after the other."""
    columns = ([getattr(part, column.name) for part in parts] for column in fields(Judged))
    return Judged(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class Places:
    """Candidates of a frame; one array element each.

    Attributes
    ----------
    x, y : (n,) arrays
        px from 0.
    is_negative : (n,) bool array
        Fainter than in the reference.
    history : (n,) array, optional
        Detections at the place so far, this one included; NaN where that is not known.
    """

    x: FloatArray
    y: FloatArray
    is_negative: NDArray[np.bool_]
    history: FloatArray | None = None

    def __len__(self) -> int:
        """Count them."""
        return len(self.x)

    def chosen(self, rows: slice | NDArray[np.bool_]) -> "Places":
        """Give some of them."""
        history = None if self.history is None else self.history[rows]
        return Places(self.x[rows], self.y[rows], self.is_negative[rows], history)
