"""Tasks that look alike, so that one page holds one kind of artifact."""

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from curation.models import Order, ReviewTaskQuerySet

AMONG = 600  # tasks of the highest scores that are compared with the first of them


def alike(free: ReviewTaskQuerySet, number: int) -> list[UUID]:
    """Give the task of the highest score and those that look most like it to the network.

    Likeness is the cosine between embeddings. Tasks without one come last, by score; so do all
    where the network that judged the first gave none.
    """
    rows = free.in_order(Order.SIMILARITY).values_list("pk", "detection__embedding")[:AMONG]
    tasks, embeddings = zip(*rows, strict=True) if rows else ((), ())
    likeness = likeness_to_first(list(embeddings))
    # a stable sort: alike ones keep the order of their scores
    order = np.argsort(-likeness, kind="stable")[:number]
    return [tasks[place] for place in order.tolist()]


def likeness_to_first(embeddings: list[NDArray[np.float16] | None]) -> NDArray[np.float64]:
    """Give the cosine of each embedding with the first; -2, less than any, where there is none."""
    likeness = np.full(len(embeddings), -2.0)
    if not embeddings or embeddings[0] is None:
        return likeness
    first = _unit(embeddings[0])
    for place, embedding in enumerate(embeddings):
        if embedding is not None and embedding.shape == first.shape:
            likeness[place] = float(_unit(embedding) @ first)
    return likeness


def _unit(embedding: NDArray[np.float16]) -> NDArray[np.float64]:
    values = embedding.astype(float)
    length = float(np.linalg.norm(values))
    return values / length if length else values
