"""The Merkle tree of RFC 9162, section 2.1: its root, growing, and proofs that anybody can check.

Leaves and nodes are hashed with different prefixes, so that no node can pass for a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY = hashlib.sha256().digest()
"""Root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree of which only the complete subtrees' roots are kept, log2(size) of them."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        size = self.size
        while size & 1:
            leaf = node_hash(self._roots.pop(), leaf)
            size >>= 1
        self._roots.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """Root of the tree as it stands."""
        if not self._roots:
            return EMPTY
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def prove(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Hashes beside the way from leaf `index` up to the root, lowest first (section 2.1.3.1)."""
    level, path = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        # An odd one at the end rises as it is.
        pairs = [node_hash(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
        index >>= 1
    return tuple(path)


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a proof leads to, or None if it cannot be one (section 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf
    for beside in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = node_hash(beside, root)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            root = node_hash(root, beside)
        index >>= 1
        last >>= 1
    return root if last == 0 else None


def prove_growth(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Hashes which show that the tree over the first leaves grew into this one (section 2.1.4.1).

    Args:
        leaves: hashes of all leaves.
        first: how many of them the older tree had, 1 to all.
    """
    path: list[bytes] = []
    start, end, whole = 0, len(leaves), True
    while first != end - start:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if first <= split - start:
            path.append(_root(leaves[split:end]))
            end = split
        else:
            path.append(_root(leaves[start:split]))
            first -= split - start
            start, whole = split, False
    if not whole:
        path.append(_root(leaves[start:end]))
    return tuple(reversed(path))


def grew(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """True if the proof shows that the first tree is the beginning of the second (2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at >>= 1
        last >>= 1
    # Of a complete tree the root itself is the first hash, and is left out of the proof.
    start, *beside = path if at else (first_root, *path)
    old = new = start
    for part in beside:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(part, old), node_hash(part, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, part)
        at >>= 1
        last >>= 1
    return last == 0 and (old, new) == (first_root, second_root)


def _root(leaves: Sequence[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root
