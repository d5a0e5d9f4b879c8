"""Files under the name of their content: written once, checked on every read."""

import hashlib
from io import BufferedRandom

from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from astrid.core.errors import CorruptFile, MissingFile

ALIAS = "products"


def digest(content: bytes) -> str:
    """Give the SHA-256 of ``content`` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def name_of(sha256: str) -> str:
    """Give the storage name of the content with this hash."""
    return f"cas/{sha256[:2]}/{sha256}"


def put(content: bytes) -> str:
    """Store ``content`` unless it is there already; return its name."""
    return _put(digest(content), ContentFile(content))


def put_file(file: BufferedRandom) -> str:
    """Store the whole content of an open file, however large; return its name."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return _put(sha256, File(file))


def _put(sha256: str, content: File) -> str:
    name = name_of(sha256)
    storage = storages[ALIAS]
    if storage.exists(name):
        return name
    written = storage.save(name, content)
    if written != name:  # another process was faster, and storages write no name twice
        storage.delete(written)
    return name


def get(name: str) -> bytes:
    """Read a stored file and check it against its name.

    Raises
    ------
    MissingFile
        If no file has this name.
    CorruptFile
        If the content is not what was written.
    """
    try:
        with storages[ALIAS].open(name) as stored:
            content: bytes = stored.read()
    except FileNotFoundError as error:
        raise MissingFile(
            f"stored file {name!r} is gone; restore it or run the stage again"
        ) from error
    found = digest(content)
    if name_of(found) != name:
        raise CorruptFile(f"stored file {name!r} has SHA-256 {found}; restore it from a backup")
    return content


def remove(name: str) -> None:
    """Delete a file; the caller knows that no other row names it."""
    storages[ALIAS].delete(name)
