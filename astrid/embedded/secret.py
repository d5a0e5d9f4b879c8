"""The secret key of an installation that was given none."""

import os
import secrets
from pathlib import Path

from astrid.embedded.errors import EmbeddedError
from astrid.embedded.folders import make_state
from astrid.embedded.places import state_folder


def secret_key(state: Path | None = None) -> str:
    """Give the key kept in the state folder, drawn at random the first time.

    Raises
    ------
    EmbeddedError
        If it cannot be read or written.
    """
    folder = state or state_folder()
    path = folder / "secret_key"
    try:
        if not path.exists():
            make_state(folder)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text()
    except OSError as error:
        raise EmbeddedError(
            f"cannot keep a secret key in {path}: {error.strerror}; set SECRET_KEY, or "
            "ASTRID_STATE to a folder that you can write to"
        ) from error


def _write_once(path: Path, text: str) -> None:
    """Write a private file whole; of two processes the first one wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
