"""What a signer offers, and what a manifest is made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from provenance.watermark.payload import Payload


class SourceType(StrEnum):
    """IPTC digital source types that a generation service needs.

    Source: https://cv.iptc.org/newscodes/digitalsourcetype/
    """

    GENERATED = "trainedAlgorithmicMedia"
    EDITED = "compositeWithTrainedAlgorithmicMedia"
    ALGORITHMIC = "algorithmicMedia"

    @property
    def uri(self) -> str:
        """The full URI; the scheme is http by definition, https is another code."""
        return f"http://cv.iptc.org/newscodes/digitalsourcetype/{self.value}"


class ClaimSigner(Protocol):
    """Holds, or reaches, a private key."""

    @property
    def subject(self) -> str:
        """Who signs, as RFC 4514 text."""

    def open(self) -> Any:
        """A c2pa signer for one picture, to be closed by the caller.

        Raises:
            KeyUnusable: the certificate has expired, or the key cannot be reached.
        """


@dataclass(frozen=True, slots=True)
class Generator:
    """The software that made the picture, as named in the manifest."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A watermark already in the pixels, to be named in the manifest."""

    algorithm: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Parent:
    """A file with credentials that this picture was made from; its history is kept."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What the manifest will say.

    Attributes:
        generator: the software agent of the action.
        source_type: the IPTC digital source type of the picture.
        mark: the watermark in the pixels, or None.
        parent: the file it was made from, if that has credentials of its own.
        prompt: only if it shall be public; None keeps it out.
    """

    generator: Generator
    source_type: SourceType = SourceType.GENERATED
    mark: Mark | None = None
    parent: Parent | None = None
    prompt: str | None = None
