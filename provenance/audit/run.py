"""The folder of an audit: what was asked, which shards there are, and which are finished.

    plan.json       what was asked, of which sources
    shards.jsonl    a line for each shard
    rows/           a Parquet file for each finished shard
    summary.json    and what else is made of the rows in the end

A file of rows appears whole, by a rename, or not at all: whatever ends the process, at most the
shards in work are begun again, and none is counted twice.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.interface import Row, Shard
from provenance.audit.plan import Asked
from provenance.audit.sources.walk import AUDIT
from provenance.errors import ConfigError, InputError, OutputError
from provenance.files import write_atomically

VERSION = "provenance.audit.plan/1"

DUPLICATES = "duplicates.parquet"
SUMMARY = "summary.json"
REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Totals:
    """How much a plan has before it.

    Attributes:
        shards: number of them.
        samples: files, as far as is known.
        size: bytes likewise.
        known: every shard says how many files it has.
    """

    shards: int
    samples: int
    size: int
    known: bool


class Run:
    """One audit on disk.

    Args:
        folder: of the audit.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = folder / "rows"
        self._plan = folder / "plan.json"
        self._shards = folder / "shards.jsonl"

    @property
    def begun(self) -> bool:
        """There is a plan."""
        return self._plan.is_file()

    def begin(self, asked: Asked, sources: list[str], shards: Iterable[Shard]) -> Totals:
        """Write the plan; the list of shards is made once, so that going on finds the same.

        Raises:
            OutputError: the folder holds something else, or cannot be written.
            InputError: a source is not there, or is empty.
        """
        try:
            self.rows.mkdir(parents=True, exist_ok=True)
            totals = self._listed(shards)
        except OSError as error:
            raise OutputError(
                f"the audit cannot be kept in {self.folder} ({error.strerror}); choose another "
                "folder with --output"
            ) from error
        if not totals.shards:
            raise InputError(f"{', '.join(sources)} holds no files; check the path")
        plan = {
            "schema": VERSION,
            "sources": sources,
            "asked": asked.to_dict(),
            "digest": asked.digest,
            "totals": asdict(totals),
        }
        text = json.dumps(plan, indent=1, sort_keys=True)
        write_atomically(self._plan, f"{text}\n".encode(), overwrite=True)
        return totals

    def resume(self, asked: Asked, sources: list[str]) -> Totals:
        """The totals of the plan that is there.

        Raises:
            ConfigError: it is the plan of another audit.
        """
        plan = self.plan()
        if plan["digest"] != asked.digest or plan["sources"] != sources:
            what = "other data" if plan["sources"] != sources else "other settings or versions"
            raise ConfigError(
                f"{self.folder} holds an audit of {what}; choose another folder with --output, "
                "or remove it"
            )
        return Totals(**plan["totals"])

    def plan(self) -> dict[str, Any]:
        """The plan as it stands.

        Raises:
            InputError: there is none, or it is damaged.
        """
        try:
            plan = json.loads(self._plan.read_bytes())
            if plan["schema"] != VERSION:
                raise InputError(f"{self._plan} is of version {plan['schema']}, not {VERSION}")
        except FileNotFoundError as error:
            raise InputError(f"{self.folder} holds no audit: plan.json is missing") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self._plan} is damaged ({type(error).__name__})") from error
        return dict(plan)

    def asked(self) -> Asked:
        """What was asked."""
        return Asked.from_dict(self.plan()["asked"])

    def shards(self) -> Iterator[Shard]:
        """All shards, in order."""
        with self._shards.open(encoding="utf-8") as file:
            for line in file:
                yield Shard(**json.loads(line))

    def part(self, number: int) -> Path:
        """Where the rows of a shard are, or will be."""
        return self.rows / f"{number:06d}.parquet"

    def finished(self, number: int) -> bool:
        """The rows of a shard are there."""
        return self.part(number).is_file()

    def parts(self) -> Iterator[Path]:
        """The files of rows that are there, in the order of the shards."""
        for shard in self.shards():
            if self.finished(shard.number):
                yield self.part(shard.number)

    def all_rows(self) -> Iterator[Row]:
        """Every row that is there, in order."""
        for part in self.parts():
            yield from schema.read(part)

    def finish(self, number: int, rows: bytes) -> None:
        """Keep the rows of a shard, see `schema.rendered`; it is finished when this returns.

        Raises:
            OutputError: they cannot be kept.
        """
        write_atomically(self.part(number), rows, overwrite=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other audits out of the folder while the block runs.

        Raises:
            OutputError: another one is at work there.
        """
        from provenance.registry._file_lock import locked

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / AUDIT).open("wb")
        except OSError as error:
            raise OutputError(
                f"the audit cannot be kept in {self.folder} ({error.strerror}); choose another "
                "folder with --output"
            ) from error
        with file, contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(file, write=True, wait=False))
            except OSError as error:
                raise OutputError(
                    f"another audit is at work in {self.folder}; wait for it, or choose another "
                    "folder with --output"
                ) from error
            # Of a run that was ended from outside: what it was writing, and what it suspected.
            for left in (*self.rows.glob(".provenance-*.tmp"), *self.rows.glob("*.fatal.json")):
                left.unlink()
            yield

    def _listed(self, shards: Iterable[Shard]) -> Totals:
        count = samples = size = 0
        known = True
        beside = self._shards.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            for shard in shards:
                file.write(json.dumps(asdict(shard), sort_keys=True) + "\n")
                count += 1
                samples += shard.samples or 0
                size += shard.size or 0
                known = known and shard.samples is not None
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._shards)
        return Totals(count, samples, size, known)
