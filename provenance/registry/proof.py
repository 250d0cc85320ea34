"""What is taken away from a log to hold it to its word: heads, receipts and proofs.

Everything here can be checked without the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provenance.registry import merkle
from provenance.registry.entry import Entry

_NO_PROOF = "this is no proof of the log; expected entry, index, path and head"
_NO_GROWTH = "this is no proof of growth; expected first, second and path"
_HEAD = re.compile(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Head:
    """All that a log said up to some moment, in 32 bytes.

    Keep it away from the log: printed, sent to somebody, or signed.

    Attributes:
        size: number of entries.
        root: of the Merkle tree over them, in hexadecimal.
    """

    size: int
    root: str

    def __str__(self) -> str:
        """`size:root`."""
        return f"{self.size}:{self.root}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The inverse of `str`.

        Raises:
            ValueError: another form.
        """
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no head of a log; expected SIZE:ROOT, 64 digits of root")
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Receipt:
    """Says that an entry is on the disk.

    Attributes:
        index: its place.
        leaf: its hash, in hexadecimal.
        head: of the log, this entry being its last.
    """

    index: int
    leaf: str
    head: Head


@dataclass(frozen=True, slots=True)
class Proof:
    """Shows that an entry is part of what a head stands for (RFC 9162, section 2.1.3).

    Attributes:
        entry: the line, as it stands in the log.
        index: its place.
        path: hashes beside the way up, in hexadecimal, lowest first.
        head: what it is part of.
    """

    entry: str
    index: int
    path: tuple[str, ...]
    head: Head

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "entry": self.entry,
            "index": self.index,
            "path": list(self.path),
            "head": str(self.head),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Proof:
        """The inverse of `to_dict`.

        Raises:
            ValueError: another form.
        """
        try:
            entry, index, path = data["entry"], data["index"], tuple(data["path"])
            head = Head.parse(data["head"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(_NO_PROOF) from error
        if type(index) is not int or not all(isinstance(part, str) for part in (entry, *path)):
            raise ValueError(_NO_PROOF)
        return cls(entry, index, path, head)


@dataclass(frozen=True, slots=True)
class Growth:
    """Shows that what one head stands for is the beginning of what another does.

    So nothing was edited, removed or reordered in between (RFC 9162, section 2.1.4).

    Attributes:
        first: the older head.
        second: the newer one.
        path: hashes that lead to both, in hexadecimal.
    """

    first: Head
    second: Head
    path: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"first": str(self.first), "second": str(self.second), "path": list(self.path)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Growth:
        """The inverse of `to_dict`.

        Raises:
            ValueError: another form.
        """
        try:
            first, second = Head.parse(data["first"]), Head.parse(data["second"])
            path = tuple(data["path"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(_NO_GROWTH) from error
        if not all(isinstance(part, str) for part in path):
            raise ValueError(_NO_GROWTH)
        return cls(first, second, path)


def check_growth(growth: Growth, first: Head | None = None) -> bool:
    """True if the proof holds.

    Args:
        growth: from anybody.
        first: the head that you kept; without it, the proof is held against the heads that it names
            itself, which shows only that it is whole.
    """
    if first is not None and first != growth.first:
        return False
    try:
        path = [bytes.fromhex(part) for part in growth.path]
    except ValueError:
        return False
    old, new = (bytes.fromhex(head.root) for head in (growth.first, growth.second))
    whole = all(len(part) == 32 for part in path)
    return whole and merkle.grew(growth.first.size, old, growth.second.size, new, path)


def check_proof(proof: Proof, head: Head | None = None) -> Entry | None:
    """The entry, if the proof holds; None if it does not.

    Args:
        proof: from anybody.
        head: one that you trust; without it, the proof is held against the head that it names
            itself, which shows only that it is whole.
    """
    if head is not None and head != proof.head:
        return None
    try:
        line = proof.entry.encode("ascii")
        path = [bytes.fromhex(part) for part in proof.path]
        entry = Entry.from_line(line)
    except ValueError:
        return None
    if any(len(part) != 32 for part in path) or entry.index != proof.index:
        return None
    root = merkle.root_from_path(merkle.leaf_hash(line), proof.index, proof.head.size, path)
    return entry if root is not None and root.hex() == proof.head.root else None
