"""Lists of what to keep, and copies of what was found. Nothing is moved or deleted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from provenance.audit import findings, schema
from provenance.audit.finish import load
from provenance.audit.interface import Source
from provenance.audit.run import Run
from provenance.audit.sources.walk import AUDIT
from provenance.audit.unchecked import unchecked
from provenance.errors import ConfigError, InputError, OutputError
from provenance.files import write_atomically

FORMATS = (".csv", ".jsonl", ".parquet", ".txt")

_FIELDS = ("path", "label", "split", "findings")


def manifest(
    run: Run, drop: Collection[str], only: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """The files that are left.

    Args:
        run: the audit.
        drop: kinds of findings that are left out.
        only: kinds of which a file must be of one; all are taken if empty.
    """
    unwanted, wanted = set(findings.checked(drop)), set(findings.checked(only))
    for row, kinds in findings.rows(run):
        if unwanted.isdisjoint(kinds) and (not wanted or not wanted.isdisjoint(kinds)):
            yield {
                "path": row["path"],
                "label": row["label"],
                "split": row["split"],
                "findings": list(kinds),
            }


def silences(run: Run, kinds: Collection[str]) -> tuple[str, ...]:
    """What a list by these kinds cannot know, since not everything was looked at.

    Args:
        run: the audit.
        kinds: of findings.

    Raises:
        ConfigError: a kind is unknown, or was not looked for at all.
        InputError: the audit was not finished.
    """
    summary = load(run.folder)
    missing = sum(not run.finished(shard.number) for shard in run.shards())
    if missing != summary["unfinished_shards"]:
        raise InputError(f"{run.folder} was ended before its end; run the same audit once more")
    looked = summary["counts"].get("examined", {}).get("pixels", 0)
    asked = summary["asked"]
    unasked = {
        "called": not summary["generated"]["judged"],
        "unsafe": not (looked and asked["moderation"]),
        "flagged": not (looked and asked["moderation"]),
        "duplicate": not (looked and asked["duplicates"]),
        "leak": not (looked and asked["duplicates"]),
    }
    for kind in findings.checked(kinds):
        if unasked.get(kind):
            raise ConfigError(
                f"'{kind}' was looked for in no picture of {run.folder}; audit with --pixels all, "
                "and see what was not checked there"
            )
    by_pixels = {*unasked, "corrupt", "watermarked"}
    return () if by_pixels.isdisjoint(kinds) else tuple(unchecked(summary))


def write_manifest(
    path: Path, entries: Iterable[dict[str, Any]], *, overwrite: bool = False
) -> int:
    """Write a list of files in the format of the name: csv, jsonl, parquet, or txt (paths alone).

    Returns:
        How many there are.

    Raises:
        ConfigError: the name ends in something else.
        OutputError: it exists, or cannot be written.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f"{path} ends in none of {', '.join(FORMATS)}; give one of these")
    kept = list(entries)
    write_atomically(path, _written(path.suffix, kept), overwrite=overwrite)
    return len(kept)


def _written(kind: str, entries: list[dict[str, Any]]) -> bytes:
    if kind == ".parquet":
        pa = schema.arrow()
        columns = pa.schema(
            [*((name, pa.string()) for name in _FIELDS[:3]), ("findings", pa.list_(pa.string()))]
        )
        sink = pa.BufferOutputStream()
        pa.parquet.write_table(pa.Table.from_pylist(entries, columns), sink, compression="zstd")
        return bytes(sink.getvalue().to_pybytes())
    if kind == ".jsonl":
        return "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries).encode()
    if kind == ".txt":
        return "".join(e["path"] + "\n" for e in entries).encode()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    writer.writerows([e["path"], e["label"], e["split"], " ".join(e["findings"])] for e in entries)
    return text.getvalue().encode()


def quarantine(
    run: Run, source: Source, folder: Path, kinds: Collection[str], limit: int = 256 * 1024 * 1024
) -> tuple[int, int]:
    """Copy every file with a finding into a folder, and list them with the reasons.

    Copies are named by shard and offset, never as their dataset names them; `quarantine.csv` has
    both names. Files that cannot be read are listed, and not copied.

    Args:
        run: the audit.
        source: of the audit.
        folder: made if it is not there; must be empty or a quarantine of the same audit.
        kinds: of findings.
        limit: bytes of a file.

    Returns:
        How many were listed, and how many of these copied.

    Raises:
        OutputError: the folder cannot be written.
    """
    wanted = set(findings.checked(kinds))
    picked: dict[int, dict[int, tuple[str, str, str]]] = {}
    for row, found in findings.rows(run):
        if not wanted.isdisjoint(found):
            entry = (row["path"], " ".join(found), row["problem"])
            picked.setdefault(row["shard"], {})[row["offset"]] = entry
    quarantine_at(folder)
    lines: list[tuple[str, ...]] = []
    copied = 0
    for shard in run.shards():
        entries = picked.get(shard.number, {})
        if not entries:
            continue
        for sample in source.samples(shard):
            if sample.offset not in entries:
                continue
            path, kinds_of, problem = entries[sample.offset]
            name = f"{shard.number:06d}-{sample.offset:06d}{_suffix(path)}"
            try:
                with sample.open() as file:
                    data = file.read(limit + 1)
            except OSError as error:
                lines.append(("", path, kinds_of, problem or str(error)))
                continue
            if len(data) > limit:
                lines.append(("", path, kinds_of, f"it has over {limit:,} bytes"))
                continue
            write_atomically(folder / name, data, overwrite=True, mode=0o600)
            lines.append((name, path, kinds_of, problem))
            copied += 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("file", "path", "findings", "problem"), *lines])
    write_atomically(folder / "quarantine.csv", text.getvalue().encode(), overwrite=True)
    return len(lines), copied


def quarantine_at(folder: Path) -> None:
    """Make the folder of a quarantine, which later audits pass over as they do their own.

    Raises:
        OutputError: it cannot be made, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = (folder / AUDIT).exists() and not (folder / "plan.json").exists()
        if not known and any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty; name a new folder for the quarantine")
        (folder / AUDIT).touch()
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror})") from error


def _suffix(path: str) -> str:
    """The ending of a name, if it is one that no program takes for more than a picture."""
    suffix = "." + path.lower().rpartition(".")[2]
    return suffix if suffix in _SUFFIXES else ".bin"


_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".mp4", ".png", ".tif", ".tiff", ".webp"}
)
