"""A reference that is prepared once gives what it gives when it is prepared each time."""

from dataclasses import fields, replace

import numpy as np
import pytest

from differencing.parameters import DifferenceParameters
from differencing.subtraction.pack import TUNABLES, PackCache, content_key, prepare_reference
from differencing.subtraction.subtract import subtract
from tests.differencing import sky

PARAMETERS = DifferenceParameters()
PLANES = ("difference", "significance", "flux", "flux_error", "mask", "psf")


@pytest.fixture(scope="module")
def frames():
    shape, rng = (300, 256), np.random.default_rng(51)
    stars = sky.star_field(shape, 90, rng, brightest=6e4)
    return [
        sky.observe(shape, kind, stars, rng)
        for kind in (sky.SCIENCE, replace(sky.SCIENCE, fwhm=4.0), sky.REFERENCE)
    ]


@pytest.fixture(scope="module")
def pack(frames):
    return prepare_reference(frames[2], PARAMETERS)


@pytest.mark.parametrize("night", [0, 1])
def test_a_prepared_reference_gives_the_same_pixels(frames, pack, night):
    fresh = subtract(frames[night], frames[2], PARAMETERS)
    again = subtract(frames[night], pack, PARAMETERS, threads=2)
    for plane in PLANES:
        assert np.array_equal(getattr(fresh, plane), getattr(again, plane), equal_nan=True)


def test_a_subtraction_leaves_the_pack_as_it_was(frames, pack):
    before = {name: getattr(pack.plane, name).copy() for name in ("pixels", "noise", "mask", "bad")}
    subtract(frames[0], pack, PARAMETERS)
    for name, values in before.items():
        assert np.array_equal(getattr(pack.plane, name), values)


def bytes_of_planes(pack):
    """Bytes per pixel, without those of stars and PSF, which are few in a frame of usual size."""
    few = sum(array.nbytes for array in vars(pack.sources).values())
    return (pack.nbytes - few - pack.model.coefficients.nbytes) / pack.frame.pixels.size


def test_a_pack_takes_as_much_memory_as_the_documentation_says(frames, pack):
    pixels = frames[2].pixels.copy()
    pixels[0, 0] = np.nan
    holed = prepare_reference(replace(frames[2], pixels=pixels), PARAMETERS)
    # pixels, noise (4 each) and mask (2), the mask with cosmic rays (2), bad (1)
    assert bytes_of_planes(pack) == 13
    # pixels and noise once more, without holes
    assert bytes_of_planes(holed) == 21


def test_a_pack_made_with_other_values_is_refused(frames, pack):
    with pytest.raises(ValueError, match="prepared with star_threshold 12 instead of 15"):
        subtract(frames[0], pack, DifferenceParameters(star_threshold=15.0))


def test_what_a_pack_depends_on_are_tunables():
    assert set(TUNABLES) <= {field.name for field in fields(DifferenceParameters)}


def test_the_content_key_tells_frames_and_their_facts_apart(frames):
    keys = [content_key(frame) for frame in frames]
    keys.append(content_key(replace(frames[2], gain=2 * frames[2].gain)))
    assert len(set(keys)) == 4
    assert content_key(replace(frames[2], pixels=frames[2].pixels.copy())) == keys[2]


def test_a_cache_loads_a_reference_once_and_again_for_other_values(frames):
    loaded = []

    def load():
        loaded.append(1)
        return frames[2]

    cache = PackCache(limit=2**30)
    first = cache.get("a", PARAMETERS, load)
    assert cache.get("a", PARAMETERS, load) is first
    assert cache.get("a", DifferenceParameters(threshold=7.0), load) is first
    assert cache.get("a", DifferenceParameters(psf_degree=1), load) is not first
    assert len(loaded) == 2


def test_a_cache_keeps_no_more_bytes_than_it_may_and_drops_the_oldest(frames, pack):
    loads = {"a": 0, "b": 0, "c": 0}

    def ask(cache, name):
        def load():
            loads[name] += 1
            return frames[2]

        cache.get(name, PARAMETERS, load)
        assert cache.nbytes <= cache.limit

    cache = PackCache(limit=2 * pack.nbytes)
    for name in "abacab":
        ask(cache, name)
    # c took the place of b, the one not asked for the longest, and b that of c
    assert loads == {"a": 1, "b": 2, "c": 1}


def test_a_cache_without_room_keeps_nothing(frames):
    cache = PackCache(limit=0)
    cache.get("a", PARAMETERS, lambda: frames[2])
    assert cache.nbytes == 0
