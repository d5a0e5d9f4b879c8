"""Tiles of scenes for training: where they are cut, how they are turned."""

import numpy as np
from numpy.typing import NDArray

from detection.scenes import Scene

TILE_PX = 64
# A candidate lies within this of the middle of its tile, px: never cut by its edge.
JITTER_PX = 24
# Tiles without any candidate in mind; the rest are half around real ones, half around bogus.
SKY_SHARE = 0.1


def augmented_tiles(
    scenes: list[Scene], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut tiles around candidates and elsewhere, and turn, mirror and reverse them at random.

    Returns
    -------
    (count, 64, 64, 4) and (count, 64, 64, 2) float32 arrays
        Channels, and label with weight.
    """
    whole = [
        np.concatenate([s.stack, s.labels[..., None], s.weights[..., None]], axis=2) for s in scenes
    ]
    tiles = np.empty((count, TILE_PX, TILE_PX, whole[0].shape[2]), np.float32)
    for tile, (scene, x, y) in zip(tiles, choose_centres(scenes, count, rng), strict=True):
        tile[...] = turned(cut(whole[scene], x, y, rng), rng)
    reverse(tiles, rng.random(count) < 0.5)
    return tiles[..., :-2], tiles[..., -2:]


def choose_centres(
    scenes: list[Scene], count: int, rng: np.random.Generator
) -> list[tuple[int, float, float]]:
    """Give scene, x and y of each tile: real, bogus and sky in random order."""
    columns = [
        (np.full(len(s.candidates), index), s.candidates.x, s.candidates.y, s.candidates.is_real)
        for index, s in enumerate(scenes)
    ]
    scene, x, y, is_real = (np.concatenate(column) for column in zip(*columns, strict=True))
    kind = rng.choice(3, count, p=[(1 - SKY_SHARE) / 2, (1 - SKY_SHARE) / 2, SKY_SHARE])
    pools = np.flatnonzero(is_real), np.flatnonzero(~is_real)
    centres = []
    for wanted in kind:
        if wanted == 2:
            index = int(rng.integers(len(scenes)))
            height, width = scenes[index].labels.shape
            centres.append((index, float(rng.uniform(0, width)), float(rng.uniform(0, height))))
        else:
            row = int(rng.choice(pools[wanted]))
            centres.append((int(scene[row]), float(x[row]), float(y[row])))
    return centres


def cut(
    image: NDArray[np.float32], x: float, y: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut a tile around a place, off centre by up to the jitter and inside the image."""
    corner = []
    for middle, side in zip((y, x), image.shape, strict=False):
        start = round(middle) - TILE_PX // 2 + int(rng.integers(-JITTER_PX, JITTER_PX + 1))
        corner.append(int(np.clip(start, 0, side - TILE_PX)))
    top, left = corner
    return image[top : top + TILE_PX, left : left + TILE_PX]


def turned(tile: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Give one of the eight turned and mirrored versions of a tile."""
    quarter, mirror = int(rng.integers(4)), bool(rng.integers(2))
    view = np.rot90(tile, quarter)
    return view[:, ::-1] if mirror else view


def reverse(tiles: NDArray[np.float32], chosen: NDArray[np.bool_]) -> None:
    """Exchange the epochs of the chosen tiles, in place.

    Science and reference change places, difference and significance change sign: what rose now
    fades. It is as real as before, so the network learns both signs from either.
    """
    some = tiles[chosen]
    some[..., [0, 1]] = some[..., [1, 0]]
    some[..., [2, 3]] *= -1
    tiles[chosen] = some
