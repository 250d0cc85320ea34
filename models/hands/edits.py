"""Puts a sixth finger on a photographed hand, or spoils it, and makes the controls beside that.

`extra-outside`, `extra-between` and `extra-thumb` move a copy of one of the hand's own fingers.
`spliced` cuts the hand open between two fingers, moves one side out and shows a finger twice: no
patch is laid on it. `bent` and `melted` turn small discs. The controls: `in-place` pastes the
finger back almost where it was, `beside` pastes the same patch off the hand, `widened` stretches
what `spliced` would cut, `swirled` melts what is off the hand. A detector that reacts to them has
learnt the paste and not the finger.

Two fingers where one was stretched are a hand like others: an extra finger is a fault only where
all four fingers were stretched before (`open_hand`). On other hands it is one more control.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

Array = NDArray[Any]
Rng = np.random.Generator
Finger = tuple[int, ...]

FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
EXTRA = ("extra-outside", "extra-between", "extra-thumb", "spliced")
SPOILT = ("bent", "melted")
CONTROLS = ("in-place", "beside", "widened", "swirled")
KINDS = (*EXTRA, *SPOILT, *CONTROLS)


def edit(image: Image.Image, points: Array, kind: str, rng: Rng) -> Image.Image | None:
    """The picture with that edit, or None where no finger is stretched enough for it.

    Args:
        image: RGB.
        points: 21×2, in its pixels.
        kind: one of `KINDS`.
        rng: of the places.
    """
    if kind in ("spliced", "widened"):
        return _opened(image, points, rng, twice=kind == "spliced")
    if kind in ("bent", "melted", "swirled"):
        return _turned(image, points, kind, rng)
    return _copied(image, points, kind, rng)


def _copied(image: Image.Image, points: Array, kind: str, rng: Rng) -> Image.Image | None:
    long = [f for f in FINGERS[1:] if _stretched(points, f)]
    if kind == "extra-outside":
        long = [f for f in long if f in (FINGERS[1], FINGERS[4])]
    palm = _palm(points)
    if kind == "extra-thumb":
        away = float(np.linalg.norm(points[4] - points[5]))
        long = [FINGERS[0]] if away > 0.45 * palm else []
    if not long:
        return None
    finger = long[int(rng.integers(len(long)))]
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
    elif kind == "extra-thumb":
        turn = rng.choice([-1, 1]) * rng.uniform(0.35, 0.6)
        shift = (points[5] - base) * rng.uniform(0, 0.25)
    elif kind == "in-place":
        turn = rng.normal(0, 0.06)
    else:
        away = base - points[0]
        shift = away / (np.linalg.norm(away) + 1e-6) * palm * rng.uniform(1.6, 2.0)
        turn = rng.uniform(-0.5, 0.5)
    return _paste(image, points, finger, pivot, shift, turn, rng.uniform(0.92, 1.06))


def _opened(image: Image.Image, points: Array, rng: Rng, *, twice: bool) -> Image.Image | None:
    """Move what lies beyond one finger out by a finger; what opens shows the finger again, or skin.

    Across the hand (towards the little finger) every row of pixels is read from elsewhere: beyond
    the seam from one finger further in; `twice` reads the row in two pieces, else it is stretched.
    """
    fits = [i for i in range(1, 4) if _stretched(points, FINGERS[i])]
    if not fits:
        return None
    i = fits[int(rng.integers(len(fits)))]
    one, two = FINGERS[i], FINGERS[i + 1]
    up = points[one[3]] - points[one[0]]
    up = up / (np.linalg.norm(up) + 1e-6)
    across = np.array([-up[1], up[0]])
    if (points[two[0]] - points[one[0]]) @ across < 0:
        across = -across
    rows, columns = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    dx, dy = columns - points[one[0]][0], rows - points[one[0]][1]
    high, wide = dx * up[0] + dy * up[1], dx * across[0] + dy * across[1]
    gap = float(np.linalg.norm(points[two[0]] - points[one[0]]))
    lean = (points[two[3]] - points[one[3]]) @ across if _stretched(points, two) else gap * 1.3
    long = float(np.linalg.norm(points[one[3]] - points[one[0]])) + 1e-6
    grows = np.clip(high / long, 0, 1) * np.clip((lean - gap) / gap, -0.2, 1.0)
    rising = np.clip((high + _palm(points) * 0.9) / (_palm(points) * 0.7), 0, 1)
    move = gap * rng.uniform(0.9, 1.1) * (1 + grows) * rising * rising * (3 - 2 * rising)
    seam = 0.5 * gap * (1 + grows)
    if twice:
        back = np.where(wide > seam, move, 0)
    else:
        back = move * 0.4 * np.clip((wide + 2 * gap) / (4 * gap), 0, 1)
    return _read(image, columns - back * across[0], rows - back * across[1])


def _turned(image: Image.Image, points: Array, kind: str, rng: Rng) -> Image.Image | None:
    rows, columns = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    palm = _palm(points)
    discs = []
    if kind == "bent":
        long = [f for f in FINGERS if _stretched(points, f)]
        if not long:
            return None
        finger = points[list(long[int(rng.integers(len(long)))])]
        centre = finger[2] + (finger[3] - finger[2]) * rng.uniform(0, 0.6)
        size = float(np.linalg.norm(finger[3] - finger[1])) * rng.uniform(0.9, 1.2)
        discs.append((centre, size, rng.choice([-1, 1]) * rng.uniform(0.8, 1.6)))
    for _ in range(int(rng.integers(2, 5)) if kind != "bent" else 0):
        size = palm * rng.uniform(0.25, 0.5)
        if kind == "melted":
            finger = FINGERS[int(rng.integers(5))]
            centre = points[finger[int(rng.integers(1, 4))]] + rng.normal(0, 0.05 * palm, 2)
        else:
            way = rng.uniform(0, 2 * np.pi)
            middle, reach = points.mean(0), np.linalg.norm(points - points.mean(0), axis=1).max()
            centre = middle + (reach + size * 1.1) * np.array([np.cos(way), np.sin(way)])
        discs.append((centre, size, rng.choice([-1, 1]) * rng.uniform(0.8, 2.0)))
    at_x, at_y = columns.copy(), rows.copy()
    for centre, size, angle in discs:
        x, y = columns - centre[0], rows - centre[1]
        near = np.clip(1 - np.hypot(x, y) / size, 0, 1)
        turn = angle * near * near * (3 - 2 * near)
        at_x += np.cos(turn) * x - np.sin(turn) * y - x
        at_y += np.sin(turn) * x + np.cos(turn) * y - y
    return _read(image, at_x, at_y)


def _read(image: Image.Image, columns: Array, rows: Array) -> Image.Image:
    pixels = np.asarray(image)
    moved = [
        ndimage.map_coordinates(pixels[..., c], [rows, columns], order=1, mode="nearest")
        for c in range(3)
    ]
    return Image.fromarray(np.stack(moved, -1))


def _palm(points: Array) -> float:
    return float(np.mean([np.linalg.norm(points[k] - points[0]) for k in (5, 9, 13, 17)]))


def _paste(
    image: Image.Image, points: Array, finger: Finger, pivot: Array, shift: Array,
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


def open_hand(points: Array) -> bool:
    """Whether all four fingers are stretched: only then is one more than a hand can have."""
    return all(_stretched(points, finger) for finger in FINGERS[1:])


def _stretched(points: Array, finger: Finger) -> bool:
    chain = points[list(finger)]
    way = np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()
    far = [np.linalg.norm(chain[k] - points[0]) for k in (0, 1, 3)]
    return bool(np.linalg.norm(chain[3] - chain[0]) > 0.9 * way and far[2] > far[1] > far[0])


def _side(points: Array, one: Finger, two: Finger) -> float:
    """+1 or -1: the way to turn to get from the first finger to the second."""
    a, b = points[one[1]] - points[0], points[two[1]] - points[0]
    return float(np.sign(a[0] * b[1] - a[1] * b[0]))
