"""Works on one shard: reads its files, examines them, keeps their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from provenance.audit import headers, schema
from provenance.audit.examine import Examiner
from provenance.audit.interface import Row, Shard, Source, State
from provenance.audit.plan import Asked
from provenance.audit.run import Run
from provenance.config import Config
from provenance.files import write_atomically

_FATAL = "examining it ended the process that tried"


@dataclass(frozen=True, slots=True)
class Done:
    """A shard that is finished.

    Attributes:
        number: of the shard.
        rows: how many it has.
        size: bytes of the files, as far as is known.
    """

    number: int
    rows: int
    size: int


class Worker:
    """Examines shards of one audit. Can be pickled; loads its models at the first shard.

    Args:
        source: reads the shards.
        asked: what to look for.
        config: path of your configuration, or None.
        folder: of the audit, for `finish`; None where it cannot be reached.
    """

    def __init__(
        self,
        source: Source,
        asked: Asked,
        config: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self._source = source
        self._asked = asked
        self._config = config
        self._folder = folder
        self._examiner: Examiner | None = None

    def __getstate__(self) -> dict[str, object]:
        """Without models: each process loads its own."""
        return {**self.__dict__, "_examiner": None}

    def examined(self, shard: Shard, notes: Path | None = None) -> tuple[Done, bytes]:
        """The rows of a shard, as the bytes of its file.

        Args:
            shard: which.
            notes: where the place is noted before each file, so that the next try passes over the
                one that ends the process; None notes nothing.

        Raises:
            OSError: the shard cannot be reached now.
        """
        if self._examiner is None:
            config = Config.load(self._config) if self._config else None
            self._examiner = Examiner(self._asked, config)
        rows = list(self._rows(self._examiner, shard, notes))
        facts = {"shard": shard.number, "name": shard.name, "digest": self._asked.digest}
        done = Done(shard.number, len(rows), sum(row.size or 0 for row in rows))
        return done, schema.rendered(rows, facts)

    def finish(self, shard: Shard, *, careful: bool = False) -> Done:
        """Examine a shard and keep its rows.

        Args:
            shard: which.
            careful: its worker died before, see `examined`.

        Raises:
            OSError: the shard cannot be reached now.
            OutputError: the rows cannot be kept.
        """
        if self._folder is None:
            raise ValueError("this worker has no folder to keep rows in")
        run = Run(self._folder)
        notes = run.rows / f"{shard.number:06d}.fatal.json"
        done, rows = self.examined(shard, notes if careful else None)
        run.finish(shard.number, rows)
        notes.unlink(missing_ok=True)
        return done

    def _rows(self, examiner: Examiner, shard: Shard, notes: Path | None) -> Iterator[Row]:
        known = notes is not None and notes.is_file()
        fatal: list[int] = json.loads(notes.read_bytes()) if notes and known else []
        for sample in self._source.samples(shard):
            if sample.offset in fatal:
                row = headers.begun(sample, shard)
                yield replace(row, state=State.CORRUPT, problem=_FATAL)
                continue
            if notes is not None:
                text = json.dumps([*fatal, sample.offset])
                write_atomically(notes, text.encode(), overwrite=True)
            yield examiner.examine(sample, shard)
