"""One simulated night for all of these tests."""

import shutil

import pytest

from observations.simulator import SceneParameters, simulate_night
from tests.bad_input.night import SIZE, Night


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """One reference and one science frame, with enough stars for both."""
    return simulate_night(
        tmp_path_factory.mktemp("simulated"),
        seed=11,
        fields=1,
        science_epochs=1,
        parameters=SceneParameters(size=SIZE, max_dither=6.0),
    ).directory


@pytest.fixture
def night(simulated, tmp_path):
    """A copy of the good night to which a test adds something bad."""
    return Night(shutil.copytree(simulated, tmp_path / "night"))
