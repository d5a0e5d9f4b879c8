"""Stamps cut out of scenes: the candidates that the pipeline found in them."""

import numpy as np
from numpy.typing import NDArray

from detection.normalise import SOFTENING
from detection.scenes import Scene
from detection.stampnet.stamps import ARTIFACT, PLANES, SIDE, Stamps, joined

FloatArray = NDArray[np.floating]


def harvest(scenes: list[Scene], *, least: float = 0.0) -> Stamps:
    """Cut out the candidates of scenes.

    Parameters
    ----------
    scenes : list of Scene
    least : float
        Significance below which candidates are left out.

    Raises
    ------
    ValueError
        If the scenes hold no candidate.
    """
    parts = [candidates_of(scene, least) for scene in scenes if len(scene.candidates)]
    if not parts:
        raise ValueError(f"{len(scenes)} scenes hold no candidate")
    return joined(parts)


def candidates_of(scene: Scene, least: float) -> Stamps:
    """Cut out the candidates of one scene; those without data in the middle are left out."""
    found = scene.candidates
    planes = cut(scene.stack, found.x, found.y)
    kinds = np.append(scene.kinds, ARTIFACT)[found.source]
    sign = np.where(found.is_negative, -1.0, 1.0)
    planes[:, 2] *= sign[:, None, None].astype(np.float32)
    core = slice(SIDE // 2 - 2, SIDE // 2 + 3)
    kept = (found.significance >= least) & (
        np.isfinite(planes[:, 0, core, core]).sum(axis=(1, 2)) >= 5
    )
    count = len(found)
    whole = Stamps(
        planes=planes,
        fwhm=np.full(count, scene.fwhm),
        sign=sign,
        history=np.full(count, np.nan),
        kind=kinds.astype("U10"),
        group=np.full(count, f"scene {scene.seed}"),
        weight=np.ones(count),
    )
    return whole.chosen(np.flatnonzero(kept))


def cut(stack: NDArray[np.float32], x: FloatArray, y: FloatArray) -> NDArray[np.float32]:
    """Cut stamps out of the channels of a frame.

    Returns
    -------
    (n, 3, 63, 63) float32 array
        In units of the frame's noise above its sky; NaN where the frame holds no data.
    """
    half = SIDE // 2
    values = 2 * stack[..., : len(PLANES)]
    values = np.float32(SOFTENING) * np.sinh(values)
    values[(stack == 0).all(axis=2)] = np.nan
    padded = np.pad(values, ((half, half), (half, half), (0, 0)), constant_values=np.nan)
    row, column = np.rint(y).astype(int), np.rint(x).astype(int)
    offsets = np.arange(SIDE)
    stamps = padded[
        row[:, None, None] + offsets[None, :, None], column[:, None, None] + offsets[None, None, :]
    ]
    return np.ascontiguousarray(np.moveaxis(stamps, 3, 1))
