"""Names the soft bindings of others: the schemes that C2PA lists, read here or not."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

OURS = "org.provenance-kit."
"""What the names of our own schemes begin with; other checks read those."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One entry of the list.

    Attributes:
        algorithm: as `alg` names it in credentials.
        kind: `watermark` or `fingerprint`.
        name: who makes it and what it is called.
        media: what it can be read from, such as `image`.
    """

    algorithm: str
    kind: str
    name: str
    media: tuple[str, ...]


def scheme(algorithm: str) -> Scheme | None:
    """The entry of an algorithm; None if it is not on our copy of the list."""
    return schemes().get(algorithm)


@cache
def schemes() -> Mapping[str, Scheme]:
    """Our copy of the list, by algorithm. Its source and date are in softbindings.toml."""
    text = files(__package__).joinpath("softbindings.toml").read_text(encoding="utf-8")
    return {
        algorithm: Scheme(algorithm, entry["kind"], entry["name"], tuple(entry["media"]))
        for algorithm, entry in tomllib.loads(text)["algorithms"].items()
    }
