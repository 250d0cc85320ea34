"""Works on one shard: reads its files, examines them, keeps their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from provenance.audit import headers
from provenance.audit.examine import Examiner
from provenance.audit.interface import Row, Shard, Source, State
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
    """Finishes shards of one audit. Can be pickled; loads its models at the first shard.

    Args:
        source: reads the shards.
        folder: of the audit.
        config: path of your configuration, or None.
    """

    def __init__(self, source: Source, folder: Path, config: Path | None = None) -> None:
        self._source = source
        self._folder = folder
        self._config = config
        self._examiner: Examiner | None = None

    def __getstate__(self) -> dict[str, object]:
        """Without models: each process loads its own."""
        return {**self.__dict__, "_examiner": None}

    def finish(self, shard: Shard, *, careful: bool = False) -> Done:
        """Examine a shard and keep its rows.

        Args:
            shard: which.
            careful: its worker died before. The place is noted before each file, so that the next
                try passes over the one that is fatal.

        Raises:
            OSError: the shard cannot be reached now.
            OutputError: the rows cannot be kept.
        """
        run = Run(self._folder)
        asked = run.asked()
        if self._examiner is None:
            config = Config.load(self._config) if self._config else None
            self._examiner = Examiner(asked, config)
        rows = list(self._rows(self._examiner, run, shard, careful))
        run.finish(shard, rows, asked.digest)
        _notes(run, shard).unlink(missing_ok=True)
        return Done(shard.number, len(rows), sum(row.size or 0 for row in rows))

    def _rows(self, examiner: Examiner, run: Run, shard: Shard, careful: bool) -> Iterator[Row]:
        notes = _notes(run, shard)
        fatal: list[int] = json.loads(notes.read_bytes()) if notes.is_file() else []
        for sample in self._source.samples(shard):
            if sample.offset in fatal:
                row = headers.begun(sample, shard)
                yield replace(row, state=State.CORRUPT, problem=_FATAL)
                continue
            if careful:
                text = json.dumps([*fatal, sample.offset])
                write_atomically(notes, text.encode(), overwrite=True)
            yield examiner.examine(sample, shard)


def _notes(run: Run, shard: Shard) -> Path:
    return run.rows / f"{shard.number:06d}.fatal.json"
