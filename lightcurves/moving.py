"""Moves arrays between the database and shards, one observation at a time, and verifies them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import storages
from django.db import connection, models, transaction

from astrid.core import shards, store
from astrid.core.array_bytes import ELSEWHERE, VECTOR_HEADER, Array, Content, read_header
from astrid.core.array_stores import STORES, ArrayStore, load
from astrid.core.errors import CorruptFile
from astrid.core.locks import queue_up
from lightcurves.models import DataSet, QualityFlagArray, TargetSpecificTime

# Whoever writes into shards or deletes them takes turns: a shard that no row names may be
# about to be named.
TURN = "lightcurves.arrays"
Column = tuple[type[models.Model], str]
COLUMNS: tuple[Column, ...] = (
    (DataSet, "values"),
    (DataSet, "errors"),
    (TargetSpecificTime, "barycentric_julian_dates"),
    (QualityFlagArray, "quality_flags"),
)
# All that a column holds where the numbers lie elsewhere.
_HEAD = VECTOR_HEADER + 40


@dataclass
class Moved:
    """What a move did."""

    arrays: int = 0
    already_there: int = 0
    bytes: int = 0
    shards_deleted: int = 0


def move(observations: Iterable[int], to: str) -> Moved:
    """Move the arrays of observations into a store of `STORES`.

    Every array is read back and compared before its row changes; an observation is moved as a
    whole or not at all.

    Raises
    ------
    CorruptFile, MissingFile
        If an array is damaged or gone where it lies, or comes back otherwise than it was.
    """
    done = Moved()
    for observation in observations:
        with transaction.atomic():
            queue_up(TURN)
            left = [
                head
                for column in COLUMNS
                for head in _move_column(column, observation, STORES[to], done)
            ]
        done.shards_deleted += delete_unnamed(left)
    return done


def _move_column(
    column: Column, observation: int, target: ArrayStore, done: Moved
) -> Iterator[Content]:
    """Move one column of an observation; give what its rows held before, without numbers."""
    heads = _heads(column, observation)
    keys = [key for key, head in heads.items() if not target.has(head)]
    done.already_there += len(heads) - len(keys)
    longest = max((read_header(heads[key]).nbytes for key in keys), default=1)
    many = max(1, shards.SHARD_BYTES // max(longest, 1))
    for first in range(0, len(keys), many):
        arrays = _read(column, keys[first : first + many])
        _write(column, list(arrays), _stored(list(arrays.values()), target))
        done.arrays += len(arrays)
        done.bytes += sum(array.nbytes for array in arrays.values())
        yield from (heads[key] for key in arrays)


def _heads(column: Column, observation: int) -> dict[int, bytes]:
    """Give the first bytes of what the rows hold."""
    rows = _query(
        column,
        "SELECT id, substring({column} from 1 for %s) FROM {table} WHERE observation_id = %s"
        " ORDER BY id FOR UPDATE",
        [_HEAD, observation],
    )
    return {key: bytes(head) for key, head in rows}


def _read(column: Column, keys: Sequence[int]) -> dict[int, Array]:
    rows = _query(
        column, "SELECT id, {column} FROM {table} WHERE id = ANY (%s) ORDER BY id", [list(keys)]
    )
    return {key: load(held) for key, held in rows}


def _stored(arrays: Sequence[Array], target: ArrayStore) -> list[bytes]:
    """Store arrays and compare what comes back, from the disk."""
    held = target.put(arrays)
    shards.forget()
    for array, content in zip(arrays, held, strict=True):
        back = target.get(content)
        if (back.dtype, back.tobytes()) != (array.dtype, array.tobytes()):
            raise CorruptFile(f"an array of {array.size} {array.dtype} comes back changed")
    return held


def _write(column: Column, keys: Sequence[int], held: Sequence[bytes]) -> None:
    """Let rows hold something else, and compare that with what the database then has."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE moved (id bigint, held bytea) ON COMMIT DROP")
        with cursor.cursor.copy("COPY moved FROM STDIN (FORMAT BINARY)") as target:
            target.set_types(["bigint", "bytea"])
            for row in zip(keys, held, strict=True):
                target.write_row(row)
    _run(column, "UPDATE {table} t SET {column} = m.held FROM moved m WHERE t.id = m.id")
    ((same,),) = _query(
        column, "SELECT count(*) FROM {table} t JOIN moved m USING (id) WHERE t.{column} = m.held"
    )
    _run(column, "DROP TABLE moved")
    if same != len(keys):
        raise CorruptFile(f"{len(keys) - same} rows of {column[0].__name__} came back changed")


def delete_unnamed(heads: Sequence[Content]) -> int:
    """Delete the shards that rows named until now and no row names any more; count them."""
    places = (read_header(head).place for head in heads)
    left = {place.sha256 for place in places if place is not None}
    if not left:
        return 0
    with transaction.atomic():
        queue_up(TURN)
        still = {sha256 for _, sha256 in named_shards()}
        for sha256 in (unnamed := left - still):
            storages[store.ALIAS].delete(store.name_of(sha256))
    return len(unnamed)


def named_shards() -> Iterator[tuple[str, str]]:
    """Give each column that names shards, as "app.Model.column", with their hashes."""
    for column in COLUMNS:
        rows = _query(
            column,
            "SELECT DISTINCT substring({column} from %s for 32) FROM {table}"
            " WHERE substring({column} from 1 for 4) = %s",
            [VECTOR_HEADER + 1, ELSEWHERE],
        )
        model, name = column
        yield from ((f"{model._meta.label}.{name}", bytes(sha256).hex()) for (sha256,) in rows)


def _query(column: Column, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_sql(column, query), values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _run(column: Column, query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_sql(column, query))


def _sql(column: Column, query: str) -> str:
    model, name = column
    meta: Any = model._meta
    return query.format(table=f'"{meta.db_table}"', column=f'"{meta.get_field(name).column}"')
