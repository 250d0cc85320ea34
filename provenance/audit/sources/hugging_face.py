"""Datasets that Hugging Face's `datasets` saved to disk: Arrow files, read without that library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.interface import Sample, Shard
from provenance.audit.sources import columns
from provenance.audit.sources.places import Place
from provenance.errors import InputError

_BATCHES = 64
"""Record batches in a shard; `datasets` writes up to 1,000 rows in each, pictures 100."""


class HuggingFaceSource:
    """A folder made by `save_to_disk`, of one split or several.

    Args:
        folder: with `state.json`, or `dataset_dict.json` and a folder for each split.
        column: with the pictures; found by its name if left out.
    """

    def __init__(self, folder: Path, column: str = "") -> None:
        self._folder = folder
        self._column = column

    @staticmethod
    def is_one(folder: Path) -> bool:
        """Whether a folder was made so."""
        return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))

    @property
    def name(self) -> str:
        """The folder."""
        return Place(str(self._folder)).name

    def shards(self) -> Iterator[Shard]:
        """Runs of record batches, split by split.

        Raises:
            InputError: a file is missing or damaged, or has no column of pictures.
        """
        pa = schema.arrow()
        number = 0
        for split, folder in self._splits():
            for path in _files(folder):
                try:
                    with pa.memory_map(str(path)) as memory, _stream(memory) as reader:
                        columns.chosen(reader.schema.names, str(path), self._column)
                        counts = [batch.num_rows for batch in reader]
                except (OSError, pa.ArrowException) as error:
                    raise InputError(f"{path} cannot be read as Arrow ({error})") from error
                for start in range(0, len(counts), _BATCHES):
                    part = counts[start : start + _BATCHES]
                    where = {
                        "file": str(path.relative_to(self._folder)),
                        "split": split,
                        "from": start,
                        "to": start + len(part),
                        "before": sum(counts[:start]),
                    }
                    yield Shard(number, f"{where['file']} from {where['before']}", where, sum(part))
                    number += 1

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The rows of a shard, in order.

        Raises:
            OSError: the file cannot be read now.
        """
        pa = schema.arrow()
        where = shard.where
        path = self._folder / where["file"]
        offset = 0
        try:
            with pa.memory_map(str(path)) as memory, _stream(memory) as reader:
                chosen = columns.chosen(reader.schema.names, str(path), self._column)
                for index, batch in enumerate(reader):
                    if not where["from"] <= index < where["to"]:
                        continue
                    for row in batch.select(chosen.wanted).to_pylist():
                        name = f"{where['file']}/{where['before'] + offset}"
                        found = columns.sample(row, chosen, offset, name, Place(str(self._folder)))
                        yield found if found.split else replace(found, split=where["split"])
                        offset += 1
        except pa.ArrowException as error:
            raise OSError(f"{path} cannot be read ({error})") from error

    def _splits(self) -> list[tuple[str, Path]]:
        several = self._folder / "dataset_dict.json"
        if not several.is_file():
            return [("", self._folder)]
        names = _json(several).get("splits")
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise InputError(f"{several} names no splits")
        return [(name, _below(self._folder, name)) for name in names]


def _files(folder: Path) -> list[Path]:
    listed = _json(folder / "state.json").get("_data_files")
    if not isinstance(listed, list):
        raise InputError(f"{folder / 'state.json'} names no files")
    return [_below(folder, str(f.get("filename"))) for f in listed if isinstance(f, dict)]


def _below(folder: Path, name: str) -> Path:
    if name in ("", ".", "..") or Path(name).name != name:
        raise InputError(f"{folder} names '{name}', which is no name of a file in it")
    return folder / name


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is missing or damaged ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object")
    return found


def _stream(memory: Any) -> Any:
    return schema.arrow().ipc.open_stream(memory)
