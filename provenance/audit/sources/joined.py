"""Several sources as one, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from provenance.audit.interface import Sample, Shard, Source


class JoinedSource:
    """A source of sources. Paths are told apart by the source's place in the list.

    Args:
        sources: at least two.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    @property
    def name(self) -> str:
        """All of them."""
        return ", ".join(source.name for source in self._sources)

    def shards(self) -> Iterator[Shard]:
        """The shards of each, numbered on.

        Raises:
            InputError: one of them cannot be read.
        """
        number = 0
        for at, source in enumerate(self._sources):
            for shard in source.shards():
                where = {"source": at, "shard": shard.number, "where": shard.where}
                yield replace(shard, number=number, where=where)
                number += 1

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The files of a shard.

        Raises:
            OSError: it cannot be reached now.
        """
        at = shard.where["source"]
        own = replace(shard, number=shard.where["shard"], where=shard.where["where"])
        for sample in self._sources[at].samples(own):
            yield replace(sample, path=f"{at + 1}:{sample.path}")
