import numpy as np
import pytest

from detection.scenes import draw_conditions, make_scene, matched


def conditions(seed):
    return draw_conditions(np.random.default_rng([seed, 1]))


def test_a_third_of_the_scenes_spread_cosmic_rays_and_a_third_were_interpolated():
    drawn = [conditions(seed)[0] for seed in range(400)]
    diffusion = np.array([parameters.cosmic_ray_diffusion for parameters in drawn])
    order = np.array([parameters.resampling_order for parameters in drawn])
    # sqrt(1/3 * 2/3 / 400) = 0.024; allow four
    assert (diffusion > 0).mean() == pytest.approx(1 / 3, abs=0.095)
    assert (order > 0).mean() == pytest.approx(1 / 3, abs=0.095)
    assert set(order) == {0, 1, 3}
    assert 0.5 < diffusion.max() <= 0.7


# Fields so crowded that no cell of the sky mesh keeps half of its pixels.
@pytest.mark.parametrize("seed", [900003, 900009, 900016])
def test_a_crowded_scene_comes_through_the_pipeline(seed):
    found = make_scene(seed).candidates
    # the simulator puts at least ten changes of more than 4 sigma into each
    assert found.is_real.sum() >= 8


def test_a_scene_with_more_cosmic_rays_than_stars_comes_through_the_pipeline():
    # its stars are the least size that both frames share; hits are smaller, and more
    found = make_scene(150292)
    bright = (np.abs(found.sources[:, 2]) > 6).sum()
    # P(S > 4.5) at 6 sigma is 0.93, and some lie in the wings of others
    assert found.candidates.is_real.sum() > 0.8 * bright


def test_what_a_source_leaves_around_its_place_is_neither_real_nor_bogus():
    # S/N and whether it is masked: seen, too faint to be seen, masked
    sources = np.array([[0, 0, 20, 0], [0, 0, 1.5, 0], [0, 0, 20, 1]], float)
    far = np.inf
    apart = np.array(
        [
            [0.5, far, far],  # on one that is seen
            [far, 0.5, far],  # on one that nobody can see: noise, or something else
            [far, far, 0.5],  # what masking has left of one
            [3.0, far, far],  # beside one, within the seeing
            [far, far, 3.0],  # beside a masked one
            [far, 3.0, far],  # beside nothing
            [9.0, 9.0, 9.0],  # by itself
        ]
    )
    source, is_clear = matched(apart, sources, 4.0)
    assert source.tolist() == [0, 1, 2, -1, -1, -1, -1]
    assert is_clear.tolist() == [True, False, False, False, False, True, True]
    # in sharper seeing what lies 3 px away is something else
    assert matched(apart, sources, 2.6)[1].tolist() == [True, False, False, True, True, True, True]
    assert matched(apart[:, :0], sources[:0], 4.0)[1].all()
