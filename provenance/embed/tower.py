"""A tower of any backend: the parts that all share, around an engine that runs the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.embed.interface import Identity, Vectors
from provenance.embed.preprocess import Pixels, Preprocess
from provenance.embed.tokens import Tokenizer, Tokens
from provenance.errors import ModerationFailed, ProvenanceError
from provenance.picture import Picture

_PICTURES = 32
_TEXTS = 64
"""Embedded at a time, so that memory does not grow with the batch."""


class Engine(Protocol):
    """Runs the two networks; made once for each process, used by many threads."""

    def pictures(self, pixels: Pixels) -> NDArray[Any]:
        """A row of `width` numbers for each, of any length."""
        ...

    def texts(self, tokens: Tokens) -> NDArray[Any]:
        """A row of `width` numbers for each, of any length."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that is to be known of a tower beside its weights.

    Attributes:
        identity: which weights.
        width: numbers in an embedding.
        preprocess: how it wants its pictures.
        tokenizer: how it wants its texts.
        logit_scale: what a cosine is multiplied with.
        logit_bias: what is added.
    """

    identity: Identity
    width: int
    preprocess: Preprocess
    tokenizer: Tokenizer
    logit_scale: float
    logit_bias: float


class LoadedTower:
    """A `Tower`. The weights are read on first use, once for each process.

    Args:
        recipe: what is known of it.
        make: reads the weights; picklable if the tower is to be pickled.
    """

    def __init__(self, recipe: Recipe, make: Callable[[], Engine]) -> None:
        self.recipe = recipe
        self.engine = PerProcess(make)

    @property
    def identity(self) -> Identity:
        """Which weights these are."""
        return self.recipe.identity

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        return self.recipe.width

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied with."""
        return self.recipe.logit_scale

    @property
    def logit_bias(self) -> float:
        """What is added."""
        return self.recipe.logit_bias

    def describe(self) -> dict[str, Any]:
        """Ready for JSON."""
        recipe = self.recipe
        return {
            **asdict(recipe.identity),
            "width": recipe.width,
            "side": recipe.preprocess.side,
            "context": recipe.tokenizer.context,
            "logit_scale": recipe.logit_scale,
            "logit_bias": recipe.logit_bias,
        }

    def embed_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """One unit vector for each picture, in order; transparent pictures over white."""
        prepare = self.recipe.preprocess
        return self._rows(
            self._run(self.engine().pictures, prepare(part)) for part in _parts(pictures, _PICTURES)
        )

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, in order; long texts are cut at the model's limit."""
        cut = self.recipe.tokenizer
        return self._rows(
            self._run(self.engine().texts, cut(part)) for part in _parts(texts, _TEXTS)
        )

    def _rows(self, parts: Iterator[Vectors]) -> Vectors:
        return np.concatenate([np.empty((0, self.width), np.float32), *parts])

    def _run(self, network: Callable[[Any], NDArray[Any]], given: NDArray[Any]) -> Vectors:
        try:
            found = np.asarray(network(given), np.float32)
        except ProvenanceError:
            raise
        except Exception as error:
            raise ModerationFailed(
                f"the tower {self.identity} could not be run ({type(error).__name__}: {error}); "
                "if memory is short, use a smaller model"
            ) from error
        if found.shape != (len(given), self.width):
            raise ModerationFailed(
                f"the tower {self.identity} gave {found.shape}, expected "
                f"{(len(given), self.width)}; pull or export it again"
            )
        length = np.linalg.norm(found, axis=1, keepdims=True)
        if not np.isfinite(length).all() or not (length > 0).all():
            raise ModerationFailed(
                f"the tower {self.identity} gave numbers that are no direction (NaN, infinity or "
                "all zeros), so its weights are damaged; pull or export it again"
            )
        unit: Vectors = found / length
        return unit


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))
