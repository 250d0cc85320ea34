"""Small networks that were trained on a tower's embeddings, and classifiers made of them.

Four layouts are read, from .npz or .safetensors. None of them names the tower it was trained on,
except ours, so the caller has to: on another tower's embeddings a head gives numbers as well.

    weight 1×w, bias 1               linear; `provenance moderate train` adds a card
    dense0_kernel w×n, dense0_bias … ReLU network; with `mean`, `variance` and
                                     `categorical_columns` it is LAION's CLIP-based NSFW detector
    prompts 2×w                      Q16: acceptable, inappropriate; a softmax at 100 × cosine
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.embed.interface import Identity, ImageTower, Vectors
from provenance.errors import ConfigError
from provenance.moderate._arrays import MAX_BYTES, Arrays, read_npz, read_safetensors
from provenance.moderate.calibration import Calibration, same_weights, sigmoid
from provenance.moderate.embedder import Embedder
from provenance.picture import Picture

Matrix = NDArray[np.float64]

_Q16_SCALE = 100.0
"""CLIP's logit scale, with which Q16's prompts were tuned (Schramowski et al., FAccT 2022)."""


@dataclass(frozen=True, slots=True)
class Head:
    """Layers from a unit embedding to one logit.

    Attributes:
        name: the file's name, without suffix.
        digest: SHA-256 of the file.
        layers: kernel (inputs × outputs) and bias of each layer, ReLU between them.
        card: what `provenance moderate train` said of it; empty for heads of others.
    """

    name: str
    digest: str
    layers: tuple[tuple[Matrix, Matrix], ...] = field(repr=False)
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def width(self) -> int:
        """Numbers in the embedding that it takes."""
        return int(self.layers[0][0].shape[0])

    @property
    def tower(self) -> Identity | None:
        """The tower it was trained on, if it says so."""
        said = self.card.get("tower")
        return Identity(**said) if said else None

    def logits(self, vectors: Vectors) -> Matrix:
        """One number for each row; for classifiers, `sigmoid` makes it a score.

        Raises:
            ConfigError: the embeddings have another width.
        """
        rows = np.atleast_2d(np.asarray(vectors, np.float64))
        if rows.shape[1] != self.width:
            raise ConfigError(
                f"the head {self.name} takes embeddings of {self.width} numbers, these have "
                f"{rows.shape[1]}; use the tower it was trained on"
            )
        *hidden, last = self.layers
        for kernel, bias in hidden:
            rows = np.maximum(rows @ kernel + bias, 0.0)
        result: Matrix = (rows @ last[0] + last[1])[:, 0]
        return result

    @classmethod
    def load(cls, path: str | Path, sha256: str | None = None) -> Head:
        """Read a head.

        Args:
            path: .npz or .safetensors, at most 64 MiB.
            sha256: what the file must have, in hexadecimal; None to take it as it is.

        Raises:
            ConfigError: missing, damaged, altered, or of an unknown layout.
        """
        where = Path(path)
        try:
            with where.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"the head {where} cannot be read: {error.strerror}") from error
        if len(data) > MAX_BYTES:
            raise ConfigError(f"the head {where} has more than {MAX_BYTES >> 20} MiB; is it one?")
        digest = hashlib.sha256(data).hexdigest()
        if sha256 is not None and digest != sha256.lower():
            raise ConfigError(
                f"the head {where} has SHA-256 {digest[:16]}…, expected {sha256[:16]}…; it was "
                "altered or damaged: get it again"
            )
        try:
            arrays, card = _arrays(where, data)
            return cls(where.stem, digest, _layers(arrays), card)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the head {where} cannot be used: {error}; expected a linear head, a ReLU network "
                "or Q16's prompts (see docs/classifiers.md)"
            ) from error


class HeadClassifier:
    """A head on a tower: scores one category in [0, 1]. Thread-safe.

    Args:
        head: from `Head.load`.
        tower: embeds the pictures; an `Embedder` to share with other classifiers.
        category: what a high score means; by default what the head's card says.
        made_for: name of the model that the head was trained on, for heads that do not say.
        calibration: from `provenance moderate fit`.

    Raises:
        ConfigError: the head is for another tower, or nobody says for which.
    """

    def __init__(
        self,
        head: Head,
        tower: ImageTower | Embedder[ImageTower],
        category: str | None = None,
        made_for: str | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._embedder = Embedder.of(tower)
        self._head = head
        self._category = category or str(head.card.get("category", ""))
        if not self._category:
            raise ConfigError(f"the head {head.name} does not say what it scores; name a category")
        _check_tower(head, self._embedder.tower, made_for)
        self._curve = None
        if calibration is not None:
            checked = calibration.check(self.identity, self.digests)
            self._curve = checked.curves.get(self._category)

    @property
    def name(self) -> str:
        """Head, tower, and whether it is calibrated."""
        said = "calibrated" if self._curve else "uncalibrated"
        return f"{self._head.name}@{self._head.digest[:12]} {self.identity} ({said})"

    @property
    def identity(self) -> Identity:
        """The tower behind it."""
        return self._embedder.tower.identity

    @property
    def categories(self) -> tuple[str, ...]:
        """The one category."""
        return (self._category,)

    @property
    def digests(self) -> Mapping[str, str]:
        """The head's file, by hash."""
        return {self._category: self._head.digest}

    def scores(self, picture: Picture) -> Mapping[str, float]:
        """A score in [0, 1] for the category."""
        return self.scores_many([picture])[0]

    def scores_many(self, pictures: Sequence[Picture]) -> list[Mapping[str, float]]:
        """Scores of each picture, embedded in batches."""
        return [self.scores_of(rows) for rows in self._embedder.vectors(pictures)]

    def scores_of(self, vectors: Vectors) -> Mapping[str, float]:
        """The score from one embedding, or the highest of several of the same picture."""
        evidence = float(self._head.logits(vectors).max())
        return {self._category: self._curve(evidence) if self._curve else sigmoid(evidence)}

    def evidence_many(self, pictures: Sequence[Picture]) -> list[Mapping[str, float]]:
        """The head's logit of each picture."""
        return [
            {self._category: float(self._head.logits(rows).max())}
            for rows in self._embedder.vectors(pictures)
        ]


def _check_tower(head: Head, tower: ImageTower, made_for: str | None) -> None:
    stated = head.tower
    if stated is None and made_for is None:
        raise ConfigError(
            f"the head {head.name} does not say which tower it was trained on; name the model, "
            "since on another one its scores mean nothing"
        )
    if (stated is not None and not same_weights(stated, tower.identity)) or (
        made_for is not None and made_for != tower.identity.model
    ):
        raise ConfigError(
            f"the head {head.name} was trained on {stated or made_for}, the tower is "
            f"{tower.identity}; use that tower, or train a head for this one"
        )
    if head.width != tower.width:
        raise ConfigError(
            f"the head {head.name} takes embeddings of {head.width} numbers, {tower.identity} "
            f"gives {tower.width}; use the tower it was trained on"
        )


def to_npz(weight: NDArray[np.float32], bias: float, card: Mapping[str, Any]) -> bytes:
    """The file of a linear head: `weight`, `bias`, and `card` as JSON in UTF-8 bytes."""
    out = io.BytesIO()
    said = np.frombuffer(json.dumps(card).encode(), np.uint8)
    np.savez(out, weight=weight.reshape(1, -1), bias=np.array([bias], np.float32), card=said)
    return out.getvalue()


def _arrays(where: Path, data: bytes) -> tuple[Arrays, Mapping[str, Any]]:
    if where.suffix.lower() == ".safetensors":
        arrays, said = read_safetensors(data)
        card = json.loads(said["card"]) if "card" in said else {}
    elif where.suffix.lower() == ".npz":
        arrays = dict(read_npz(data))
        raw = arrays.pop("card", None)
        card = json.loads(bytes(np.asarray(raw, np.uint8))) if raw is not None else {}
    else:
        raise ValueError(
            f"it is named {where.suffix or 'without suffix'}, not .npz or .safetensors"
        )
    if not isinstance(card, dict):
        raise ValueError("its card is no table")  # noqa: TRY004  reported like damage
    if card.get("tower"):
        tower = Identity(**card["tower"])
        if not all(isinstance(value, str) for value in asdict(tower).values()):
            raise ValueError("its card does not name a tower")
    return arrays, card


def _layers(arrays: Arrays) -> tuple[tuple[Matrix, Matrix], ...]:
    """The layers of any layout.

    Raises:
        ValueError: an unknown layout, shapes that do not fit, or numbers that are not finite.
    """
    given = {name: np.asarray(a, np.float64) for name, a in arrays.items()}
    if any(not np.isfinite(array).all() for array in given.values()):
        raise ValueError("it holds numbers that are not finite")
    if set(given) == {"weight", "bias"}:
        layers = [(given["weight"].reshape(1, -1).T, given["bias"].reshape(-1))]
    elif set(given) == {"prompts"}:
        layers = [_q16(given["prompts"])]
    elif "dense0_kernel" in given:
        layers = _dense(given)
    else:
        raise ValueError(f"it holds {', '.join(sorted(given)[:6]) or 'nothing'}")
    width = layers[0][0].shape[0]
    for kernel, bias in layers:
        if kernel.ndim != 2 or kernel.shape[0] != width or bias.shape != (kernel.shape[1],):
            raise ValueError(f"its layers do not fit: {kernel.shape} after {width} numbers")
        width = kernel.shape[1]
    if width != 1 or layers[0][0].shape[0] == 0:
        raise ValueError(f"it gives {width} numbers instead of one")
    return tuple(layers)


def _dense(given: dict[str, Matrix]) -> list[tuple[Matrix, Matrix]]:
    count = sum(name.endswith("_kernel") for name in given)
    layers = [(given[f"dense{n}_kernel"], given[f"dense{n}_bias"]) for n in range(count)]
    known = {"mean", "variance", "categorical_columns"}
    if len(given) - len(known & set(given)) != 2 * count:
        raise ValueError("it holds arrays that are no layers")
    if layers[0][0].ndim != 2:
        raise ValueError("its first layer is no matrix")
    return [_normalised(*layers[0], given), *layers[1:]]


def _normalised(kernel: Matrix, bias: Matrix, given: dict[str, Matrix]) -> tuple[Matrix, Matrix]:
    """LAION's normalisation, folded into the first layer; columns AutoKeras took for text are 0."""
    width = len(kernel)
    mean, variance = given.get("mean", np.zeros(width)), given.get("variance", np.ones(width))
    columns = given.get("categorical_columns", np.zeros(0))
    if mean.shape != (width,) or variance.shape != (width,) or (variance <= 0).any():
        raise ValueError("its mean or variance does not fit its first layer")
    if (columns != columns.astype(int)).any() or ((columns < 0) | (columns >= width)).any():
        raise ValueError("its categorical columns do not fit its first layer")
    scaled = kernel / np.sqrt(variance)[:, None]
    shifted = bias - mean @ scaled
    scaled[columns.astype(int).ravel()] = 0.0
    return scaled, shifted


def _q16(prompts: Matrix) -> tuple[Matrix, Matrix]:
    lengths = np.linalg.norm(prompts, axis=-1, keepdims=True)
    if prompts.ndim != 2 or len(prompts) != 2 or not (lengths > 0).all():
        raise ValueError(f"its prompts have shape {prompts.shape} instead of 2×width")
    acceptable, inappropriate = prompts / lengths
    return (_Q16_SCALE * (inappropriate - acceptable))[:, None], np.zeros(1)
