"""Draws hands, well formed and malformed, on photographs: what `views.py` cuts out for training.

A hand is a bundle of capsules (segments with two radii) seen from above, each a height field: the
highest one is seen, and light falls on the surface that they make. Half of the hands are well
formed: any number of fingers up to five may be stretched, folded, hidden by an object or missing
altogether, for fewer than five is never a fault. The others have one fault each (`KINDS`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Array = NDArray[Any]
Rng = np.random.Generator

SIDE = 128
"""Pixels of a render."""

KINDS = ("extra-outside", "extra-between", "extra-thumb", "fused", "bent", "long", "melted")
"""The faults; a hand without one is `good`."""

_SKIN = ((255, 224, 196), (240, 200, 170), (225, 172, 140), (198, 140, 105), (150, 98, 66),
         (110, 70, 48), (78, 50, 38))  # fmt: skip
_LENGTHS = (0.90, 1.0, 0.93, 0.74)
_PHALANGES = (0.45, 0.31, 0.24)


@dataclass(slots=True)
class Capsule:
    """A segment with a radius at each end, at a height; `part` says what it belongs to."""

    start: Array
    end: Array
    radius: float
    radius_end: float
    height: float
    part: str = "finger"


@dataclass(slots=True)
class Hand:
    """Capsules, and where creases and nails go, in units of the palm."""

    capsules: list[Capsule] = field(default_factory=list)
    creases: list[tuple[Array, float, float]] = field(default_factory=list)
    nails: list[tuple[Array, float, float]] = field(default_factory=list)
    fingers: int = 0
    chains: list[list[Array]] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)


def build(rng: Rng, kind: str) -> Hand:
    """The geometry of one hand; the wrist points down, the thumb to the left."""
    hand = Hand()
    wide = rng.uniform(0.82, 1.05)
    tall = rng.uniform(0.92, 1.15)
    stretched = _stretched(rng, kind)
    count = len(stretched) - 1
    if count > 4:
        wide *= 1 + (count - 4) * rng.uniform(0.03, 0.18)
    thick = min(rng.uniform(0.095, 0.135), wide / max(count, 3) * 0.56)
    _palm(hand, rng, wide, tall)
    spread = rng.uniform(0.15, 1.3)
    length = rng.uniform(0.78, 1.06)
    places = np.linspace(-0.5, 0.5, max(count, 2))[:count]
    lengths = np.interp(places, np.linspace(-0.5, 0.5, 4), _LENGTHS)
    odd = _odd_finger(rng, kind, stretched)
    curl = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0
    for i, (u, proportion) in enumerate(zip(places, lengths, strict=True)):
        base = np.array([u * wide * 0.88, -tall * 0.43 + 0.25 * u * u])
        angle = u * spread * rng.uniform(0.85, 1.15) * 0.9 + rng.normal(0, 0.05)
        radius = thick * (1 - 0.2 * abs(u)) * rng.uniform(0.95, 1.05)
        if not stretched[i]:
            _folded(hand, rng, base, radius)
            continue
        long = length * proportion * rng.uniform(0.96, 1.04)
        if kind == "long" and i == odd:
            long *= rng.uniform(1.45, 1.8)
        kink = 0.0
        if kind == "bent" and i == odd:
            kink = rng.choice([-1, 1]) * rng.uniform(0.7, 1.5)
        _finger(hand, rng, base, angle, long, radius, curl, kink)
    thumbs = 2 if kind == "extra-thumb" else 1
    if stretched[-1]:
        bent = "bent" if kind == "bent" and odd == count else ""
        first = rng.uniform(0.35, 1.25)
        for number in range(thumbs):
            _thumb(hand, rng, wide, tall, thick, first - number * rng.uniform(0.35, 0.6),
                   number * rng.uniform(0.08, 0.3), bent)  # fmt: skip
    elif rng.random() < 0.6:
        _thumb_across(hand, rng, wide, tall, thick)
    if kind == "fused":
        _fuse(hand, rng)
    return hand


def _stretched(rng: Rng, kind: str) -> list[bool]:
    """Which fingers are stretched, from index to little, and last the thumb."""
    count = 4
    if kind in ("extra-outside", "extra-between"):
        count = 6 if rng.random() < 0.15 else 5
    elif kind == "good" and rng.random() < 0.12:
        count = 3
    chance = rng.choice([1.0, 0.8, 0.5]) if kind == "good" else rng.choice([1.0, 0.9])
    found = [bool(rng.random() < chance) for _ in range(count + 1)]
    if kind in ("extra-outside", "extra-between"):
        found = [True] * count + [found[-1]]
    if kind == "extra-thumb":
        found[-1] = True
    if kind == "fused":
        start = int(rng.integers(count - 1))
        found[start] = found[start + 1] = True
    if kind in ("bent", "long", "melted") and not any(found[:-1]):
        found[int(rng.integers(count))] = True
    return found


def _odd_finger(rng: Rng, kind: str, stretched: Sequence[bool]) -> int:
    """The finger that has the fault."""
    choice = [i for i, s in enumerate(stretched) if s]
    if kind == "long":
        choice = [i for i in choice if i < len(stretched) - 1]
    return int(rng.choice(choice)) if choice else -1


def _palm(hand: Hand, rng: Rng, wide: float, tall: float) -> None:
    for i in range(5):
        u = i / 4 - 0.5
        hand.capsules.append(
            Capsule(
                np.array([u * wide * 0.62, tall * 0.42 - 0.1 * abs(u)]),
                np.array([u * wide * 0.86, -tall * 0.38 + 0.12 * u * u]),
                wide * 0.2, wide * 0.15, 0.0, "palm",
            )
        )  # fmt: skip
    arm = rng.uniform(0.26, 0.36) * wide
    lean = rng.uniform(-0.45, 0.45)
    wrist = np.array([lean * 0.25, tall * 0.75])
    elbow = np.array([lean * 1.6, tall * 2.8])
    hand.capsules.append(Capsule(np.array([0, tall * 0.35]), wrist, arm * 1.15, arm, -0.02, "palm"))
    hand.capsules.append(Capsule(wrist, elbow, arm, arm * rng.uniform(1.05, 1.5), -0.03, "arm"))
    if rng.random() < 0.35:
        at = rng.uniform(0.05, 0.6)
        start = wrist + (elbow - wrist) * at
        size = arm * rng.uniform(1.15, 1.6)
        hand.capsules.append(Capsule(start, elbow, size, size * 1.1, 0.05, "sleeve"))


def _finger(
    hand: Hand, rng: Rng, base: Array, angle: float, long: float, radius: float, curl: float,
    kink: float,
) -> None:  # fmt: skip
    point, chain = base, [base]
    height = rng.uniform(-0.03, 0.05)
    bend = rng.normal(0, 0.07)
    joint = int(rng.integers(1, 3))
    flex = curl * rng.uniform(0.3, 1.2)
    for k, share in enumerate(_PHALANGES):
        if kink and k == joint:
            angle += kink
        seen = long * share * np.cos(min(flex * (k + 0.5), 1.1))
        end = point + seen * np.array([np.sin(angle), -np.cos(angle)])
        first, last = radius * (1 - 0.09 * k), radius * (1 - 0.09 * (k + 1))
        part = "tip" if k == 2 else "finger"
        hand.capsules.append(Capsule(point, end, first, last, height, part))
        height += 0.06 * flex
        if k < 2:
            hand.creases.append((end, angle, last))
        else:
            hand.nails.append((end, angle, last))
        chain.append(end)
        point, angle = end, angle + bend
    hand.chains.append(chain)
    hand.radii.append(radius)
    hand.fingers += 1


def _folded(hand: Hand, rng: Rng, base: Array, radius: float) -> None:
    if rng.random() < 0.6:
        end = base * [0.95, 1] + [0, rng.uniform(0.2, 0.38)]
        hand.capsules.append(Capsule(base, end, radius * 1.02, radius * 0.95, 0.12))
    else:
        up = np.array([0, -rng.uniform(0.02, 0.12)])
        hand.capsules.append(Capsule(base - up, base + up, radius * 1.05, radius, 0.05))


def _thumb(
    hand: Hand, rng: Rng, wide: float, tall: float, thick: float, angle: float, raised: float,
    bent: str,
) -> None:  # fmt: skip
    point = np.array([-wide * 0.42, tall * (0.22 - raised)])
    long = rng.uniform(0.68, 0.9)
    hand.capsules.append(
        Capsule(np.array([-wide * 0.25, tall * 0.35]), point, wide * 0.16, thick * 1.25, 0.01)
    )
    angle = -angle
    for k, share in enumerate((0.52, 0.48)):
        if bent and k == 1:
            angle += rng.choice([-1, 1]) * rng.uniform(1.0, 1.7)
        end = point + long * share * np.array([np.sin(angle), -np.cos(angle)])
        first, last = thick * (1.22 - 0.1 * k), thick * (1.12 - 0.16 * k)
        part = "tip" if k else "finger"
        hand.capsules.append(Capsule(point, end, first, last, 0.02, part))
        (hand.nails if k else hand.creases).append((end, angle, last))
        point = end
        angle += rng.normal(0.12, 0.15)
    hand.fingers += 1


def _thumb_across(hand: Hand, rng: Rng, wide: float, tall: float, thick: float) -> None:
    start = np.array([-wide * 0.38, tall * 0.15])
    end = np.array([wide * rng.uniform(-0.1, 0.15), -tall * rng.uniform(-0.05, 0.15)])
    hand.capsules.append(Capsule(start, end, thick * 1.15, thick, 0.13))


def _fuse(hand: Hand, rng: Rng) -> None:
    """Fill the gap between two neighbours with skin, from the base to beyond the middle."""
    pairs = [
        i
        for i in range(len(hand.chains) - 1)
        if np.linalg.norm(hand.chains[i][0] - hand.chains[i + 1][0]) < 0.45
    ]
    if not pairs:
        return
    i = int(rng.choice(pairs))
    one, two = hand.chains[i], hand.chains[i + 1]
    radius = (hand.radii[i] + hand.radii[i + 1]) / 2
    for t in np.arange(0, rng.uniform(1.8, 3.0), 0.2):
        k = min(int(t), 2)
        a = one[k] + (one[k + 1] - one[k]) * (t - k)
        b = two[k] + (two[k + 1] - two[k]) * (t - k)
        hand.capsules.append(Capsule(a, b, radius * 0.95, radius * 0.95, -0.01))


def render(rng: Rng, kind: str, photographs: Sequence[Array]) -> tuple[Array, int, Array]:
    """One picture, the number of stretched fingers, and the region (x, y, angle, side)."""
    hand = build(rng, kind)
    view = _View(rng)
    x, y = view.grid()
    height = np.full((SIDE, SIDE), -9, np.float32)
    owner = np.zeros((SIDE, SIDE), np.uint8)
    tip = np.zeros((SIDE, SIDE), np.float32)
    names = ("none", "palm", "arm", "sleeve", "finger", "tip")
    for capsule in hand.capsules:
        box = view.box(capsule)
        if box is None:
            continue
        found, along = _heights(capsule, x[box], y[box])
        flat = 0.55 if capsule.part in ("palm", "arm") else 1.0
        z = found * flat + capsule.height
        over = (found > 0) & (z > height[box])
        height[box][over] = z[over]
        owner[box][over] = names.index(capsule.part)
        tip[box][over] = along[over] if capsule.part == "tip" else 0
    mask = owner > 0
    colour = _skin(rng, hand, x, y, owner, tip)
    colour *= _light(rng, height, mask, view.scale)[..., None]
    ground = _background(rng, photographs)
    alpha = ndimage.gaussian_filter(mask.astype(np.float32), 0.6)[..., None]
    pixels = ground * (1 - alpha) + colour * alpha
    if kind == "melted" or (kind == "good" and rng.random() < 0.08):
        pixels = _swirl(rng, pixels, hand, view, inside=kind == "melted")
    if rng.random() < 0.3:
        pixels = _object(rng, pixels, photographs, view)
    return _camera(rng, pixels), hand.fingers, view.roi()


class _View:
    """From the hand's units to pixels: shift, turn, size, squeeze, and left or right."""

    def __init__(self, rng: Rng) -> None:
        self.turn = rng.normal(0, 0.35) if rng.random() < 0.8 else rng.uniform(-np.pi, np.pi)
        self.mirror = rng.choice([-1, 1])
        self.scale = rng.uniform(2.3, 3.6)
        self.squeeze = rng.uniform(0.55, 1.0) if rng.random() < 0.4 else rng.uniform(0.85, 1.0)
        self.shift = rng.normal(0, 0.04, 2)

    def grid(self) -> tuple[Array, Array]:
        steps = ((np.arange(SIDE) + 0.5) / SIDE - 0.5).astype(np.float32)
        px, py = steps[None, :] + self.shift[0], steps[:, None] + self.shift[1]
        c, s = np.cos(self.turn), np.sin(self.turn)
        x = (px * c + py * s) * (self.scale * self.mirror / self.squeeze)
        y = (-px * s + py * c) * self.scale - 0.32
        return x.astype(np.float32), y.astype(np.float32)

    def pixel(self, point: Array) -> Array:
        u = point[0] * self.squeeze * self.mirror / self.scale
        v = (point[1] + 0.32) / self.scale
        c, s = np.cos(self.turn), np.sin(self.turn)
        where = np.array([u * c - v * s, u * s + v * c]) - self.shift
        return (where + 0.5) * SIDE

    def box(self, capsule: Capsule) -> tuple[slice, slice] | None:
        a, b = self.pixel(capsule.start), self.pixel(capsule.end)
        margin = max(capsule.radius, capsule.radius_end) * SIDE / self.scale + 2
        low = np.maximum(np.floor(np.minimum(a, b) - margin), 0).astype(int)
        high = np.minimum(np.ceil(np.maximum(a, b) + margin), SIDE).astype(int)
        if (high <= low).any():
            return None
        return slice(low[1], high[1]), slice(low[0], high[0])

    def roi(self) -> Array:
        """About the region that the palm detector would give."""
        centre = self.pixel(np.array([0.0, -0.35]))
        return np.array([*centre, self.turn, 2.7 * SIDE / self.scale], np.float32)


def _heights(capsule: Capsule, x: Array, y: Array) -> tuple[Array, Array]:
    (ax, ay), (bx, by) = capsule.start, capsule.end
    vx, vy = bx - ax, by - ay
    along = ((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy + 1e-9)
    along = np.clip(along, 0, 1, dtype=np.float32)
    away = (x - ax - along * vx) ** 2 + (y - ay - along * vy) ** 2
    radius = capsule.radius + (capsule.radius_end - capsule.radius) * along
    return np.sqrt(np.maximum(radius * radius - away, 0)), along


def _skin(rng: Rng, hand: Hand, x: Array, y: Array, owner: Array, tip: Array) -> Array:
    base = np.array(_SKIN[rng.integers(len(_SKIN))], np.float32) * rng.uniform(0.85, 1.08, 3)
    coarse = _noise(rng, 6) * 0.05 + _noise(rng, 24) * 0.02
    grain = rng.standard_normal((SIDE, SIDE), np.float32) * 0.02
    colour = base.astype(np.float32) * (1 + coarse + grain)[..., None]
    colour[..., 1:] *= (1 - rng.uniform(0, 0.15) * tip)[..., None]
    dorsal = rng.random() < 0.5
    strength = rng.uniform(0.05, 0.25)
    for at, angle, radius in hand.creases:
        across = np.abs((x - at[0]) * np.sin(angle) - (y - at[1]) * np.cos(angle))
        aside = np.abs((x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle))
        colour *= (1 - strength * np.exp(-((across / 0.02) ** 2)) * (aside < radius * 0.8))[
            ..., None
        ]
    if dorsal:
        tone = base * rng.uniform(0.95, 1.15) * [1.0, 0.92, 0.92]
        for at, angle, radius in hand.nails:
            along = (x - at[0]) * np.sin(angle) - (y - at[1]) * np.cos(angle) + 0.15 * radius
            aside = (x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)
            nail = ((aside / (0.62 * radius)) ** 2 + (along / (0.8 * radius)) ** 2 < 1) & (
                owner == 5
            )
            colour[nail] = colour[nail] * 0.5 + tone * 0.5
    else:
        for _ in range(int(rng.integers(1, 4))):
            x0, y0 = rng.uniform(-0.3, 0.3, 2)
            d = np.abs((y - y0) - np.tan(rng.uniform(-0.6, 0.6)) * (x - x0) - 0.3 * (x - x0) ** 2)
            colour *= (1 - 0.15 * np.exp(-((d / 0.02) ** 2)) * (owner == 1))[..., None]
    sleeve = owner == 3
    if sleeve.any():
        cloth = rng.uniform(10, 245, 3).astype(np.float32)
        colour[sleeve] = cloth * (1 + 2 * grain[sleeve][:, None])
    return colour


def _light(rng: Rng, height: Array, mask: Array, scale: float) -> Array:
    surface = ndimage.gaussian_filter(np.where(mask, height, -0.05), 0.6)
    down, right = np.gradient(surface)
    steep = SIDE / scale * rng.uniform(0.4, 0.9)
    way, rise = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.2)
    light = np.array([np.cos(way), np.sin(way), rise]) / np.hypot(1, rise)
    norm = np.sqrt((right * steep) ** 2 + (down * steep) ** 2 + 1)
    lit = np.clip((-right * steep * light[0] - down * steep * light[1] + light[2]) / norm, 0, None)
    ambient = rng.uniform(0.35, 0.75)
    shade = ambient + (1 - ambient) * lit
    edge = np.abs(ndimage.laplace(np.where(mask, height, 0))) * mask
    shade *= 1 - np.clip(edge * rng.uniform(1, 4), 0, 0.45)
    return (shade * rng.uniform(0.7, 1.15)).astype(np.float32)


def _background(rng: Rng, photographs: Sequence[Array]) -> Array:
    if photographs and rng.random() < 0.8:
        ground = _patch(rng, photographs)
        if rng.random() < 0.4:
            ground = ndimage.gaussian_filter(ground, (s := rng.uniform(0.8, 3), s, 0))
        return ground
    tone = rng.uniform(15, 240, 3).astype(np.float32)
    waves = np.stack([_noise(rng, 3) for _ in range(3)], -1)
    return tone + waves * rng.uniform(2, 30)


def _patch(rng: Rng, photographs: Sequence[Array]) -> Array:
    photograph = photographs[int(rng.integers(len(photographs)))]
    tall, wide = photograph.shape[:2]
    side = int(rng.integers(min(SIDE, tall, wide), min(tall, wide) + 1))
    top, left = int(rng.integers(tall - side + 1)), int(rng.integers(wide - side + 1))
    cut = Image.fromarray(photograph[top : top + side, left : left + side])
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)


def _swirl(rng: Rng, pixels: Array, hand: Hand, view: _View, *, inside: bool) -> Array:
    """Turn small discs of the picture: on the fingers, or (as a control) away from them."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    dx, dy = np.zeros_like(rows), np.zeros_like(rows)
    unit = SIDE / view.scale
    joints = np.array([view.pixel(c.end) for c in hand.capsules if c.part in ("finger", "tip")])
    for _ in range(int(rng.integers(2, 5))):
        size = unit * rng.uniform(0.3, 0.6)
        if inside:
            centre = joints[rng.integers(len(joints))] + rng.normal(0, 0.04 * unit, 2)
        else:
            centre = rng.uniform(0, SIDE, 2)
            middle = view.pixel(np.array([0.0, -0.3]))
            if np.linalg.norm(centre - middle) < size + unit * 1.2:
                continue
        x, y = columns - centre[0], rows - centre[1]
        near = np.clip(1 - np.hypot(x, y) / size, 0, 1)
        turn = rng.choice([-1, 1]) * rng.uniform(0.9, 2.2) * near * near * (3 - 2 * near)
        dx += np.cos(turn) * x - np.sin(turn) * y - x
        dy += np.sin(turn) * x + np.cos(turn) * y - y
    where = [rows + dy, columns + dx]
    return np.stack(
        [ndimage.map_coordinates(pixels[..., c], where, order=1, mode="nearest") for c in range(3)],
        axis=-1,
    )


def _object(rng: Rng, pixels: Array, photographs: Sequence[Array], view: _View) -> Array:
    """Something in front of the hand, or in it: a bar, a disc, or an arm of skin colour."""
    steps = np.arange(SIDE, dtype=np.float32)
    centre = view.pixel(rng.uniform([-0.7, -1.0], [0.7, 0.6]))
    x, y = steps[None, :] - centre[0], steps[:, None] - centre[1]
    turn = rng.uniform(0, np.pi)
    along, aside = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    unit = SIDE / view.scale
    if rng.random() < 0.5:
        wide = unit * rng.uniform(0.06, 0.25)
        shape = (np.abs(aside) < wide) & (np.abs(along) < unit * rng.uniform(0.6, 2.5))
        round_ = np.sqrt(np.clip(1 - (aside / wide) ** 2, 0, 1))
    else:
        a, b = unit * rng.uniform(0.15, 0.5, 2)
        inside = 1 - (along / a) ** 2 - (aside / b) ** 2
        shape, round_ = inside > 0, np.sqrt(np.clip(inside, 0, 1))
    chance = rng.random()
    if chance < 0.4 and photographs:
        fill = _patch(rng, photographs)
    else:
        tone = _SKIN[rng.integers(len(_SKIN))] if chance < 0.6 else rng.uniform(10, 245, 3)
        fill = np.array(tone, np.float32) * (0.6 + 0.4 * round_)[..., None]
    alpha = ndimage.gaussian_filter(shape.astype(np.float32), 0.6)[..., None]
    return pixels * (1 - alpha) + fill * alpha


def _camera(rng: Rng, pixels: Array) -> Array:
    """Blur, contrast, noise, a smaller size, JPEG."""
    pixels = ndimage.gaussian_filter(pixels, (s := rng.uniform(0, 0.9), s, 0))
    pixels = (pixels - 128) * rng.uniform(0.7, 1.2) + 128 + rng.normal(0, 12)
    noise = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(0, 7)
    image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        small = int(rng.integers(64, SIDE))
        image = image.resize((small, small), Image.Resampling.BILINEAR).resize((SIDE, SIDE))
    if rng.random() < 0.7:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(45, 96)))
        image = Image.open(buffer)
    return np.asarray(image.convert("RGB"))


def _noise(rng: Rng, cells: int) -> Array:
    """Smooth noise of unit strength with that many waves across."""
    grid = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
    return np.asarray(grid.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def photographs_in(folder: Path, limit: int = 400) -> list[Array]:
    """Pictures of a folder, at most 384 pixels on the longer side."""
    found = []
    for path in sorted(folder.iterdir())[:limit]:
        try:
            with Image.open(path) as image:
                small = image.convert("RGB")
        except (OSError, ValueError):
            continue
        small.thumbnail((384, 384))
        if min(small.size) >= SIDE // 2:
            found.append(np.asarray(small))
    return found
