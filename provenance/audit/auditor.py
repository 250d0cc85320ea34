"""`Auditor`: plans an audit, works through it, goes on where it was ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.engines.interface import Engine, Failed
from provenance.audit.examine import Examiner
from provenance.audit.interface import Source
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run, Totals
from provenance.audit.versions import versions
from provenance.audit.worker import Done, Worker
from provenance.config import Config

_TRIED = 32
"""Files of a rehearsal."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an audit is.

    Attributes:
        done: shards that are finished, those of earlier runs included.
        rows: files in the shards that this run finished.
        size: bytes likewise.
        failed: a shard that could not be finished now, or None.
    """

    done: int
    rows: int
    size: int
    failed: Failed | None = None


class Auditor:
    """Audits a source into a folder.

    Args:
        source: the dataset.
        folder: where the audit is kept.
        asked: what to look for.
        config: your keys and anchors, or None.
    """

    def __init__(
        self, source: Source, folder: Path, asked: Asked, config: Config | None = None
    ) -> None:
        schema.arrow()
        self.source = source
        self.folder = folder
        self.config = config
        self.asked = replace(asked, versions=versions(asked, config))
        self._run = Run(folder)

    def plan(self) -> Totals:
        """Write the plan, or find the one that is there.

        Raises:
            ConfigError: the folder holds another audit.
            InputError: the source is not there.
            OutputError: the plan cannot be kept, or another audit is at work in the folder.
        """
        with self._run.alone():
            return self._planned()

    def run(self, engine: Engine) -> Iterator[Step]:
        """Work through all that is not finished yet, telling how far it is.

        Raises:
            As `plan`; and OutputError when rows cannot be kept.
        """
        with self._run.alone():
            self._planned()
            done = sum(self._run.finished(shard.number) for shard in self._run.shards())
            rows = size = 0
            yield Step(done, rows, size)
            todo = (s for s in self._run.shards() if not self._run.finished(s.number))
            config = self.config.path if self.config else None
            worker = Worker(self.source, self.asked, config, self.folder)
            for each in engine.run(worker, todo):
                if isinstance(each, Done):
                    done, rows, size = done + 1, rows + each.rows, size + each.size
                    yield Step(done, rows, size)
                else:
                    yield Step(done, rows, size, each)

    def rehearsed(self) -> dict[str, Any]:
        """What would be done, and the processor time it would take, from a few files tried.

        Nothing is kept. Ready for JSON.

        Raises:
            InputError: the source is not there.
        """
        examiner = Examiner(self.asked, self.config)
        shards = files = size = tried = 0
        known, spent = True, 0.0
        for shard in self.source.shards():
            shards, files, size = shards + 1, files + (shard.samples or 0), size + (shard.size or 0)
            known = known and shard.samples is not None
            if tried >= _TRIED:
                continue
            for sample in islice(self.source.samples(shard), _TRIED - tried):
                if tried == 0:
                    examiner.examine(sample, shard)  # loads the models, which is no file's cost
                begun = time.process_time()
                examiner.examine(sample, shard)
                spent, tried = spent + time.process_time() - begun, tried + 1
        return {
            "source": self.source.name,
            "shards": shards,
            "files": files,
            "files_known": known,
            "bytes": size,
            "pixels": self.asked.pixels.value
            + (f" {self.asked.share:.2%}" if self.asked.pixels is Pixels.SAMPLE else ""),
            "tried": tried,
            "cpu_seconds": round(spent / tried * files, 1) if tried else 0.0,
            "versions": dict(self.asked.versions),
        }

    def _planned(self) -> Totals:
        names = [self.source.name]
        if self._run.begun:
            return self._run.resume(self.asked, names)
        return self._run.begin(self.asked, names, self.source.shards())
