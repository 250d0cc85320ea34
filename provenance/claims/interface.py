"""What a file says of itself, without proof: one module for each family of writers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol

from provenance.evidence import Origin
from provenance.picture import Metadata


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement found in a file's metadata. Anybody can write such a statement.

    Attributes:
        family: the kind of writer, such as `a1111` or `iptc`.
        field: where it stood, such as `PNG text 'parameters'`.
        origin: what it says of the picture's origin.
        generator: the software or model named, or empty.
        details: what else was said, ready for JSON. Prompts included: they are in the file.
    """

    family: str
    field: str
    origin: Origin
    generator: str = ""
    details: Mapping[str, Any] = dataclass_field(default_factory=dict)


class ClaimReader(Protocol):
    """Reads one family."""

    def __call__(self, metadata: Metadata) -> tuple[Claim, ...]:
        """The claims of this family; empty if there are none. Never raises on hostile input."""
