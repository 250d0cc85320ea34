"""Heads that others trained on the embeddings of a CLIP tower, such as UniversalFakeDetect.

The tower is the one that moderation and near-duplicates share, loaded once in a process. Heads are
linear or small ReLU networks (`provenance.moderate.heads`); which tower one was trained on, and
whether on unit vectors, only its authors can say.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256

import numpy as np

from provenance._per_process import PerProcess
from provenance.embed.load import load_tower
from provenance.embed.tower import LoadedTower
from provenance.errors import ConfigError
from provenance.moderate.heads import Head
from provenance.picture import Picture
from provenance.weights.interface import WeightsMissing, WeightStore
from provenance.weights.store import Store

UFD = "universal-fake-detect"
"""In the user's own `models.toml`, with the file `head.safetensors`: its weights are published as a
pickle only, so nobody can state a hash for a file that may be loaded."""


HEAD = "head.safetensors"


class OnClip:
    """A head on the embedding of a picture. Thread-safe.

    Args:
        name: of the evidence.
        model: of the head, for messages and calibrations.
        head: reads the head, at the first picture.
        tower: loads the tower that it was trained on, likewise.
        unit: it was trained on vectors of length 1; UniversalFakeDetect's was not.
    """

    least = 128

    def __init__(
        self,
        name: str,
        model: str,
        head: Callable[[], Head],
        tower: Callable[[], LoadedTower],
        *,
        unit: bool,
    ) -> None:
        self.name = name
        self.model = model
        self._head = PerProcess(head)
        self._tower = PerProcess(tower)
        self._unit = unit

    @classmethod
    def universal_fake_detect(cls, store: WeightStore | None = None) -> OnClip:
        """A linear head on OpenAI's ViT-L/14, on vectors that are not normalised.

        Source: Ojha, Li and Lee, "Towards Universal Fake Image Detectors that Generalize Across
        Generative Models", CVPR 2023; https://github.com/WisconsinAIVision/UniversalFakeDetect.

        Args:
            store: gives the checked weights; the user's own by default.
        """
        return cls("ufd", UFD, partial(_ufd_head, store), partial(_ufd_tower, store), unit=False)

    def digest(self) -> str:
        """SHA-256 of the head's own and the tower's identity."""
        return sha256(f"{self._head().digest} {self._tower().identity}".encode()).hexdigest()

    def logit(self, picture: Picture) -> float:
        """One number; its authors call a picture generated above 0."""
        head, tower = self._head(), self._tower()
        if self._unit:
            vectors = tower.embed_pictures([picture])
        else:
            vectors = np.asarray(
                tower.engine().pictures(tower.recipe.preprocess([picture])), np.float32
            )
        return float(head.logits(vectors)[0])


def _ufd_head(store: WeightStore | None) -> Head:
    try:
        files = (store or Store.standard()).get(UFD).files
    except WeightsMissing:
        raise
    except ConfigError as error:
        raise ConfigError(
            f"{UFD} is not in your models.toml; see docs/published-detectors.md"
        ) from error
    if HEAD not in files:
        raise ConfigError(f"{UFD} in your models.toml has no file {HEAD}; name it so")
    return Head.load(files[HEAD])


def _ufd_tower(store: WeightStore | None) -> LoadedTower:
    return load_tower("clip-vit-l-14-openai", store=store or Store.standard())
