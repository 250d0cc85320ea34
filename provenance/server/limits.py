"""How much the service takes on at a time. Whatever is over a limit is refused, never queued."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from provenance.codec.limits import Limits
from provenance.server.settings import ServiceSettings

PICTURES = Limits(max_bytes=64 * 1024 * 1024, max_pixels=50_000_000)
"""For a service that strangers use: reading 49 megapixels takes 1.9 GB."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The most that is accepted, from one client and in all.

    Attributes:
        pictures: on the bytes and pixels of one picture.
        max_query: bytes of a query string, as sent.
        max_json: bytes of a JSON body.
        max_results: matches in one answer, however many are asked for.
        memory: bytes of all request bodies that are held at a time.
        body_seconds: for a whole body to arrive.
        work_seconds: from a complete request to its answer.
        readers: pictures that are read at a time; each takes a thread.
        waiting_pictures: complete pictures that may wait for a reader.
        lookups: questions put to the registry at a time; each takes a thread.
        waiting_lookups: questions that may wait.
        fetchers: files that are fetched from other people's servers at a time, where that is
            switched on; as many may wait.
    """

    pictures: Limits = PICTURES
    max_query: int = 4096
    max_json: int = 64 * 1024
    max_results: int = 100
    memory: int = 512 * 1024 * 1024
    body_seconds: float = 60.0
    work_seconds: float = 60.0
    readers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))
    waiting_pictures: int = 16
    lookups: int = 8
    waiting_lookups: int = 512
    fetchers: int = 4

    @classmethod
    def within(cls, pictures: Limits, settings: ServiceSettings | None = None) -> ServiceLimits:
        """The default limits, or those on pictures where these are narrower.

        Args:
            pictures: on any picture, by the configuration.
            settings: workers and memory, by [service].
        """
        limits = cls(
            Limits(
                max_bytes=min(pictures.max_bytes, PICTURES.max_bytes),
                max_pixels=min(pictures.max_pixels, PICTURES.max_pixels),
                max_side=min(pictures.max_side, PICTURES.max_side),
            )
        )
        if settings is None:
            return limits
        return replace(limits, memory=settings.memory, readers=settings.workers or limits.readers)
