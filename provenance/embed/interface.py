"""What a tower promises: pictures and texts become unit vectors of one space.

A tower is loaded once in a process and shared by moderation, detection, near-duplicates and audit,
so a picture is embedded once. Backends that load the same weights agree: the cosine between their
embeddings of one picture is at least 0.999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.picture import Picture

Vectors = NDArray[np.float32]
"""n × width float32; each row has length 1."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which weights stand behind an embedding; the key of every cache.

    Attributes:
        model: by name, such as `ViT-B-32/openai` or `google/siglip2-base-patch16-224`.
        revision: commit, or SHA-256 of the weights; `random` for weights that nobody trained.
        backend: `open_clip`, `transformers` or `onnx`.
        precision: `fp32`, `fp16` or `int8`.
    """

    model: str
    revision: str
    backend: str
    precision: str = "fp32"

    def __str__(self) -> str:
        return f"{self.model}@{self.revision[:12]}/{self.backend}-{self.precision}"


class ImageTower(Protocol):
    """Embeds pictures."""

    @property
    def identity(self) -> Identity:
        """Which weights these are."""

    @property
    def width(self) -> int:
        """Numbers in an embedding."""

    def embed_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """One unit vector for each picture, in order; transparent pictures over white.

        Raises:
            ModerationFailed: the tower cannot be run.
        """
        ...


class TextTower(Protocol):
    """Embeds texts into the space of an `ImageTower`."""

    @property
    def identity(self) -> Identity:
        """Which weights these are."""

    @property
    def width(self) -> int:
        """Numbers in an embedding."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, in order; long texts are cut at the model's limit."""
        ...


class Tower(ImageTower, TextTower, Protocol):
    """Embeds both, and says how the model turns their cosines into logits."""

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied with; 100 for CLIP."""

    @property
    def logit_bias(self) -> float:
        """What is added; 0 for CLIP, learned for SigLIP."""

    def describe(self) -> dict[str, Any]:
        """Ready for JSON: identity, width, input side, logit scale and bias."""
        ...
