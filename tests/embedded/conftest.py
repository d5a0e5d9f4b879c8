"""State folders that the servers' account can enter, as pytest's own (0700) are not."""

import shutil
import tempfile
from pathlib import Path

import pytest

from astrid import embedded
from tests.embedded.processes import clean_up, eventually, everything

# Signs that the addresses must quote.
NAME = "é t%41t"


@pytest.fixture
def folder():
    """Give an empty folder that everybody may enter."""
    yield (path := _make_folder())
    shutil.rmtree(path)


@pytest.fixture
def fresh(folder):
    """Give a state folder that does not exist yet."""
    yield folder / NAME
    clean_up(folder / NAME)


@pytest.fixture(scope="session")
def shared():
    """Give a state folder that was used before."""
    path = _make_folder()
    with embedded.services(state=path / NAME):
        pass
    yield path / NAME
    shutil.rmtree(path)


@pytest.fixture
def state(shared):
    """Give a state folder that was used before, its servers at rest."""
    eventually(lambda: not everything(shared), "the servers stop")
    yield shared
    clean_up(shared)


def _make_folder():
    path = Path(tempfile.mkdtemp(prefix="astrid-test-"))
    path.chmod(0o755)
    return path
