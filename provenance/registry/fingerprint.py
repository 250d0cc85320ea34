"""A fingerprint: 256 bits that stay much the same when a picture is scaled, recompressed or toned.

The hash is that of PDQ (Meta, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing
algorithm", 2019): luma at 64×64, a discrete cosine transform, the 16×16 lowest frequencies without
the constant, each bit telling whether its coefficient is above their median. Ours differs in the
filter for reducing and in the order of bits, so the two cannot be mixed.

Such a hash does not survive a crop by itself: at 90 % of each side half of its bits are noise. So
two are kept, of the whole picture and of its middle, and a copy offers many: of itself, of its
mirror image, and of every place where the middle may lie if it was cropped a little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from provenance.picture import Picture

if TYPE_CHECKING:
    from PIL import Image

ALGORITHM = "org.provenance-kit.fingerprint.1"
"""Name of the scheme, for soft bindings."""

SIZE = 32
"""Bytes of one hash."""

MIDDLE = 0.8
"""The second hash covers this share of each side."""

MATCH = 64
"""Bits, of 256: at or below, two pictures count as one picture, edited or not.

Measured by benchmarks/registry.py; docs/registry.md has the table."""

SAME = 24
"""Bits, of 256: at or below, the pixels may be recompressed or scaled, and are hardly edited."""

PLAIN = 50
"""Pictures with less detail get no fingerprint: their bits would be noise. The unit and the value
are those of PDQ's quality metric."""

_PLAIN_COPY = PLAIN // 3
"""A copy may be darker or flatter than what was recorded."""

_CANVAS = 256
_GRID = 64
_SIDE = 16

_CROPS = ((0.96, 2), (0.93, 3), (0.895, 3))
"""Share of each side that a crop may have left, and places tried along each side."""

Bits = NDArray[np.bool_]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a picture.

    Attributes:
        whole: hash of all of it, 32 bytes.
        middle: hash of its middle, 32 bytes.
    """

    whole: bytes
    middle: bytes

    def __post_init__(self) -> None:
        """Hold the promise on length.

        Raises:
            ValueError: another length.
        """
        if len(self.whole) != SIZE or len(self.middle) != SIZE:
            raise ValueError(
                f"hashes have {len(self.whole)} and {len(self.middle)} bytes; expected {SIZE}"
            )

    def to_bytes(self) -> bytes:
        """64 bytes, for a database or a soft binding."""
        return self.whole + self.middle

    @classmethod
    def from_bytes(cls, data: bytes) -> Fingerprint:
        """The inverse of `to_bytes`.

        Raises:
            ValueError: not 64 bytes.
        """
        return cls(data[:SIZE], data[SIZE:])


@dataclass(frozen=True, slots=True)
class Probes:
    """What a copy offers for comparison.

    Attributes:
        whole: hashes to compare with `Fingerprint.whole`, likeliest first.
        middle: hashes to compare with `Fingerprint.middle`.
    """

    whole: tuple[bytes, ...]
    middle: tuple[bytes, ...]


def fingerprint(picture: Picture) -> Fingerprint | None:
    """The fingerprint of a picture; None when it is too plain to have one. Ignores transparency."""
    canvas = small(picture)
    grid = _reduced(canvas, (0, 0, _CANVAS, _CANVAS))
    if detail(grid) < PLAIN:
        return None
    edge = (1 - MIDDLE) / 2
    return Fingerprint(hash_of(grid), hash_of(_reduced(canvas, window(MIDDLE, edge, edge))))


def probes(picture: Picture) -> Probes | None:
    """What to look for when this picture may be a copy, perhaps mirrored or cropped to 90 %."""
    canvas = small(picture)
    grid = _reduced(canvas, (0, 0, _CANVAS, _CANVAS))
    if detail(grid) < _PLAIN_COPY:
        return None
    parts = [hash_window(canvas, box) for share, places in _CROPS for box in middles(share, places)]
    return Probes((hash_of(grid), hash_of(grid[:, ::-1])), tuple(parts))


def whole_hash(picture: Picture) -> bytes | None:
    """The hash of a copy as it is; None when it is too plain."""
    grid = _reduced(small(picture), (0, 0, _CANVAS, _CANVAS))
    return None if detail(grid) < _PLAIN_COPY else hash_of(grid)


def distance(a: Fingerprint, b: Fingerprint) -> int:
    """Bits that differ between two whole pictures, of 256; about 128 for unrelated ones."""
    return differing(a.whole, b.whole)


def nearest(offered: Probes, kept: Fingerprint) -> int:
    """Bits that differ for the best of the probes."""
    return min(
        [differing(h, kept.whole) for h in offered.whole]
        + [differing(h, kept.middle) for h in offered.middle]
    )


def differing(a: bytes, b: bytes) -> int:
    """Bits that differ between two hashes."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def small(picture: Picture) -> Image.Image:
    """Luma at 256×256, whatever the aspect: all hashes are made from this."""
    from PIL import Image

    luma = Image.fromarray(picture.pixels).convert("L")
    return luma.resize((_CANVAS, _CANVAS), Image.Resampling.BILINEAR, reducing_gap=3.0)


def hash_window(canvas: Image.Image, box: Box) -> bytes:
    """The hash of a part of `small`."""
    return hash_of(_reduced(canvas, box))


def window(size: float, x: float, y: float) -> Box:
    """A part of `small`: `size` is a share of each side, `x` and `y` those of the upper left."""
    return (x * _CANVAS, y * _CANVAS, (x + size) * _CANVAS, (y + size) * _CANVAS)


def middles(share: float, places: int) -> Iterator[Box]:
    """Where the middle of the original may lie, in a crop that left this share of each side.

    Args:
        share: of each side, at least `MIDDLE`.
        places: tried along each side.
    """
    size, edge = MIDDLE / share, (1 - MIDDLE) / 2
    low, high = max(0.0, (share - 1 + edge) / share), min(1 - size, edge / share)
    offsets = [(low + high) / 2] if places == 1 else np.linspace(low, high, places).tolist()
    return (window(size, x, y) for y in offsets for x in offsets)


def hash_of(grid: NDArray[np.float32]) -> bytes:
    """The 256 bits of a 64×64 grid, the lowest frequencies first."""
    basis = _basis()
    wave = (basis @ grid @ basis.T).ravel()[_order()]
    return np.packbits(wave > np.median(wave)).tobytes()


def detail(grid: NDArray[np.float32]) -> int:
    """How much there is to tell apart, 0 to 100: PDQ's image-domain quality metric."""
    steps = [np.abs(np.diff(grid, axis=axis)) * (100 / 255) for axis in (0, 1)]
    return min(100, int(sum(float(np.trunc(step).sum()) for step in steps) / 90))


def _reduced(canvas: Image.Image, box: Box) -> NDArray[np.float32]:
    from PIL import Image

    return np.asarray(canvas.resize((_GRID, _GRID), Image.Resampling.BILINEAR, box=box), np.float32)


@cache
def _basis() -> NDArray[np.float32]:
    """Rows 1 to 16 of the cosine transform of 64 samples."""
    n, k = np.arange(_GRID), np.arange(1, _SIDE + 1)
    return np.cos(np.pi / _GRID * np.outer(k, n + 0.5)).astype(np.float32)


@cache
def _order() -> NDArray[np.intp]:
    """Squares of rising size: the first 64 bits are the 8×8 lowest frequencies."""
    row, column = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    return np.lexsort((column, row, np.maximum(row, column)))
