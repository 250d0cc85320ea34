"""What a signer offers, and what a manifest is made from.

A `Statement` lists what is to be said, and what is not listed is not said: there are no modes. That
is because the kinds mix: an inpainted photograph with a logo on it, made after a reference picture,
is edited *and* composited *and* has an input. The first action follows from the parent alone, as
C2PA wants it: `c2pa.opened` with one, `c2pa.created` without.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from provenance.sign.mining import TrainingMining
from provenance.sign.prompt import Commitment
from provenance.sign.source_types import SourceType
from provenance.watermark.payload import Payload

__all__ = [
    "Assertion",
    "ClaimSigner",
    "Edit",
    "Generation",
    "Generator",
    "Ingredient",
    "Mark",
    "Parent",
    "SourceType",
    "Statement",
    "TrainingMining",
]


class ClaimSigner(Protocol):
    """Holds, or reaches, a private key. Safe under threads, and after `fork`."""

    @property
    def subject(self) -> str:
        """Who signs, as RFC 4514 text."""

    @property
    def certificates(self) -> bytes:
        """The chain that is put into manifests: PEM, leaf first."""

    def open(self, timestamp: str | None = None) -> AbstractContextManager[Any]:
        """A c2pa signer for one picture, for a `with` statement.

        What goes wrong while signing leaves the `with` as itself, and not as c2pa's opinion of it.

        Args:
            timestamp: URL to which the library sends the RFC 3161 request, or None.

        Raises:
            KeyUnusable: the certificate has expired, or the key cannot be reached.
        """


@dataclass(frozen=True, slots=True)
class Generator:
    """A piece of software, as named in the manifest."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A watermark already in the pixels, to be named in the manifest."""

    algorithm: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file that the picture was made from. Its credentials, if any, are kept as history.

    Attributes:
        data: the whole file.
        media_type: by content.
        title: shown to people; public.
        description: what it was used for ("ControlNet pose"); public, empty for none.
    """

    data: bytes = field(repr=False)
    media_type: str
    title: str = "input"
    description: str = ""


Parent = Ingredient
"""The one file that the picture is a later version of."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Something that was done to the picture after it was opened or created.

    Attributes:
        action: a C2PA action (`c2pa.edited`, `c2pa.resized`, …), or your own in reverse domain
            form (`com.example.relit`).
        source_type: what the change was made with; None says nothing about it.
        description: in words; public, empty for none.
        agent: the software, if another than the statement's generator.
    """

    action: str = "c2pa.edited"
    source_type: SourceType | None = SourceType.EDITED
    description: str = ""
    agent: Generator | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """How the picture was generated. Everything here is public; empty and None are left out.

    Attributes:
        model: name of the model.
        model_version: its version or hash.
        seed: of the random generator.
        request_id: the same for all outputs of one request.
        prompt: a commitment to the prompt, or a plain hash of it: see `provenance.sign.prompt`.
    """

    model: str = ""
    model_version: str = ""
    seed: int | None = None
    request_id: str = ""
    prompt: Commitment | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """One more assertion, with a label of yours such as `com.example.review`.

    Of C2PA's own labels, `c2pa.metadata` and `cawg.metadata` are taken; the others are ours to
    make.
    """

    label: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the manifest will say.

    Attributes:
        generator: the software agent of the actions.
        source_type: the IPTC digital source type of a picture that was created.
        mark: the watermark in the pixels, or None.
        parent: the file that this one is a later version of; its history is kept.
        prompt: the text itself, only if it shall be public; None keeps it out.
        edits: what was done after opening or creating, in order.
        placed: files that are visible in the picture (a composite).
        references: files that guided the generator and are not visible themselves: img2img
            sources, ControlNet maps, IP-adapter pictures.
        generation: model, seed, request.
        mining: what others may do with the picture.
        title: of the picture; public, empty for none.
        extra: assertions of your own.
    """

    generator: Generator
    source_type: SourceType = SourceType.GENERATED
    mark: Mark | None = None
    parent: Ingredient | None = None
    prompt: str | None = None
    edits: tuple[Edit, ...] = ()
    placed: tuple[Ingredient, ...] = ()
    references: tuple[Ingredient, ...] = ()
    generation: Generation | None = None
    mining: TrainingMining | None = None
    title: str = ""
    extra: tuple[Assertion, ...] = ()
