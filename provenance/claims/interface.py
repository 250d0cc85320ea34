"""What a file says of itself, without proof: one module for each family of writers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Protocol

from provenance.evidence import Origin

if TYPE_CHECKING:
    from provenance.claims.fields import Fields


@dataclass(frozen=True, slots=True)
class Generation:
    """How a picture was generated, in one form for all programs; what is not said is None or "".

    Attributes:
        generator: the program or service.
        version: its version.
        model: the model or checkpoint, as named there.
        prompt: what was asked for.
        negative_prompt: what was asked not to appear.
        seed: of the noise.
        sampler: name of the sampler, with its schedule where that is given apart.
        steps: number of sampling steps.
        cfg: scale of the guidance.
        size: width and height in pixels, as asked for.
    """

    generator: str = ""
    version: str = ""
    model: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    sampler: str = ""
    steps: int | None = None
    cfg: float | None = None
    size: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is said, ready for JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        said = {name: value for name, value in values.items() if value not in ("", None)}
        if self.size:
            said["size"] = list(self.size)
        return said


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement found in a file's metadata. Anybody can write such a statement.

    Attributes:
        family: the kind of writer, such as `a1111` or `iptc`.
        field: where it stood, such as `PNG text 'parameters'`.
        origin: what it says of the picture's origin.
        generator: the software or model named, or empty.
        details: what else was said, ready for JSON. Prompts included: they are in the file.
        vendor: whose generator it is, spelled the same way in every claim; empty where nobody in
            particular runs it, as with programs for one's own computer.
        generation: the parameters, where any are given.
        says: how the sentence "… says that the picture …" ends; empty for what `origin` implies.
    """

    family: str
    field: str
    origin: Origin
    generator: str = ""
    details: Mapping[str, Any] = dataclass_field(default_factory=dict)
    vendor: str = ""
    generation: Generation | None = None
    says: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        said: dict[str, Any] = {"field": self.field, "generator": self.generator}
        if self.vendor:
            said["vendor"] = self.vendor
        if self.generation:
            said["generation"] = self.generation.to_dict()
        return said | dict(self.details)


class ClaimReader(Protocol):
    """Reads one family."""

    def __call__(self, fields: Fields, /) -> tuple[Claim, ...]:
        """The claims of this family; empty if there are none. Never raises on hostile input."""
