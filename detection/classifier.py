"""Judge candidates by their stamps: how real, how sure, of which class, and what was seen."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detection.ensemble import Judged, Places, joined, spread_out, weigh
from detection.stampnet import serving, sight
from detection.stampnet.sight import Views
from detection.stampnet.stamps import Stamps, unlabelled
from detection.weights import Weights
from detection.windows import windows

FloatArray = NDArray[np.floating]
FloatImage = NDArray[np.float32]

# Stamps that go through at once, the last ones with blank company: one shape, planned once.
BATCH = 64


def judge_frame(weights: Weights, stack: FloatImage, places: Places, *, fwhm: float) -> Judged:
    """Judge the candidates of one frame; memory is bounded by the batch, not by their number.

    Parameters
    ----------
    weights : Weights
        Of a classifier.
    stack : (ny, nx, 4) float32 array
        From :func:`detection.normalise.channels`.
    places : Places
        Inside the frame.
    fwhm : float
        Seeing of the difference, px.

    Raises
    ------
    ValueError
        If a place lies outside the frame.
    """
    parts = [
        judge_batch(weights, stamps_of(stack, places.chosen(rows), fwhm))
        for rows in batches(len(places))
    ]
    return joined(parts) if parts else answer(weights, None)


def stamps_of(stack: FloatImage, places: Places, fwhm: float) -> Stamps:
    """Cut the stamps of candidates; the difference of what fades is turned round."""
    sign = np.where(places.is_negative, -1.0, 1.0)
    planes = windows(stack, places.x, places.y)
    planes[:, 2] *= sign[:, None, None].astype(np.float32)
    return unlabelled(planes, np.full(len(places), fwhm), sign=sign, history=places.history)


def judge_stamps(weights: Weights, stamps: Stamps) -> Judged:
    """Judge stamps that come without their frames."""
    parts = [
        judge_batch(weights, stamps.chosen(np.arange(len(stamps))[rows]))
        for rows in batches(len(stamps))
    ]
    return joined(parts) if parts else answer(weights, None)


def batches(count: int) -> Iterator[slice]:
    """Give the rows of each batch."""
    for start in range(0, count, BATCH):
        yield slice(start, start + BATCH)


def judge_batch(weights: Weights, stamps: Stamps) -> Judged:
    """Judge at most ``BATCH`` stamps; what cannot be judged does not disturb the others."""
    views, faults = seen(stamps)
    return spread_out(answer(weights, views), faults)


def seen(stamps: Stamps) -> tuple[Views | None, list[str]]:
    """Give the views of the stamps that can be judged, and why the others cannot."""
    try:
        return sight.look(stamps), [""] * len(stamps)
    except ValueError:
        faults = [fault_of(stamps.chosen(np.array([row]))) for row in range(len(stamps))]
    good = np.flatnonzero([fault == "" for fault in faults])
    return (sight.look(stamps.chosen(good)) if good.size else None), faults


def fault_of(stamp: Stamps) -> str:
    """Say why a single stamp cannot be judged; empty where it can."""
    try:
        sight.look(stamp)
    except ValueError as error:
        return str(error)
    return ""


def answer(weights: Weights, views: Views | None) -> Judged:
    """Run the network on at most ``BATCH`` views; on none, give an answer without rows."""
    count = 0 if views is None else len(views)
    full = Views(**{name: filled_up(views, name) for name in sight.INPUTS})
    real, kinds, embedding = (output[:count] for output in serving.answers(weights, full))
    return weigh(real, kinds, embedding, weights.card.calibration)


def filled_up(views: Views | None, name: str) -> FloatImage:
    """Give a batch of full size, blank rows behind those that there are."""
    whole = np.zeros((BATCH, *sight.INPUTS[name]), np.float32)
    if views is not None:
        whole[: len(views)] = getattr(views, name)
    return whole
