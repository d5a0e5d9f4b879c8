"""VOTables of any length, as small documents with some rows each.

Reference: Ochsenbein et al. 2019, VOTable Format Definition 1.4, sections 5 and 6.
"""

import base64
import io
import math
import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from astropy.io.votable import parse
from astropy.io.votable.tree import Field

_ROWS = re.compile(rb"<(TABLEDATA|STREAM)\b([^>]*)>")
_TAG = re.compile(rb"<(/?)([A-Za-z_][\w:.-]*)[^>]*?(/?)>")
_ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<![^>]*>", re.DOTALL)
# Bytes of a value, by its datatype; bits are eight to a byte.
_BYTES = {
    "boolean": 1, "bit": 1, "unsignedByte": 1, "char": 1, "short": 2, "unicodeChar": 2, "int": 4,
    "float": 4, "long": 8, "double": 8, "floatComplex": 8, "doubleComplex": 16,
}  # fmt: skip
_PIECE = 1 << 16  # of base64, a multiple of 4
_COUNT = struct.Struct(">i")


def votable_parts(file: BinaryIO, rows: int) -> Iterator[bytes]:
    """Give the first table of a document, so many rows at a time, each part a document.

    Raises
    ------
    ValueError
        If the rows break off.
    """
    with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
        found = _ROWS.search(content)
        if found is None or not _is_here(found[1], found[2]):
            yield content[:]  # without rows, or with rows elsewhere or packed: as astropy reads it
            return
        head, tail = content[: found.end()], _ends(content[: found.end()])
        end = content.find(b"</" + found[1], found.end())
        cut = _text_rows if found[1] == b"TABLEDATA" else _Packed(head, tail).cut
        any_part = False
        for part in cut(content, found.end(), end, rows):
            any_part = True
            yield head + part + tail
        if not any_part:
            yield head + tail


def _is_here(element: bytes, attributes: bytes) -> bool:
    return element == b"TABLEDATA" or (b"base64" in attributes and b"href" not in attributes)


def _ends(head: bytes) -> bytes:
    """Give the ends of the elements that are open."""
    is_open: list[bytes] = []
    for is_end, name, is_empty in _TAG.findall(_ASIDE.sub(b"", head)):
        if is_end:
            is_open.pop()
        elif not is_empty:
            is_open.append(name)
    return b"".join(b"</" + name + b">" for name in reversed(is_open))


def _text_rows(content: mmap.mmap, start: int, end: int, rows: int) -> Iterator[bytes]:
    while True:
        stop = start
        for _ in range(rows):
            if (at := content.find(b"</TR", stop, end)) < 0:
                break
            stop = content.find(b">", at) + 1
        if stop == start:
            return
        yield content[start:stop]
        start = stop


@dataclass(frozen=True)
class _Packed:
    """Rows in binary: what they begin with, and how long each value is."""

    head: bytes
    tail: bytes

    def cut(self, content: mmap.mmap, start: int, end: int, rows: int) -> Iterator[bytes]:
        """Give so many rows at a time, as base64."""
        fields = (
            parse(io.BytesIO(self.head + self.tail), verify="ignore").get_table_by_index(0).fields
        )
        flags = math.ceil(len(fields) / 8) if b"<BINARY2" in self.head else 0
        kinds = [_kind(each) for each in fields]
        packed, waiting, number, at = bytearray(), _decoded(content, start, end), 0, 0
        for piece in waiting:
            packed += piece
            while (after := _after_row(packed, at, flags, kinds)) is not None:
                number, at = number + 1, after
                if number == rows:
                    yield base64.b64encode(packed[:at])
                    del packed[:at]
                    number, at = 0, 0
        if at != len(packed):
            raise ValueError(
                f"the table ends within a row, {len(packed) - at} bytes after its start"
            )
        if number:
            yield base64.b64encode(packed)


def _decoded(content: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    text = b""
    for place in range(start, end, _PIECE):
        text += b"".join(content[place : min(place + _PIECE, end)].split())
        whole = len(text) // 4 * 4
        yield base64.b64decode(text[:whole])
        text = text[whole:]


def _kind(field: Field) -> tuple[int, int | None, bool]:
    """Give the bytes of a value, how many there are, or None where each row says, and if bits."""
    size = field.arraysize or "1"
    number = None if "*" in size else math.prod(int(each) for each in size.split("x"))
    return _BYTES[field.datatype], number, field.datatype == "bit"


def _after_row(
    packed: bytearray, at: int, flags: int, kinds: list[tuple[int, int | None, bool]]
) -> int | None:
    """Give where a row ends; nothing if not all of it is here."""
    at += flags
    for size, number, is_bit in kinds:
        if number is None:
            if at + _COUNT.size > len(packed):
                return None
            (number,) = _COUNT.unpack_from(packed, at)
            at += _COUNT.size
        at += math.ceil(number / 8) if is_bit else size * number
    return at if at <= len(packed) and (flags or kinds) else None
