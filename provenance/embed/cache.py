"""Keeps embeddings on disk: those of texts always, those of pictures if asked to.

A file holds numbers only (npz, read without pickle) and is named by the SHA-256 of all that decides
its content: model, revision, backend, precision, and the texts or the pixels. A damaged or foreign
file counts as absent, and so does a folder that cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from provenance.embed.interface import Identity, Tower, Vectors
from provenance.errors import OutputError
from provenance.files import make_private_folder, write_atomically
from provenance.picture import Picture

VERSION = 1
"""Raised whenever cleaning, tokens or preprocessing change what an embedding is."""

_MAX_BYTES = 512 << 20
_SLACK = 1024
_LENGTH = 1e-3
_SWEEP = 64
"""Writes between two looks at the folder's size."""

_NOBODY = "random"
"""Untrained weights share this revision, so their embeddings are never kept."""


class CachedTower:
    """A `Tower` that asks another one only for what it has not seen.

    Args:
        tower: computes what is not kept.
        folder: made if it is absent; only its owner may read it, because it tells what was looked
            at.
        pictures: keep embeddings of pictures as well, by content.
        max_bytes: of all files together; the oldest go first.
    """

    def __init__(
        self,
        tower: Tower,
        folder: str | Path,
        *,
        pictures: bool = False,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._tower = tower
        self._folder = Path(folder)
        self._pictures = pictures
        self._max_bytes = max_bytes
        self._writes = 0

    @property
    def identity(self) -> Identity:
        """Which weights these are."""
        return self._tower.identity

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        return self._tower.width

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied with."""
        return self._tower.logit_scale

    @property
    def logit_bias(self) -> float:
        """What is added."""
        return self._tower.logit_bias

    def describe(self) -> dict[str, Any]:
        """Ready for JSON."""
        return self._tower.describe()

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text; kept as a whole, because prompts come as a set."""
        if self.identity.revision == _NOBODY or not texts:
            return self._tower.embed_texts(texts)
        key = self._key("texts", (json.dumps(list(texts)).encode(),))
        found = self._read(key, len(texts))
        if found is None:
            found = self._tower.embed_texts(texts)
            self._write(key, found)
        return found

    def embed_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        """One unit vector for each picture."""
        if self.identity.revision == _NOBODY or not self._pictures:
            return self._tower.embed_pictures(pictures)
        keys = [self._key("picture", _content(picture)) for picture in pictures]
        rows = [self._read(key, 1) for key in keys]
        new = {key: at for at, key in enumerate(keys) if rows[at] is None}
        if new:
            computed = self._tower.embed_pictures([pictures[at] for at in new.values()])
            fresh = {key: computed[at : at + 1] for at, key in enumerate(new)}
            for key, row in fresh.items():
                self._write(key, row)
            rows = [fresh[key] if row is None else row for key, row in zip(keys, rows, strict=True)]
        return np.concatenate(
            [np.empty((0, self.width), np.float32), *(row for row in rows if row is not None)]
        )

    def _key(self, kind: str, content: Iterable[bytes | memoryview]) -> str:
        digest = hashlib.sha256(json.dumps([VERSION, kind, *astuple(self.identity)]).encode())
        for part in content:
            digest.update(part)
        return digest.hexdigest()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _read(self, key: str, count: int) -> Vectors | None:
        """What is kept, if it is whole: the archive has a CRC, and vectors have length 1."""
        path, limit = self._path(key), 4 * count * self.width + _SLACK
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if sum(each.file_size for each in archive.infolist()) > limit:
                    return None
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                found: Vectors = archive["vectors"]
        except Exception:  # whatever is in that file, it is computed again
            return None
        if found.shape != (count, self.width) or found.dtype != np.float32:
            return None
        if not np.allclose(np.linalg.norm(found, axis=1), 1, atol=_LENGTH):
            return None
        with contextlib.suppress(OSError):
            path.touch()
        return found

    def _write(self, key: str, vectors: Vectors) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, vectors=vectors)
        with contextlib.suppress(OutputError, OSError):
            if self._writes % _SWEEP == 0:
                make_private_folder(self._folder)
                self._sweep()
            self._writes += 1
            write_atomically(self._path(key), buffer.getvalue(), overwrite=True, mode=0o600)

    def _sweep(self) -> None:
        """Remove the oldest files until those that are left have nine tenths of the limit."""
        files = [(path, path.stat()) for path in self._folder.glob("*.npz")]
        total = sum(status.st_size for _, status in files)
        if total <= self._max_bytes:
            return
        for path, status in sorted(files, key=lambda each: each[1].st_mtime_ns):
            path.unlink(missing_ok=True)
            total -= status.st_size
            if total <= 0.9 * self._max_bytes:
                return


def _content(picture: Picture) -> Iterable[bytes | memoryview]:
    """All that a tower sees of it."""
    yield repr(picture.pixels.shape).encode()
    yield picture.pixels.data
    yield b"" if picture.alpha is None else picture.alpha.data
