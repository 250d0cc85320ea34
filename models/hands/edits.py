"""Puts a sixth finger on a photographed hand, and makes the controls that tell if that is all.

Each edit moves a copy of one of the hand's own fingers. The control `in-place` pastes the finger
back almost where it was; `beside` pastes the same patch off the hand. A detector that reacts to
them has learnt the paste and not the finger.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[Any]

FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
EDITS = ("extra-outside", "extra-between")
CONTROLS = ("in-place", "beside")


def edit(
    image: Image.Image, points: Array, kind: str, rng: np.random.Generator
) -> Image.Image | None:
    """The picture with that edit, or None where no finger is stretched enough to be copied.

    Args:
        image: RGB.
        points: 21×2, in its pixels.
        kind: one of `EDITS` or `CONTROLS`.
        rng: of the places.
    """
    long = [f for f in FINGERS[1:] if _stretched(points, f)]
    if kind == "extra-outside":
        long = [f for f in long if f in (FINGERS[1], FINGERS[4])]
    if not long:
        return None
    finger = long[int(rng.integers(len(long)))]
    palm = float(np.mean([np.linalg.norm(points[k] - points[0]) for k in (5, 9, 13, 17)]))
    base = points[finger[0]]
    pivot, shift, turn = base, np.zeros(2), 0.0
    if kind == "extra-outside":
        inner = FINGERS[2] if finger is FINGERS[1] else FINGERS[3]
        turn = _side(points, inner, finger) * rng.uniform(0.3, 0.65)
        pivot = base + (points[0] - base) * rng.uniform(0, 0.2)
    elif kind == "extra-between":
        i = FINGERS.index(finger)
        j = i + 1 if i == 1 else i - 1 if i == 4 else i + int(rng.choice([-1, 1]))
        turn = _side(points, finger, FINGERS[j]) * rng.uniform(0.15, 0.3)
        shift = (points[FINGERS[j][0]] - base) * 0.45
    elif kind == "in-place":
        turn = rng.normal(0, 0.06)
    else:
        away = base - points[0]
        shift = away / (np.linalg.norm(away) + 1e-6) * palm * rng.uniform(1.6, 2.0)
        turn = rng.uniform(-0.5, 0.5)
    return _paste(image, points, finger, pivot, shift, turn, rng.uniform(0.92, 1.06))


def _paste(
    image: Image.Image, points: Array, finger: tuple[int, ...], pivot: Array, shift: Array,
    turn: float, size: float,
) -> Image.Image:  # fmt: skip
    knuckles = points[[5, 9, 13, 17]]
    radius = 0.56 * float(np.mean(np.linalg.norm(np.diff(knuckles, axis=0), axis=1)))
    line = [points[k] for k in finger]
    line.append(line[-1] + (line[-1] - line[-2]) * 0.3)
    mask = Image.new("L", image.size)
    pen = ImageDraw.Draw(mask)
    for a, b in pairwise(line):
        pen.line([*map(float, a), *map(float, b)], 255, max(1, round(2 * radius)))
    for x, y in line[:-1]:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    cos, sin = np.cos(turn) / size, np.sin(turn) / size
    x, y = pivot + shift
    back = (cos, sin, pivot[0] - cos * x - sin * y, -sin, cos, pivot[1] + sin * x - cos * y)
    move = (image.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    soft = mask.transform(*move).filter(ImageFilter.GaussianBlur(max(0.5, radius / 6)))
    return Image.composite(image.transform(*move), image, soft)


def _stretched(points: Array, finger: tuple[int, ...]) -> bool:
    chain = points[list(finger)]
    way = np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()
    far = [np.linalg.norm(chain[k] - points[0]) for k in (0, 1, 3)]
    return bool(np.linalg.norm(chain[3] - chain[0]) > 0.9 * way and far[2] > far[1] > far[0])


def _side(points: Array, one: tuple[int, ...], two: tuple[int, ...]) -> float:
    """+1 or -1: the way to turn to get from the first finger to the second."""
    a, b = points[one[1]] - points[0], points[two[1]] - points[0]
    return float(np.sign(a[0] * b[1] - a[1] * b[0]))
