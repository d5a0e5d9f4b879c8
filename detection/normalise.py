"""From frames to what the network sees: one normalisation for training, inference and tests."""

import numpy as np
from numpy.typing import NDArray

from differencing.subtraction.noise import MAD_TO_SIGMA

FloatImage = NDArray[np.floating]
BoolImage = NDArray[np.bool_]

# Goes up with every change of what `channels` gives; weights name the version they know.
VERSION = 1
CHANNELS = ("science", "reference", "difference", "significance")

# A normal sample clipped at 3 sigma keeps this MAD-based sigma to 0.5 %.
CLIP_SIGMA = 3.0
CLIP_ROUNDS = 5
SOFTENING = 2.0  # sigma: below it pixels go in almost linearly
SIGNIFICANCE_SOFTENING = 3.0
LIMIT = 4.0  # reached at 2 sinh(8) = 2981 sigma
# Enough pixels for a median good to 0.1 % of sigma; more cost time only.
SAMPLE = 1_000_000


def channels(
    science: FloatImage,
    reference: FloatImage,
    difference: FloatImage,
    significance: FloatImage,
    mask: NDArray,
) -> NDArray[np.float32]:
    """Bring four images of one frame to the scale of the network.

    Parameters
    ----------
    science, reference, difference : (ny, nx) arrays
        Any unit; each is measured in its own frame-wide noise above its own sky.
    significance : (ny, nx) array
        S_corr, in sigma.
    mask : (ny, nx) array
        Pixels that are not 0 are unusable; so is every pixel that is not finite in any image.

    Returns
    -------
    (ny, nx, 4) float32 array
        Between -4 and 4; 0 in unusable pixels.

    Raises
    ------
    ValueError
        If the shapes differ or no pixel is usable.
    """
    images = dict(zip(CHANNELS, (science, reference, difference, significance), strict=True))
    check_shapes(images, mask)
    usable = np.asarray(mask) == 0
    for image in images.values():
        usable &= np.isfinite(image)
    if not usable.any():
        raise ValueError(f"none of the {usable.size} pixels is finite in all images and unmasked")
    stack = np.empty((*usable.shape, len(CHANNELS)), np.float32)
    for index, image in enumerate((science, reference, difference)):
        level, sigma = sky_of(image, usable)
        stack[..., index] = compress((image - level) / sigma, SOFTENING)
    stack[..., 3] = compress(significance, SIGNIFICANCE_SOFTENING)
    stack[~usable] = 0
    return stack


def check_shapes(images: dict[str, FloatImage], mask: NDArray) -> None:
    """Refuse images that do not belong together."""
    shapes = {name: image.shape for name, image in images.items()} | {"mask": mask.shape}
    if len(set(shapes.values())) != 1 or mask.ndim != 2:
        raise ValueError(f"all images must share one 2-D shape, not {shapes}")


def compress(values: FloatImage, softening: float) -> NDArray[np.float32]:
    """Give asinh(values / softening) / 2, clipped: linear near 0, logarithmic far from it."""
    with np.errstate(invalid="ignore", over="ignore"):
        squeezed = np.arcsinh(values / softening) / 2
    return np.asarray(np.clip(squeezed, -LIMIT, LIMIT), np.float32)


def sky_of(image: FloatImage, usable: BoolImage) -> tuple[float, float]:
    """Give the median and the noise of the sky of one frame, sources clipped away.

    Raises
    ------
    ValueError
        If no pixel is usable, or those that are have no scatter.
    """
    values = image[usable].astype(np.float64)
    if values.size == 0:
        raise ValueError(f"none of the {usable.size} pixels is usable: masked or not finite")
    values = values[:: 1 + values.size // SAMPLE]
    for _ in range(CLIP_ROUNDS):
        level = float(np.median(values))
        sigma = MAD_TO_SIGMA * float(np.median(np.abs(values - level)))
        kept = values[np.abs(values - level) <= CLIP_SIGMA * sigma]
        if kept.size == values.size or sigma == 0:
            break
        values = kept
    if not sigma > 0:
        raise ValueError(
            f"more than half of the {values.size} usable pixels equal {level:g}: an exposure of "
            "the sky has noise"
        )
    return level, sigma
