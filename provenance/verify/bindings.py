"""Says of each mark or fingerprint that credentials name whether it was read, and what came of it.

Credentials name soft bindings of any maker. Most are read with software that only its maker has;
they are reported by name, as not checked. Whoever has a reader offers it under the entry point
group `provenance.binding_readers`: its name is the algorithm, and it leads to a callable without
arguments that makes a `BindingReader`. Nothing of it is imported before credentials name it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from provenance.evidence import Evidence, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.verify.schemes import OURS, scheme

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "provenance.binding_readers"
"""Entry points that offer readers."""

_MOST = 16
"""Bindings that are reported; hostile credentials name thousands."""

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Binding:
    """One soft binding as the credentials state it.

    Attributes:
        algorithm: `alg`.
        value: of one block, as c2pa gives it: base64 or, against the specification, other text.
    """

    algorithm: str
    value: str


class Match(StrEnum):
    """What a reader found in the pixels."""

    SAME = "same"
    """What the credentials name."""
    OTHER = "other"
    """A mark or fingerprint of this scheme, and another one."""
    NONE = "none"
    """No mark of this scheme."""


class BindingReader(Protocol):
    """Reads soft bindings of one algorithm from pixels. Anybody may offer one."""

    def compare(self, picture: Picture, binding: Binding) -> Match:
        """Look for the binding in the pixels.

        Raises:
            Exception: it cannot be read now, such as for want of weights; the message is reported.
        """


def installed() -> Mapping[str, Callable[[], BindingReader]]:
    """What installed packages offer, by algorithm. Nothing of them is imported here."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    return {entry.name: _later(entry) for entry in reversed(found)}


def _later(entry: EntryPoint) -> Callable[[], BindingReader]:
    def make() -> BindingReader:
        reader: BindingReader = entry.load()()
        return reader

    return make


class Bindings:
    """Reports the soft bindings of others.

    Args:
        readers: make the reader of an algorithm; those of installed packages unless given.
        elsewhere: algorithms that another check reads, besides ours.
    """

    def __init__(
        self,
        readers: Mapping[str, Callable[[], BindingReader]] | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        self._readers = installed() if readers is None else readers
        self._elsewhere = frozenset(elsewhere)

    def report(self, named: Sequence[Binding], subject: Subject) -> Iterator[Evidence]:
        """One piece of evidence for each binding that no other check reads, each once."""
        foreign = dict.fromkeys(
            binding
            for binding in named
            if not binding.algorithm.startswith(OURS) and binding.algorithm not in self._elsewhere
        )
        without = set()
        for binding in list(foreign)[:_MOST]:
            if binding.algorithm in self._readers:
                yield self._read(binding, subject)
            elif binding.algorithm not in without:
                without.add(binding.algorithm)
                yield _not_read(binding)

    def _read(self, binding: Binding, subject: Subject) -> Evidence:
        picture = subject.picture
        if not isinstance(picture, Picture):
            return _evidence(
                binding, "not-read", Status.UNCHECKED, f"was not looked for: {picture}"
            )
        try:
            match = Match(self._readers[binding.algorithm]().compare(picture, binding))
        except Exception as error:  # somebody else's code may fail in any way
            reason = f"could not be read ({type(error).__name__}: {_line(str(error))})"
            return _evidence(binding, "failed", Status.UNCHECKED, reason)
        return _evidence(binding, *_MATCHES[match])


_MATCHES = {
    Match.SAME: (
        "same",
        Status.CLAIMED,
        "was found in the pixels, so that they belong to these credentials or are a copy",
    ),
    Match.OTHER: (
        "other",
        Status.CLAIMED,
        "is not the one in the pixels, so that they are of another picture, or of another "
        "version of this one",
    ),
    Match.NONE: (
        "none",
        Status.ABSENT,
        "was not found in the pixels. Strong edits remove a mark",
    ),
}


def _not_read(binding: Binding) -> Evidence:
    if scheme(binding.algorithm) is None:
        return _evidence(
            binding, "unknown", Status.UNCHECKED, "was not read, and is not on our list of schemes"
        )
    return _evidence(
        binding, "not-read", Status.UNCHECKED, "was not read: no reader for it is installed"
    )


def _evidence(binding: Binding, code: str, status: Status, what: str) -> Evidence:
    known = scheme(binding.algorithm)
    algorithm = _line(binding.algorithm)
    kind = known.kind if known else "mark or fingerprint"
    name = f"{known.name} ({algorithm})" if known else algorithm
    details: dict[str, Any] = {"algorithm": algorithm}
    if known:
        details |= {"kind": known.kind, "name": known.name}
    return Evidence(
        "bindings",
        f"bindings.{code}",
        status,
        f"The credentials name a {kind}, {name}, which {what}.",
        details=details,
    )


def _line(text: str) -> str:
    """The beginning of a text from outside, on one line."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST])
