"""Scores prompts by their likeness to the taxonomy's words, with the text tower that is there.

It reads what no list holds: other words, other languages if the tower knows them. It does not see
through disguises, which `PromptTerms` does; run both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.embed.interface import TextTower, Vectors
from provenance.errors import ModerationFailed
from provenance.moderate.prompt.interface import checked
from provenance.moderate.taxonomy import Concept, Taxonomy, load

_PIECE = 200
"""Characters that are embedded at a time: CLIP reads 77 tokens and cuts off the rest unread."""

_MOST = 64
"""Pieces of one prompt, each of which costs a run of the network."""


class SimilarityClassifier:
    """Scores every category of a taxonomy in [0, 1]; uncalibrated. Thread-safe.

    The prompt is cut into pieces that the tower can read whole; each is compared with the
    category's descriptions, and the highest score counts. A score is the share of the category's
    descriptions among these and its look-alikes, as in `moderate.zero_shot`. What a negative prompt
    says is not read.

    Args:
        tower: embeds texts.
        taxonomy: what to look for; ours by default.
        scale: what a cosine is multiplied with; the tower's own, or 100 as in CLIP.
    """

    def __init__(
        self, tower: TextTower, taxonomy: Taxonomy | None = None, scale: float | None = None
    ) -> None:
        self._tower = tower
        self.taxonomy = load() if taxonomy is None else taxonomy
        self._scale = float(getattr(tower, "logit_scale", 100.0) if scale is None else scale)
        self._words = PerProcess(self._embed_words)

    @property
    def name(self) -> str:
        """Taxonomy and tower."""
        return f"similarity-{self.taxonomy.version} {self._tower.identity} (uncalibrated)"

    @property
    def categories(self) -> tuple[str, ...]:
        """All of the taxonomy."""
        return self.taxonomy.categories

    def scores(self, prompt: str) -> Mapping[str, float]:
        """A score in [0, 1] for each category.

        Raises:
            ModerationFailed: not text, too long, or the tower cannot be run.
        """
        pieces = cut(checked(prompt)[0])
        if not pieces:
            return dict.fromkeys(self.categories, 0.0)
        if len(pieces) > _MOST:
            raise ModerationFailed(
                f"the prompt has {len(prompt):,} characters, about {_PIECE * _MOST:,} can be "
                "compared with the taxonomy; shorten it"
            )
        vectors = np.asarray(self._tower.embed_texts(pieces), np.float64)
        found = {
            name: float(self._shares(vectors, concept).max())
            for name, concept in self.taxonomy.concepts.items()
        }
        for name, parts in self.taxonomy.composed.items():
            # The parts may stand in different pieces: the age here, the act there.
            found[name] = min(float(self._shares(vectors, part).max()) for part in parts)
        return found

    def _shares(self, vectors: NDArray[np.float64], concept: Concept) -> NDArray[np.float64]:
        """The category's share against its rivals, for each piece."""
        place, words = self._words()
        mine = self._scale * vectors @ words[[place[text] for text in concept.prompts]].T
        rivals = self._scale * vectors @ words[[place[text] for text in concept.rivals]].T
        top = np.maximum(mine.max(axis=1), rivals.max(axis=1))[:, None]
        ours, theirs = np.exp(mine - top).sum(axis=1), np.exp(rivals - top).sum(axis=1)
        return np.asarray(ours / (ours + theirs))

    def _embed_words(self) -> tuple[dict[str, int], Vectors]:
        concepts = [*self.taxonomy.concepts.values()]
        concepts += [part for parts in self.taxonomy.composed.values() for part in parts]
        texts = [text for each in concepts for text in (*each.prompts, *each.rivals)]
        unique = list(dict.fromkeys(texts))
        return {text: n for n, text in enumerate(unique)}, self._tower.embed_texts(unique)


def cut(prompt: str) -> list[str]:
    """Pieces of at most 200 characters, cut at commas, sentences and spaces where there are any."""
    clean = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]+", " ", prompt)
    pieces, line = [], ""
    for part in re.split(r"(?<=[,.;\uff0c\u3002])", clean):
        if line and len(line) + len(part) > _PIECE:
            pieces.append(line)
            line = ""
        line += part
        while len(line) > _PIECE:
            end = line.rfind(" ", 1, _PIECE + 1)
            end = end if end > 0 else _PIECE
            pieces.append(line[:end])
            line = line[end:]
    return [text for piece in (*pieces, line) if (text := piece.strip())]
