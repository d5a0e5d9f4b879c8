"""Rows of ours near the positions of a table, a piece of the sky at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import QuerySet

from astrid.core import crossmatch
from astrid.core.healpix import healpix
from catalog.crossmatch.errors import BadCrossmatch
from catalog.crossmatch.sent import Sent
from catalog.exports.listed import ListedRows
from catalog.vo.adql.schema import Column
from catalog.vo.describe import Source, statement_of
from catalog.vo.votable import distinct

PIECE = 10_000  # positions matched at once: what lies near them is in memory
FETCHED = 5000
MOST_MATCHES = 1_000_000
SEPARATION = Column(
    "separation_arcsec", "double", "Distance of the two positions.", "arcsec", "pos.angDistance"
)

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Target:
    """What is matched with: the rows that the caller may see, and the columns that are given.

    The first of the columns is the key of the row.
    """

    rows: QuerySet[Any]
    sources: Sequence[Source]


@dataclass(frozen=True)
class Matches:
    """Pairs of a position of the table and a row of ours, by position, the nearest first."""

    index: npt.NDArray[np.intp]
    separation_deg: npt.NDArray[np.float64]
    rows: list[tuple[Any, ...]]


def matched(
    sent: Sent, target: Target, radius_deg: float, *, is_best: bool, progress: Progress
) -> ListedRows:
    """Match a table; give its columns beside those of the target, and the separation.

    Raises
    ------
    BadCrossmatch
        If there are too many matches.
    """
    found: list[Matches] = []
    done = 0
    for piece in pieces(sent):
        left = MOST_MATCHES - sum(one.index.size for one in found)
        found.append(_of_piece(sent, piece, target, radius_deg, left, is_best=is_best))
        done += piece.size
        progress(done)
    return _beside(sent, target, found)


def pieces(sent: Sent) -> Iterator[npt.NDArray[np.intp]]:
    """Give the rows that have a place, some at a time, each lot in one part of the sky."""
    placed = np.flatnonzero(sent.is_placed)
    ordered = placed[np.argsort(healpix(sent.ra[placed], sent.dec[placed]), kind="stable")]
    for start in range(0, ordered.size, PIECE):
        yield ordered[start : start + PIECE]


def _of_piece(
    sent: Sent,
    piece: npt.NDArray[np.intp],
    target: Target,
    radius_deg: float,
    most: int,
    *,
    is_best: bool,
) -> Matches:
    model: Any = target.rows.model
    try:
        index, keys, apart = crossmatch.pairs(
            model, sent.ra[piece], sent.dec[piece], radius_deg, most=most
        )
    except ValueError as error:
        raise BadCrossmatch(
            f"{error}: ask for a smaller radius or a smaller table", "radius"
        ) from error
    order = np.lexsort((apart, index))
    index, keys, apart = index[order], keys[order], apart[order]
    seen = _fetched(target, [crossmatch.key_of(model, key) for key in np.unique(keys)])
    rows = [seen.get(crossmatch.key_of(model, key)) for key in keys]
    kept = np.flatnonzero([row is not None for row in rows])
    if is_best:
        kept = kept[np.unique(index[kept], return_index=True)[1]]
    return Matches(piece[index[kept]], apart[kept], [rows[one] for one in kept.tolist()])  # type: ignore[misc]


def _fetched(target: Target, keys: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
    """Read the rows of these keys, as far as the caller may see them."""
    found: dict[Any, tuple[Any, ...]] = {}
    for start in range(0, len(keys), FETCHED):
        wanted = target.rows.filter(pk__in=keys[start : start + FETCHED]).order_by()
        with connection.cursor() as cursor:
            cursor.execute(*statement_of(wanted, target.sources))
            found |= {row[0]: row for row in cursor.fetchall()}
    return found


def _beside(sent: Sent, target: Target, found: Sequence[Matches]) -> ListedRows:
    """Put what was sent beside what was found, in the order of the table."""
    index = np.concatenate([np.empty(0, np.intp), *(one.index for one in found)])
    apart = np.concatenate([np.empty(0), *(one.separation_deg for one in found)])
    rows = [row for one in found for row in one.rows]
    order = np.argsort(index, kind="stable")
    theirs = list(zip(*sent.values(index[order]), strict=True))
    separations = (3600 * apart[order]).tolist()
    lines = [
        (*line, *rows[one], separation)
        for line, one, separation in zip(theirs, order.tolist(), separations, strict=True)
    ]
    columns = [*sent.columns(), *(each.column for each in target.sources), SEPARATION]
    names = distinct([one.name for one in columns])
    named = tuple(replace(one, name=name) for one, name in zip(columns, names, strict=True))
    return ListedRows(named, lines)
