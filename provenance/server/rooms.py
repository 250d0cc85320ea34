"""`Rooms`: the memory and the threads that all endpoints share, so that none starves another."""

from __future__ import annotations

from provenance.server.limits import ServiceLimits
from provenance.server.pool import Memory, Pool


class Rooms:
    """One per application.

    Attributes:
        limits: on what is accepted.
        memory: for the bodies of requests.
        lookups: threads for questions to the registry.
        readers: threads for whatever decodes a picture.
        fetchers: threads that wait for other people's servers.

    Args:
        limits: on what is accepted.
    """

    def __init__(self, limits: ServiceLimits) -> None:
        self.limits = limits
        self.memory = Memory(max(limits.memory, limits.pictures.max_bytes))
        self.lookups = Pool("lookup", limits.lookups, limits.waiting_lookups, limits.work_seconds)
        self.readers = Pool("reader", limits.readers, limits.waiting_pictures, limits.work_seconds)
        self.fetchers = Pool("fetch", limits.fetchers, limits.fetchers, limits.work_seconds)

    def close(self) -> None:
        """Finish what was begun."""
        for pool in (self.fetchers, self.readers, self.lookups):
            pool.close()
