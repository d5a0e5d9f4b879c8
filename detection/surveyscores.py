"""A network beside the scores that a survey's own networks gave to the same stamps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.comparison import Pair, compare
from detection.metrics import BoolArray, FloatArray

WORDS = {"champion": "survey", "challenger": "network", "difference": "difference"}


def beside_survey(
    confidence: FloatArray,
    is_real: BoolArray,
    objects: NDArray | None,
    scores: Mapping[str, FloatArray],
) -> dict[str, Any]:
    """Measure confidences and scores of a survey in pairs, on the stamps that have both.

    Parameters
    ----------
    confidence : (n,) array
        Of the network.
    is_real : (n,) bool array
    objects : (n,) array or None
        Which stamps show one object.
    scores : dict of str to (n,) array
        By name, 0 to 1; NaN where the survey gave none.

    Returns
    -------
    dict
        Per score the number of real and bogus stamps and, per figure, ``survey``, ``network`` and
        ``difference`` (network minus survey), each with its 95 % interval; only the counts where
        one kind is missing.
    """
    found = {}
    for name, score in scores.items():
        known = np.isfinite(score)
        groups = None if objects is None else objects[known]
        found[name] = _beside(Pair(score[known], confidence[known], is_real[known], groups))
    return found


def _beside(pair: Pair) -> dict[str, Any]:
    counts = {"real": int(pair.is_real.sum()), "bogus": int((~pair.is_real).sum())}
    figures = compare(pair) if all(counts.values()) else {}
    return counts | {
        figure: {WORDS[who]: found for who, found in values.items()}
        for figure, values in figures.items()
    }


def in_words(beside: dict[str, Any]) -> str:
    """Say in one line how the network does beside one of the survey's scores."""
    counts = f"{beside['real']} real, {beside['bogus']} bogus"
    if "auc" not in beside:
        return f"the survey's score is known of {counts}: nothing can be compared"
    change = beside["auc"]["difference"]
    return (
        f"AUC {beside['auc']['survey']['value']:.4f} of the survey, network {change['value']:+.4f} "
        f"[{change['low']:+.4f}, {change['high']:+.4f}] on the same {counts}"
    )
