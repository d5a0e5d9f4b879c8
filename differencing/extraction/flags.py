"""What speaks against candidates, in words, and which come first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from differencing.extraction.extract import Candidates
from differencing.extraction.forced import names_of

# A blend is a source like others: the word is shown, but it speaks against nothing.
DOUBTFUL = {
    "is_saturated": "saturated",
    "is_edge": "edge",
    "is_dipole": "dipole",
    "near_bright_star": "near bright star",
}
MANY = 5  # candidates, of which a share says something about the frames
MOST = 0.5


def is_flagged(candidates: Candidates) -> NDArray[np.bool_]:
    """Tell which candidates touch masked pixels, saturated or bright stars, edges, or are dipoles.

    Returns
    -------
    (n,) bool array
    """
    return np.asarray(
        (candidates["mask_bits"] != 0) | np.any([candidates[name] for name in DOUBTFUL], axis=0)
    )


def clean_first(candidates: Candidates) -> NDArray[np.intp]:
    """Give the order in which candidates are shown: without flags first, then by significance.

    Returns
    -------
    (n,) array of indices
    """
    return np.lexsort((-candidates["significance"], is_flagged(candidates)))


def words_of(row: Any) -> str:
    """Name the flags of one candidate: "dipole, COSMIC_RAY"; empty for none."""
    words = [word for name, word in DOUBTFUL.items() if row[name]]
    words += ["blended"] if row["is_blended"] else []
    bits = names_of(int(row["mask_bits"]))
    return ", ".join(words + ([bits] if bits else []))


def warnings_of(candidates: Candidates) -> list[str]:
    """Say when most candidates are flagged: the frames are bad there, not the sky variable."""
    flagged = int(is_flagged(candidates).sum())
    if len(candidates) < MANY or flagged <= MOST * len(candidates):
        return []
    masked = int(np.count_nonzero(candidates["mask_bits"]))
    return [
        f"{flagged} of {len(candidates)} candidates are flagged ({masked} touch masked pixels): "
        "look for damaged pixels, saturated stars or a bad mask in the frames"
    ]
