"""What an engine is: it finishes shards, somewhere, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from provenance.audit.interface import Shard
from provenance.audit.worker import Done, Worker


@dataclass(frozen=True, slots=True)
class Failed:
    """A shard that could not be finished now; another run tries again.

    Attributes:
        number: of the shard.
        name: for people.
        why: in one sentence.
    """

    number: int
    name: str
    why: str


class Engine(Protocol):
    """Works through shards."""

    def run(self, worker: Worker, shards: Iterable[Shard]) -> Iterator[Done | Failed]:
        """Finish shards, and tell of each as soon as it is.

        `shards` is asked for more only as fast as they are worked on. Closing the iterator ends
        the work; what was in work is begun again by the next run.

        Raises:
            OutputError: rows cannot be kept: going on would be in vain.
        """
