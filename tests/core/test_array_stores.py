"""What every store of arrays does, and what shards do besides."""

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.storage.handler import StorageHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrid.core import shards
from astrid.core.array_bytes import DTYPES, encode
from astrid.core.array_stores import STORES, load
from astrid.core.errors import CorruptFile, MissingFile

VECTORS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=1, min_side=0, max_side=9))
)
ON_ONE_DISK = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=STORES)
def store(request):
    shards.forget()
    return STORES[request.param]


def bits(array):
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def damage(product_files, change):
    """Change the one shard there is."""
    (path,) = [found for found in product_files.rglob("*") if found.is_file()]
    path.write_bytes(change(path.read_bytes()))
    shards.forget()


class TestEveryStore:
    @ON_ONE_DISK
    @given(vectors=st.lists(VECTORS, max_size=8))
    def test_arrays_come_back_in_their_order_bit_for_bit(self, store, vectors):
        held = store.put(vectors)
        for found in (map(store.get, held), map(load, held)):
            for back, vector in zip(found, vectors, strict=True):
                assert (back.dtype, back.shape) == (vector.dtype, vector.shape)
                assert bits(back) == bits(vector)
                assert back.flags.writeable
                assert back.dtype.isnative

    @ON_ONE_DISK
    @given(vector=VECTORS, start=st.integers(0, 12), length=st.integers(0, 12))
    def test_a_part_is_what_python_slices_out(self, store, vector, start, length):
        (held,) = store.put([vector])
        part = store.part(held, start, start + length)
        assert (part.dtype, bits(part)) == (vector.dtype, bits(vector[start : start + length]))

    def test_a_changed_copy_leaves_what_is_stored_alone(self, store):
        (held,) = store.put([np.arange(3.0)])
        store.get(held)[0] = 99.0
        assert store.get(held)[0] == 0.0

    def test_it_knows_its_own(self, store):
        (held,) = store.put([np.arange(3.0)])
        assert [name for name, other in STORES.items() if other.has(held)] == [
            name for name, other in STORES.items() if other is store
        ]

    def test_the_same_array_is_held_the_same_way_again(self, store):
        assert store.put([np.arange(3.0)]) == store.put([np.arange(3.0)])

    def test_dtypes_that_cannot_be_stored_are_refused(self, store):
        with pytest.raises(ValueError, match="dtype is complex128"):
            store.put([np.zeros(3, complex)])

    @pytest.mark.parametrize("bounds", [(-1, 2), (3, 2)])
    def test_a_part_is_counted_from_the_beginning(self, store, bounds):
        (held,) = store.put([np.arange(3.0)])
        with pytest.raises(ValueError, match="counted from the beginning"):
            store.part(held, *bounds)

    def test_any_flipped_bit_of_what_a_row_holds_is_noticed(self, store):
        (held,) = store.put([np.arange(5.0)])
        for place in range(8 * len(held)):
            flipped = bytearray(held)
            flipped[place // 8] ^= 1 << place % 8
            with pytest.raises((CorruptFile, MissingFile)):
                load(bytes(flipped))

    def test_every_truncation_of_what_a_row_holds_is_noticed(self, store):
        (held,) = store.put([np.arange(5.0)])
        for length in range(len(held)):
            with pytest.raises(CorruptFile):
                load(held[:length])


class TestShards:
    def test_vectors_of_one_length_and_dtype_share_a_file_that_numpy_reads(self, product_files):
        STORES["shards"].put([np.arange(3.0), np.arange(4.0), np.arange(3.0) + 5])
        found = [np.load(path) for path in product_files.rglob("*") if path.is_file()]
        assert sorted(stack.shape for stack in found) == [(1, 4), (2, 3)]

    def test_a_shard_has_a_largest_size(self, product_files, monkeypatch):
        monkeypatch.setattr(shards, "SHARD_BYTES", 50)
        vectors = [np.arange(3.0) + n for n in range(5)]
        held = STORES["shards"].put(vectors)
        assert len([path for path in product_files.rglob("*") if path.is_file()]) == 3
        np.testing.assert_array_equal([load(each) for each in held], vectors)

    def test_a_row_holds_few_bytes_of_a_long_vector(self):
        (held,) = STORES["shards"].put([np.zeros(20_000)])
        assert len(held) == 64

    def test_only_vectors_are_taken(self):
        with pytest.raises(ValueError, match=r"shape \(2, 2\); a shard holds vectors"):
            STORES["shards"].put([np.zeros((2, 2))])

    def test_altered_numbers_are_not_handed_out(self, product_files):
        (held,) = STORES["shards"].put([np.arange(3.0)])
        damage(product_files, lambda content: content[:-1] + b"\x07")
        with pytest.raises(CorruptFile, match=r"numbers of CRC .* restore it from a backup"):
            load(held)

    @pytest.mark.parametrize("length", [0, 140])
    def test_a_shard_that_is_cut_off_is_noticed(self, product_files, length):
        (held,) = STORES["shards"].put([np.arange(3.0)])
        damage(product_files, lambda content: content[:length])
        with pytest.raises(CorruptFile, match="restore it from a backup"):
            load(held)

    def test_a_shard_that_is_gone_is_named(self, product_files):
        (held,) = STORES["shards"].put([np.arange(3.0)])
        damage(product_files, lambda content: content)
        for path in product_files.rglob("*"):
            if path.is_file():
                path.unlink()
        with pytest.raises(MissingFile, match="is gone; restore it from a backup"):
            load(held)

    def test_from_a_bucket_a_shard_is_fetched_once(self, settings, tmp_path, monkeypatch):
        class Bucket(FileSystemStorage):
            """Files without paths, as a bucket has them."""

            def path(self, name):
                raise NotImplementedError

            def _save(self, name, content):
                (tmp_path / name.replace("/", "-")).write_bytes(content.read())
                return name

            def _open(self, name, mode="rb"):
                opened.append(name)
                return (tmp_path / name.replace("/", "-")).open("rb")

            def exists(self, name):
                return (tmp_path / name.replace("/", "-")).exists()

        opened = []
        settings.STATE = tmp_path / "state"
        monkeypatch.setattr(StorageHandler, "__getitem__", lambda *_: Bucket())
        held = STORES["shards"].put([np.arange(3.0), np.arange(3.0) + 1])
        assert [load(each)[2] for each in held] == [2.0, 3.0]
        shards.forget()
        assert load(held[0])[1] == 1.0
        assert len(opened) == 1


def test_what_is_stored_as_a_place_is_not_numbers_and_the_reverse():
    (held,) = STORES["shards"].put([np.arange(3.0)])
    with pytest.raises(CorruptFile, match="it has no numbers itself"):
        STORES["database"].get(held)
    with pytest.raises(ValueError, match="no place in a shard"):
        STORES["shards"].get(encode(np.arange(3.0)))
