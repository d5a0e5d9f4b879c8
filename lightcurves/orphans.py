"""Shards that no row names: left by a process that ended between a shard and its rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.storage import storages
from django.db import transaction

from astrid.core import store
from astrid.core.locks import queue_up
from lightcurves.moving import TURN, named_shards

PLACE = "cas"
NPY = b"\x93NUMPY"  # how an npy file begins; no other product is one


@dataclass(frozen=True)
class Orphan:
    """A stored file that is a shard, and no row's."""

    name: str
    bytes: int


def find_orphans() -> Iterator[Orphan]:
    """Give the shards that no row names, of all stored files.

    One that a process is just writing looks the same until its rows are written.
    """
    named = {store.name_of(sha256) for _, sha256 in named_shards()}
    storage = storages[store.ALIAS]
    for folder in _folders():
        for file in sorted(storage.listdir(folder)[1]):
            name = f"{folder}/{file}"
            if name not in named and _is_shard(name):
                yield Orphan(name, storage.size(name))


def delete_orphans() -> list[Orphan]:
    """Delete the shards that no row names, while nobody writes one; tell which they were."""
    with transaction.atomic():
        queue_up(TURN)
        found = list(find_orphans())
        for one in found:
            storages[store.ALIAS].delete(one.name)
    return found


def _folders() -> Iterator[str]:
    try:
        folders, _ = storages[store.ALIAS].listdir(PLACE)
    except FileNotFoundError:  # of a storage with folders in which nothing was stored yet
        return
    yield from (f"{PLACE}/{one}" for one in sorted(folders))


def _is_shard(name: str) -> bool:
    with storages[store.ALIAS].open(name) as file:
        return bool(file.read(len(NPY)) == NPY)
