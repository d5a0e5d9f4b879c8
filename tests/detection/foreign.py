"""Stamps of things that no camera saw: drawn over the noise of a sky, bright in the difference."""

import numpy as np
from PIL import Image, ImageDraw

from detection.stampnet.stamps import SIDE, unlabelled

MIDDLE = SIDE // 2
Y, X = np.mgrid[:SIDE, :SIDE] - MIDDLE


def chequers(rng):
    wide = int(rng.integers(3, 8))
    return ((X // wide + Y // wide) % 2).astype(float)


def ring(rng):
    radius, wide = rng.uniform(7, 14), rng.uniform(0.8, 1.6)
    return np.exp(-0.5 * ((np.hypot(X, Y) - radius) / wide) ** 2)


def fringes(rng):
    angle, length = rng.uniform(0, np.pi), rng.uniform(4, 9)
    return 0.5 + 0.5 * np.cos(2 * np.pi * (X * np.cos(angle) + Y * np.sin(angle)) / length)


def letters(rng):
    image = Image.new("L", (SIDE, SIDE), 0)
    words = "".join(rng.choice(list("ABEHKMRWX"), 3))
    ImageDraw.Draw(image).text((6, 18), words, fill=255, font_size=24)
    return np.asarray(image, float) / 255


def half(rng):
    angle = rng.uniform(0, 2 * np.pi)
    return (X * np.cos(angle) + Y * np.sin(angle) > 0).astype(float)


def grid(rng):
    step = int(rng.integers(6, 10))
    near = np.hypot((X + step // 2) % step - step // 2, (Y + step // 2) % step - step // 2)
    return np.exp(-0.5 * (near / 1.1) ** 2)


def cross(rng):
    wide = rng.uniform(1.5, 3)
    return np.maximum(np.abs(X) < wide, np.abs(Y) < wide).astype(float)


KINDS = (chequers, ring, fringes, letters, half, grid, cross)


def foreign_stamps(each, seed):
    """Give so many stamps of every kind, and the names of their kinds."""
    rng = np.random.default_rng(seed)
    planes, names = [], []
    for draw in KINDS:
        for _ in range(each):
            shape = draw(rng) * np.exp(rng.uniform(np.log(20), np.log(200)))
            noise = rng.normal(0, 1, (3, SIDE, SIDE))
            noise[0] += shape
            noise[2] += shape
            planes.append(noise)
            names.append(draw.__name__)
    count = len(planes)
    stamps = unlabelled(np.array(planes, np.float32), np.full(count, 2.7), sign=np.ones(count))
    return stamps, np.array(names)
