"""Identifiers of the rows and files of this archive: ``ivo://AUTHORITY/kind?key``."""

import re
from dataclasses import dataclass
from uuid import UUID

from catalog.vo.errors import NotFound

ANY = "row"  # of a key alone: whatever has it
_KEY = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_FORM = re.compile(r"ivo://([A-Za-z0-9.\-]+)/([a-z]+)\?(" + _KEY + ")")


@dataclass(frozen=True)
class Identifier:
    """What kind of row, and which."""

    kind: str
    key: UUID


def read(text: str, authority: str) -> Identifier:
    """Read an identifier of this archive, or the key of a row alone.

    Raises
    ------
    NotFound
        If it is none, or that of another archive.
    """
    if re.fullmatch(_KEY, text):
        return Identifier(ANY, UUID(text))
    found = _FORM.fullmatch(text)
    if found is None or found[1] != authority:
        raise NotFound(
            f"{text[:100]!r} is no identifier of this archive, such as "
            f"ivo://{authority}/frame?00000000-0000-7000-8000-000000000000"
        )
    return Identifier(found[2], UUID(found[3]))
