"""Which sources of two frames look like single stars, also where cosmic rays outnumber stars."""

import numpy as np

from differencing.psf.match import ENOUGH_SHARED, pair_sources
from differencing.psf.stars import Sources, select_stars
from differencing.subtraction.noise import BoolArray

LEAST_SHOWN = 0.5  # of the likely stars of one frame that the other shows: else they are doubted
TIMES_MORE = 2  # sources that both show must be in another clump of sizes for it to be preferred


def likely_in_both(
    found: tuple[Sources, Sources], shape: tuple[int, int], *, margin: float, radius: float
) -> tuple[BoolArray, BoolArray]:
    """Mark the sources of two frames that look like single stars in their own frame.

    Cosmic rays and hot pixels may be the most common size of a frame with few stars, but hardly
    any is seen twice. Where the other frame shows less than half of the likely stars of one, and
    what both show has a clump of sizes with more of them, that clump is the stars'.

    Parameters
    ----------
    found : pair of Sources
    shape : (ny, nx)
        Of the frames, px.
    margin : float
        Of :func:`differencing.psf.stars.select_stars`.
    radius : float
        Of :func:`differencing.psf.match.pair_sources`.
    """
    pairs = pair_sources(found[0], found[1], radius=radius)
    first, second = (
        _likely(sources, np.isin(np.arange(len(sources)), paired), shape, margin)
        for sources, paired in zip(found, pairs, strict=True)
    )
    return first, second


def _likely(
    sources: Sources, is_shown: BoolArray, shape: tuple[int, int], margin: float
) -> BoolArray:
    """Mark the likely stars of a frame; ``is_shown`` says what the other one shows, too."""
    alone = select_stars(sources, shape, margin=margin)
    confirmed = int((alone & is_shown).sum())
    if confirmed >= LEAST_SHOWN * alone.sum():
        return alone
    both = np.zeros_like(alone)
    both[is_shown] = select_stars(sources.chosen(is_shown), shape, margin=margin)
    return both if both.sum() >= max(ENOUGH_SHARED, TIMES_MORE * confirmed) else alone
