"""Pictures in folders: which there are, and which of them are the same picture again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import InputError
from provenance.picture import Picture

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}
)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One file.

    Attributes:
        path: where it is.
        source: the first folder inside the one that was searched; empty for files directly in it.
    """

    path: Path
    source: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """What is kept of a picture to find its copies, and to see whether trivial rules do as well.

    Attributes:
        digest: perceptual hash, or None where the picture is too plain to have one.
        plain: size, shape, mean colours and contrast.
    """

    digest: bytes | None
    plain: Numbers = field(repr=False)


def find(folder: str | Path) -> list[Sample]:
    """The pictures of a folder and of all folders in it, by name; links are not followed.

    Raises:
        InputError: it is no folder, or holds no picture.
    """
    top = Path(folder)
    if not top.is_dir():
        raise InputError(f"{top} is no folder; expected one with pictures")
    found = []
    for path in sorted(top.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
            inside = path.relative_to(top).parts
            found.append(Sample(path, inside[0] if len(inside) > 1 else ""))
    if not found:
        raise InputError(f"the folder {top} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return found


def look(picture: Picture) -> Looks:
    """What is kept of a picture."""
    from provenance.registry.fingerprint import whole_hash

    pixels = picture.pixels[::4, ::4].astype(np.float64)
    plain = [
        np.log(picture.width * picture.height),
        np.log(picture.width / picture.height),
        *pixels.mean(axis=(0, 1)),
        pixels.std(),
    ]
    return Looks(whole_hash(picture), np.array(plain))


def copies(digests: Sequence[bytes | None]) -> list[int]:
    """A group for each picture: edited copies of one picture share it, all others have their own.

    Two are copies at the distance that the registry uses, docs/registry.md has its table.
    """
    from provenance.registry.fingerprint import MATCH, SIZE

    groups = Groups(len(digests))
    with_hash = [n for n, digest in enumerate(digests) if digest is not None]
    bits = np.frombuffer(b"".join(d for d in digests if d is not None), np.uint64)
    bits = bits.reshape(-1, SIZE // 8)
    for row, number in enumerate(with_hash):
        apart = np.bitwise_count(bits[row + 1 :] ^ bits[row]).sum(axis=1)
        for other in np.flatnonzero(apart <= MATCH):
            groups.join(number, with_hash[row + 1 + int(other)])
    return groups.numbers()


class Groups:
    """Numbers 0 to n-1, joined into groups."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def join(self, a: int, b: int) -> None:
        """Put two, and all that are with them, into one group."""
        a, b = self._root(a), self._root(b)
        self._parent[max(a, b)] = min(a, b)

    def numbers(self) -> list[int]:
        """The group of each: the lowest number in it."""
        return [self._root(n) for n in range(len(self._parent))]

    def _root(self, n: int) -> int:
        while self._parent[n] != n:
            self._parent[n] = self._parent[self._parent[n]]
            n = self._parent[n]
        return n
