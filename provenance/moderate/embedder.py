"""Embeds a picture once, however many classifiers ask for it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from provenance._per_process import PerProcess
from provenance.embed.interface import ImageTower, Vectors
from provenance.errors import ModerationFailed
from provenance.picture import Picture

T = TypeVar("T", bound=ImageTower)
T_co = TypeVar("T_co", bound=ImageTower, covariant=True)

BATCH = 32
"""Pictures that a tower is given at once; more hardly pays and takes memory."""


class _Memory:
    """Embeddings by the identity of a picture's pixels, for as long as the picture lives."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._kept: dict[int, tuple[weakref.ref[object], Future[Vectors]]] = {}

    def claim(self, picture: Picture) -> tuple[Future[Vectors], bool]:
        """Its future, and whether the caller is the one who has to fulfil it."""
        key = id(picture.pixels)  # every Picture has a view of its own
        kept = self._kept.get(key)
        if kept is not None and kept[0]() is picture.pixels:
            return kept[1], False
        future: Future[Vectors] = Future()
        self._kept[key] = (weakref.ref(picture.pixels, lambda ref: self._drop(key, ref)), future)
        return future, True

    def forget(self, picture: Picture) -> None:
        """Let the next one try again."""
        self._kept.pop(id(picture.pixels), None)

    def _drop(self, key: int, ref: weakref.ref[object]) -> None:
        """Without the lock: it runs wherever the picture happens to die."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] is ref:
            self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)


class Embedder(Generic[T_co]):
    """A tower that remembers the pictures it has seen, as long as they live. Thread-safe.

    Give one embedder to several classifiers, and each picture is embedded once. Pixels under full
    transparency are still in the file, so a picture with transparency has two embeddings: as it
    shows on white, and as if it were opaque.

    Args:
        tower: embeds the pictures.
    """

    def __init__(self, tower: T_co) -> None:
        self.tower = tower
        self._memory = PerProcess(_Memory)

    @staticmethod
    def of(tower: T | Embedder[T]) -> Embedder[T]:
        """The embedder itself, or a new one around a tower."""
        return tower if isinstance(tower, Embedder) else Embedder(tower)

    def vectors(self, pictures: Sequence[Picture]) -> list[Vectors]:
        """One or two unit vectors for each picture, in order.

        Raises:
            ModerationFailed: the tower cannot be run, or what it gives is no embedding.
        """
        memory = self._memory()
        with memory.lock:
            claims = [memory.claim(picture) for picture in pictures]
        mine = [(p, f) for p, (f, claimed) in zip(pictures, claims, strict=True) if claimed]
        try:
            for start in range(0, len(mine), BATCH):
                batch = mine[start : start + BATCH]
                found = self._embed([picture for picture, _ in batch])
                for (_, future), rows in zip(batch, found, strict=True):
                    future.set_result(rows)
        except BaseException as error:
            # Other threads may wait for these pictures; Ctrl-C in this one is not theirs.
            told = error if isinstance(error, Exception) else ModerationFailed("interrupted")
            for picture, future in mine:
                if not future.done():
                    memory.forget(picture)
                    future.set_exception(told)
            raise
        return [future.result() for future, _ in claims]

    def _embed(self, pictures: Sequence[Picture]) -> list[Vectors]:
        views = [view for picture in pictures for view in _views(picture)]
        rows = np.asarray(self.tower.embed_pictures(views), np.float32)
        check_unit(rows, len(views), self.tower)
        found, start = [], 0
        for picture in pictures:
            stop = start + len(_views(picture))
            found.append(rows[start:stop])
            start = stop
        return found


def _views(picture: Picture) -> tuple[Picture, ...]:
    return (picture,) if picture.alpha is None else (picture, replace(picture, alpha=None))


def check_unit(rows: Vectors, count: int, tower: ImageTower) -> None:
    """Refuse what is no embedding: scores made from it would look like scores.

    Raises:
        ModerationFailed: wrong shape, not finite, or not of length 1.
    """
    if rows.shape != (count, tower.width):
        raise ModerationFailed(
            f"{tower.identity} gave embeddings of shape {rows.shape}; expected "
            f"{(count, tower.width)}"
        )
    lengths = np.linalg.norm(rows, axis=1)
    if not np.all(np.abs(lengths - 1) < 0.01):  # also catches NaN
        raise ModerationFailed(
            f"{tower.identity} gave embeddings that are no unit vectors; its weights may be damaged"
        )
