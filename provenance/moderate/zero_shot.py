"""Scores pictures by their likeness to words: no training, any category that can be described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.embed.interface import Identity, Tower, Vectors
from provenance.errors import ConfigError
from provenance.moderate.calibration import Calibration, sigmoid
from provenance.moderate.embedder import Embedder, check_unit
from provenance.moderate.taxonomy import Concept, Taxonomy, load
from provenance.picture import Picture

Places: TypeAlias = dict[str, tuple[NDArray[np.intp], ...]]


class ZeroShotClassifier:
    """Scores every category of a taxonomy in [0, 1]. Thread-safe.

    The score is the share of the category's prompts among all that it is weighed against: its own,
    its look-alikes and safe ones. It is no probability until a calibration is given, and the name
    says which. A composed category scores like the weakest of its parts, never calibrated.

    Evidence, in logits, is the log of the sum of exp over the prompts, less the same over the
    rivals. So one more prompt never lowers a score, and one more look-alike never raises it. Where
    the tower was trained with a sigmoid (it has a bias), "nothing of all this" is a rival at 0,
    which makes the score of a lone prompt its sigmoid (Zhai et al., SigLIP, ICCV 2023). A
    description is embedded in each template and the embeddings are averaged (Radford et al., CLIP,
    2021, section 3.1.4).

    Args:
        tower: embeds pictures and words; an `Embedder` to share with other classifiers.
        taxonomy: what to look for; ours by default.
        calibration: from `provenance moderate fit`.

    Raises:
        ConfigError: the calibration was fitted for another tower or other words.
    """

    def __init__(
        self,
        tower: Tower | Embedder[Tower],
        taxonomy: Taxonomy | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._embedder = Embedder.of(tower)
        self._tower = self._embedder.tower
        self.taxonomy = load() if taxonomy is None else taxonomy
        self._concepts = _concepts(self.taxonomy)
        self._curves = {}
        if calibration is not None:
            self._curves = dict(calibration.check(self.identity, self.digests).curves)
        self._words = PerProcess(self._embed_words)

    @property
    def name(self) -> str:
        """Taxonomy, tower, and what is calibrated."""
        said = (
            "calibrated for " + ",".join(sorted(self._curves)) if self._curves else "uncalibrated"
        )
        return f"zero-shot-{self.taxonomy.version} {self._tower.identity} ({said})"

    @property
    def identity(self) -> Identity:
        """The tower behind it."""
        return self._tower.identity

    @property
    def width(self) -> int:
        """Numbers in the embeddings that `scores_of` takes."""
        return self._tower.width

    @property
    def categories(self) -> tuple[str, ...]:
        """All of the taxonomy."""
        return self.taxonomy.categories

    @property
    def digests(self) -> Mapping[str, str]:
        """The words of each category that can be calibrated, by hash."""
        return {name: concept.digest for name, concept in self.taxonomy.concepts.items()}

    def scores(self, picture: Picture) -> Mapping[str, float]:
        """A score in [0, 1] for each category."""
        return self.scores_many([picture])[0]

    def scores_many(self, pictures: Sequence[Picture]) -> list[Mapping[str, float]]:
        """Scores of each picture, embedded in batches."""
        return [self.scores_of(rows) for rows in self._embedder.vectors(pictures)]

    def scores_of(self, vectors: Vectors) -> Mapping[str, float]:
        """Scores from one embedding, or the highest of several of the same picture."""
        rows = self._evidence(vectors)
        found = {}
        for category in self.taxonomy.concepts:
            curve = self._curves.get(category, sigmoid)
            found[category] = curve(float(rows[category].max()))
        for category, parts in self.taxonomy.composed.items():
            weakest = np.min([rows[_part(part)] for part in parts], axis=0)
            found[category] = sigmoid(float(weakest.max()))
        return found

    def evidence_many(self, pictures: Sequence[Picture]) -> list[Mapping[str, float]]:
        """Raw logits of each category that can be calibrated."""
        found: list[Mapping[str, float]] = []
        for vectors in self._embedder.vectors(pictures):
            rows = self._evidence(vectors)
            found.append({c: float(rows[c].max()) for c in self.taxonomy.concepts})
        return found

    def _evidence(self, vectors: Vectors) -> dict[str, NDArray[np.float64]]:
        """Logits by concept, one for each vector."""
        places, words = self._words()
        rows = np.atleast_2d(np.asarray(vectors, np.float64))
        bias = self._tower.logit_bias
        logits = self._tower.logit_scale * (rows @ words.T) + bias
        none_of_these = np.zeros((len(rows), 1)) if bias else np.empty((len(rows), 0))
        found = {}
        for name, (mine, others) in places.items():
            rivals = np.hstack([logits[:, others], none_of_these])
            found[name] = _lse(logits[:, mine]) - _lse(rivals)
        return found

    def _embed_words(self) -> tuple[Places, NDArray[np.float64]]:
        """One unit vector for each description, and which are a concept's own and its rivals."""
        described = [
            (concept.templates, text)
            for concept in self._concepts.values()
            for text in (*concept.prompts, *concept.rivals)
        ]
        place = {key: number for number, key in enumerate(dict.fromkeys(described))}
        texts = [template.format(text) for templates, text in place for template in templates]
        rows = np.asarray(self._tower.embed_texts(texts), np.float32)
        check_unit(rows, len(texts), self._tower)
        means, start = [], 0
        for templates, _ in place:
            means.append(rows[start : start + len(templates)].mean(axis=0, dtype=np.float64))
            start += len(templates)
        mean = np.array(means)
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        if not (length > 0).all():
            raise ConfigError("a prompt's embeddings cancel out; change its wording")
        places = {
            name: tuple(
                np.array([place[concept.templates, text] for text in texts])
                for texts in (concept.prompts, concept.rivals)
            )
            for name, concept in self._concepts.items()
        }
        return places, mean / length


def _concepts(taxonomy: Taxonomy) -> dict[str, Concept]:
    """All that has to be embedded: the categories, and the parts of composed ones as shipped."""
    parts = {_part(part): part for each in taxonomy.composed.values() for part in each}
    return {**taxonomy.concepts, **parts}


def _part(concept: Concept) -> str:
    """A name that no category can have."""
    return f"/{concept.digest}"


def _lse(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    highest = logits.max(axis=1)
    summed = np.exp(logits - highest[:, None]).sum(axis=1)
    result: NDArray[np.float64] = highest + np.log(summed)
    return result
