import json

import numpy as np
import pytest
import sep

from detection import context
from detection.context import ReferenceSources, classify
from tests.preprocessing.synthetic import add_star

SHAPE = (200, 200)
CLEAR = np.zeros(SHAPE, np.uint16)


def gaussian(x, y, amplitude, sx, sy=None, angle=0.0):
    rows, columns = np.indices(SHAPE)
    dx, dy = columns - x, rows - y
    u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
    return amplitude * np.exp(-(u**2) / (2 * sx**2) - v**2 / (2 * (sy or sx) ** 2))


@pytest.fixture(scope="module")
def sources():
    """A field of 15 stars of 1.5 px, and a galaxy of 6 by 3 px lying along the diagonal."""
    image = np.random.default_rng(4).normal(0, 1, SHAPE)
    for index in range(15):
        image += gaussian(20 + 37 * (index % 5), 20 + 28 * (index // 5), 150 + 10 * index, 1.5)
    image += gaussian(120, 150, 60, 6, 3, np.pi / 4)
    return context.find_reference_sources(image.astype(np.float32), 1.0, CLEAR, threshold=3.0)


def kind(sources, x, y, score=0.9, mask=CLEAR):
    return classify(x, y, sources, mask, score, threshold=0.5)[0]


def test_on_a_star_it_is_a_variable_and_beside_it_a_transient(sources):
    assert kind(sources, 57.4, 48.3) == "variable"
    assert kind(sources, 60.5, 48.0) == "transient"


def test_within_a_galaxy_it_is_a_supernova(sources):
    assert kind(sources, 120, 150) == "supernova"
    # the half-light radius of a 6 x 3 Gaussian is 1.18 sigma: 3 of them are 21 px along it
    assert kind(sources, 120 + 8, 150 + 8) == "supernova"


def test_the_galaxy_s_own_ellipse_counts_not_a_circle(sources):
    along, across = 15 / np.sqrt(2), 15 / np.sqrt(2)
    assert kind(sources, 120 + along, 150 + along) == "supernova"
    assert kind(sources, 120 + across, 150 - across) == "transient"


def test_far_from_everything_it_is_a_transient(sources):
    assert kind(sources, 30, 180) == "transient"


def test_a_low_score_is_an_artifact_wherever_it_lies(sources):
    assert kind(sources, 120, 150, score=0.4) == "artifact"


def test_without_reference_pixels_it_is_unknown(sources):
    mask = CLEAR.copy()
    mask[140:160, 110:130] = 1
    assert kind(sources, 120, 150, mask=mask) == "unknown"


def test_an_empty_reference_gives_transients():
    pixels = np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32)
    empty = context.find_reference_sources(pixels, 1.0, CLEAR, threshold=6.0)
    assert len(empty) == 0
    assert kind(empty, 50, 50) == "transient"


def test_without_stars_nothing_counts_as_a_point():
    image = np.random.default_rng(0).normal(0, 1, SHAPE) + gaussian(100, 100, 100, 8, 4)
    found = context.find_reference_sources(image.astype(np.float32), 1.0, CLEAR, threshold=3.0)
    assert kind(found, 100, 100) == "supernova"


def test_facts_are_json_and_name_the_rule(sources):
    facts = classify(57.0, 48.0, sources, CLEAR, 0.9, threshold=0.5)[1]
    assert json.loads(json.dumps(facts))["rule"] == "on a point source"
    assert facts["neighbour"]["separation_px"] < 0.5


def test_the_nearest_source_is_nearest_in_its_own_size():
    far_big_near_small = ReferenceSources(
        x=np.array([0.0, 10.0]), y=np.zeros(2), half_light_radius=np.array([20.0, 1.0]),
        axis_ratio=np.ones(2), angle=np.zeros(2), is_point=np.array([False, True]),
        flux=np.ones(2),
    )  # fmt: skip
    assert context.nearest(far_big_near_small, 7.0, 0.0).half_light_radius_px == 20.0


def test_a_crowded_reference_is_read_whoever_used_sep_before():
    rng = np.random.default_rng(4)
    pixels = rng.normal(0, 1, (300, 300)).astype(np.float32)
    for x, y in rng.uniform(20, 280, (40, 2)):
        add_star(pixels, x, y, 3000, 4.0)
    before = sep.get_extract_pixstack()
    sep.set_extract_pixstack(512)
    try:
        found = context.find_reference_sources(
            pixels, 1.0, np.zeros(pixels.shape, np.uint16), threshold=1.5
        )
    finally:
        sep.set_extract_pixstack(before)
    assert found.x.size >= 35  # of 40 some lie on one another
