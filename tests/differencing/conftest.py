"""One simulated pair, subtracted once, that several tests look at."""

import numpy as np
import pytest

from differencing.extraction.extract import extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import subtract
from tests.differencing import sky

SHAPE = (520, 611)  # odd, not square, more than one tile


class Scene:
    """A pair with new and vanished sources of known flux."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        stars = self.stars = sky.star_field(SHAPE, 320, rng)
        places = sky.spread_out(SHAPE, 46, rng, stars)
        self.new = np.column_stack([places[:34], rng.uniform(1200, 6000, 34)])
        self.gone = np.column_stack([places[34:], rng.uniform(2500, 6000, 12)])
        self.science = sky.observe(SHAPE, sky.SCIENCE, np.vstack([stars, self.new]), rng)
        self.reference = sky.observe(SHAPE, sky.REFERENCE, np.vstack([stars, self.gone]), rng)
        self.difference = subtract(self.science, self.reference, DifferenceParameters(tile=256))
        self.candidates = extract(self.difference, self.science, self.reference, threshold=5.0)

    def seen(self, sources):
        """Positions in the science frame and fluxes in science ADU."""
        return sources[:, :2] + sky.SCIENCE.shift, sources[:, 2] * sky.SCIENCE.scale

    def found(self, sources, *, negative):
        """Index of the candidate at each source, -1 where there is none."""
        some = np.flatnonzero(self.candidates["is_negative"] == negative)
        where = np.column_stack([self.candidates["x"][some], self.candidates["y"][some]])
        apart = np.hypot(*(self.seen(sources)[0][:, None] - where[None]).transpose(2, 0, 1))
        nearest = apart.argmin(axis=1)
        return np.where(apart.min(axis=1) < 1.5, some[nearest], -1)


@pytest.fixture(scope="session")
def scene():
    return Scene(5)
