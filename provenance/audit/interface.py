"""Where pictures come from (`Source`), and what is said of each (`Row`).

A source is cut into shards, in an order that depends on its data alone: whoever works through them,
and however many do, the rows are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a source that is worked on as one: it is finished wholly, or begun again.

    Attributes:
        number: its place in the source, from 0.
        name: for people, such as the name of an archive.
        where: what its source needs to find it again, ready for JSON.
        samples: how many pictures are in it, or None where only reading tells.
        size: bytes, or None likewise.
    """

    number: int
    name: str
    where: Mapping[str, Any]
    samples: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of a shard, not read yet.

    Attributes:
        path: names it within the whole source; printable, see `printable`.
        offset: its place in the shard, from 0.
        open: gives its bytes as a seekable file, which the caller closes. Reading a head must not
            read all of it, where the source can help it. May raise `OSError`.
        size: bytes, or None where only reading tells.
        label: its class, such as the name of its folder; empty for none.
        split: such as `train`; empty for none.
        problem: why it cannot be read, where the source knows already; empty otherwise.
    """

    path: str
    offset: int
    open: Callable[[], BinaryIO] = field(repr=False)
    size: int | None = None
    label: str = ""
    split: str = ""
    problem: str = ""


class Source(Protocol):
    """A dataset. Reads only; holds nothing open between calls; can be pickled."""

    @property
    def name(self) -> str:
        """For people: the path or address, without a password."""

    def shards(self) -> Iterator[Shard]:
        """All of it, in an order that depends on the data alone. Bounded in memory.

        Raises:
            InputError: it is not there, or no dataset of this kind.
        """

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The files of a shard, in order. What cannot be read is a sample with a problem.

        Raises:
            OSError: the shard as a whole cannot be reached now; another try may help.
        """


class State(StrEnum):
    """Whether a file could be examined."""

    OK = "ok"
    """Its headers were read, and its pixels where they were asked for."""
    CORRUPT = "corrupt"
    """It begins as a picture and cannot be decoded, or not wholly."""
    UNREADABLE = "unreadable"
    """Its bytes could not be had."""
    OTHER = "not-a-picture"
    """It is something else, or a picture that is not read here."""
    REFUSED = "refused"
    """Over the limits on bytes or pixels, or an animation that is not looked into."""


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of evidence in a row; the same as `provenance.evidence.Evidence`, shorter.

    Attributes:
        code: stable dotted name.
        status: how far it can be relied upon.
        says: generator, signer, or what else names it; empty for nothing.
        score: uncalibrated, or None.
        false_positive_rate: or None where it is not calibrated.
    """

    code: str
    status: str
    says: str = ""
    score: float | None = None
    false_positive_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What an audit says of one file.

    Attributes:
        path: of the sample.
        shard: number of its shard.
        offset: its place there.
        label: its class, or empty.
        split: or empty.
        size: bytes of the file, or None.
        state: whether it could be examined.
        problem: why not, in one sentence; empty otherwise.
        media_type: by content; empty where it is not known.
        width: in pixels, or None.
        height: likewise.
        sha256: of the whole file in hexadecimal; empty where only its head was read.
        examined: `headers` or `pixels`: how far the plan went.
        result: of the verdict: generated, edited with AI, camera original (signed), conflicting,
            unknown. From headers alone, where claims are all there is, it is unknown.
        generator: named by claims or credentials; empty for none.
        claimed: what claims say of the origin: generated, edited with AI, or empty.
        camera: unsigned traces of a camera are there.
        watermark: `ours`, the name of a stamp, or of another's scheme that credentials name.
        opt_out: statements against mining or training, such as `noai` or `c2pa.ai_training`.
        unsafe: scores of moderation by category, where it looked.
        action: what the policy would do: allow, flag, block …; empty where it did not look.
        causes: the categories that led to another action than allowing.
        pixel_score: of the detector, uncalibrated; None where it did not look or did not judge.
        pixel_call: True for generated, False for anything else; None where it did not judge.
        fingerprint: 64 bytes for near-duplicates, or None.
        evidence: all that was found, verified or not; nothing that was looked for in vain.
    """

    path: str
    shard: int
    offset: int
    label: str = ""
    split: str = ""
    size: int | None = None
    state: State = State.OK
    problem: str = ""
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    sha256: str = ""
    examined: str = "headers"
    result: str = "unknown"
    generator: str = ""
    claimed: str = ""
    camera: bool = False
    watermark: str = ""
    opt_out: tuple[str, ...] = ()
    unsafe: Mapping[str, float] = field(default_factory=dict)
    action: str = ""
    causes: tuple[str, ...] = ()
    pixel_score: float | None = None
    pixel_call: bool | None = None
    fingerprint: bytes | None = None
    evidence: tuple[Found, ...] = ()


def printable(name: str) -> str:
    r"""A file name as text that every program can print, write and read back.

    Bytes that are no UTF-8 (surrogates, in Python) and control characters become `\xNN`; names with
    a backslash of their own keep it.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
