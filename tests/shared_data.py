"""Where the real data for tests lie, beside the project; they are never part of it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(path: str) -> Path:
    """Give a file or folder of the real data, or skip the test with the reason."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"real data {path} are not beside the project ({SHARED})")
    return found
