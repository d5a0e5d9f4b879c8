from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from astrid.core import store
from astrid.core.errors import CorruptFile, MissingFile
from astrid.core.files import WholeFiles


def test_content_comes_back_under_the_name_of_its_hash():
    # SHA-256 of the empty string, from FIPS 180-4
    name = "cas/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert store.put(b"") == name
    assert store.get(name) == b""


def test_the_same_content_is_stored_once(product_files):
    assert store.put(b"pixels") == store.put(b"pixels")
    assert len([path for path in product_files.rglob("*") if path.is_file()]) == 1


def test_a_file_that_was_altered_is_not_handed_out():
    name = store.put(b"pixels")
    storages["products"].delete(name)
    storages["products"].save(name, BytesIO(b"pixelz"))
    with pytest.raises(CorruptFile, match="restore it from a backup"):
        store.get(name)


def test_a_file_that_is_gone_is_named():
    with pytest.raises(MissingFile, match="cas/00/0000"):
        store.get(store.name_of("0000"))


class FullDisk(ContentFile):
    """Content of which a part is written before the disk is full."""

    def chunks(self, chunk_size=None):
        yield b"half of "
        raise OSError(28, "No space left on device")


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path):
    storage = WholeFiles(location=tmp_path)
    with pytest.raises(OSError, match="No space left"):
        storage.save("cas/ab/abcd", FullDisk(b""))
    assert not storage.exists("cas/ab/abcd")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_is_whole_under_its_name(tmp_path):
    storage = WholeFiles(location=tmp_path)
    assert storage.save("cas/ab/abcd", ContentFile(b"pixels")) == "cas/ab/abcd"
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"pixels"]
