"""A simulated night, and a folder in which its frames arrive."""

import pytest

from observations.services import ingest_directory
from observations.simulator import SceneParameters, simulate_night

# A small field with plenty of stars and a few bright transients.
SCENE = SceneParameters(size=320, transients_per_mpix=60, snr_range=(20, 50))


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    return simulate_night(folder, seed=5, fields=1, science_epochs=2, parameters=SCENE)


@pytest.fixture
def camera(tmp_path, night):
    """A folder that frames of the night arrive in, with the rules of the night."""
    folder = tmp_path / "camera"
    folder.mkdir()
    (folder / "astrid.toml").write_bytes((night.directory / "astrid.toml").read_bytes())

    def arrive(*frames):
        for frame in frames:
            (folder / frame.name).write_bytes(frame.read_bytes())
        return ingest_directory(folder)

    arrive.folder = folder
    return arrive


@pytest.fixture
def reference(night):
    return night.references[0]


@pytest.fixture
def science(night):
    return night.science[0]
