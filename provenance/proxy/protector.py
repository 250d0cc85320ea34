"""Finishes the pictures of an answer: all of them, each once, and none that is finished already."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from provenance.errors import InputError
from provenance.picture import Asset
from provenance.pipeline import Pipeline
from provenance.proxy.refusals import answer_refused
from provenance.proxy.wishes import Wish


class Seen(dict[bytes, Asset | None]):
    """Assets by the digest of what the upstream sent; None for what was finished already."""

    def is_finished(self, data: bytes) -> None:
        """Remember bytes as those of an asset."""
        self[_digest(data)] = None


class Protector:
    """Calls the pipeline; blocking and thread-safe.

    Args:
        pipeline: protects.
        on_asset: told of every asset.
        held: bytes of assets that are remembered for requests that only read.
    """

    def __init__(
        self, pipeline: Pipeline, on_asset: Callable[[Asset], object] | None, held: int
    ) -> None:
        self._pipeline = pipeline
        self._on_asset = on_asset
        self._memory = _Memory(held)

    def finish(self, pictures: Sequence[bytes], wish: Wish, seen: Seen) -> list[Asset | None]:
        """An asset for each picture, or None for one that is a finished asset of ours.

        Args:
            pictures: files as the upstream sent them.
            wish: of the request.
            seen: pictures of the same exchange; the same bytes get the same asset.

        Raises:
            Refusal: 502, a picture cannot be used.
            Blocked, HeldForReview, and other errors of the pipeline.
        """
        digests = [_digest(picture) for picture in pictures]
        new: dict[bytes, bytes] = {}
        for digest, picture in zip(digests, pictures, strict=True):
            if digest in seen or digest in new:
                continue
            known = self._memory.get(digest) if wish.repeated else None
            if known is not None:
                seen[digest] = known
            elif self._pipeline.issued(picture):
                seen[digest] = None
            else:
                new[digest] = picture
        if new:
            assets = self._protected(list(new.values()), wish)
            for digest, asset in zip(new, assets, strict=True):
                seen[digest] = asset
                if wish.repeated:
                    self._memory.put(digest, asset)
                if self._on_asset is not None:
                    self._on_asset(asset)
        return [seen[digest] for digest in digests]

    def _protected(self, pictures: list[bytes], wish: Wish) -> list[Asset]:
        try:
            return self._pipeline.protect(
                pictures,
                prompts=wish.prompts,
                inputs=wish.inputs,
                encoding=f".{wish.format}" if wish.format else None,
            )
        except InputError as error:  # the inputs were looked at before the upstream was asked
            raise answer_refused(f"has a picture that cannot be protected: {error}") from error


class _Memory:
    """The assets that were asked for last, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._kept: OrderedDict[bytes, Asset] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> Asset | None:
        with self._lock:
            asset = self._kept.get(digest)
            if asset is not None:
                self._kept.move_to_end(digest)
            return asset

    def put(self, digest: bytes, asset: Asset) -> None:
        with self._lock:
            if digest in self._kept:
                return
            self._kept[digest] = asset
            self._free -= len(asset.data)
            while self._free < 0:
                _, oldest = self._kept.popitem(last=False)
                self._free += len(oldest.data)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
