"""How much the proxy takes on at a time, and how long it waits. What is over a limit is refused."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from provenance.codec.limits import Limits
from provenance.server.limits import PICTURES, ServiceLimits
from provenance.server.settings import ServiceSettings

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """The most that is accepted, from one client and in all.

    Attributes:
        pictures: on one picture that a client hands over.
        requests: requests that are worked on at a time; more are told to come again.
        max_request: bytes of one request's body.
        max_answer: bytes of one answer that has to be read whole: a picture, JSON, an event.
        memory: bytes of all bodies that are held at a time.
        body_seconds: for a whole request to arrive.
        connect_seconds: for a connection to the upstream.
        upstream_seconds: that the upstream may be silent; a generator thinks for a while.
        answer_seconds: from the request to the end of an answer that has to be read whole.
        work_seconds: that a picture may wait for its turn and be worked on.
        workers: pictures that are protected at a time; each takes a thread.
        fetch_seconds: for a picture that an answer names by its address.
        max_picture: bytes of a picture that is fetched.
        most_links: pictures that one answer may name by address.
        held: bytes of finished pictures that are remembered, so that asking again for the same
            file gives the same asset.
    """

    pictures: Limits = PICTURES
    requests: int = 256
    max_request: int = 64 * MIB
    max_answer: int = 128 * MIB
    memory: int = 1024 * MIB
    body_seconds: float = 60.0
    connect_seconds: float = 5.0
    upstream_seconds: float = 300.0
    answer_seconds: float = 600.0
    work_seconds: float = 180.0
    workers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))
    fetch_seconds: float = 30.0
    max_picture: int = 64 * MIB
    most_links: int = 16
    held: int = 64 * MIB

    @classmethod
    def within(cls, pictures: Limits, service: ServiceSettings) -> ProxyLimits:
        """The default limits, narrowed to those on pictures, with what [service] says."""
        narrowed = ServiceLimits.within(pictures).pictures
        return cls(
            pictures=narrowed,
            requests=max(1, service.waiting),
            memory=service.memory,
            max_request=min(64 * MIB, service.memory),
            max_answer=min(128 * MIB, service.memory),
            workers=service.threads,
            max_picture=min(64 * MIB, pictures.max_bytes),
        )
