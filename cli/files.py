"""Pairs inputs with outputs for `protect`, and finds every conflict before any work is done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provenance.codec.encode import SUFFIXES, encoding_for
from provenance.codec.limits import Limits
from provenance.errors import InputError, OutputError
from provenance_cli.render import say

STREAM = "-"
_READ = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}
)


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to protect. `source` or `target` None stands for a standard stream."""

    source: Path | None
    target: Path | None


def read_stdin(limits: Limits) -> bytes:
    """All of stdin, or one byte more than the limit: enough for the library to refuse it."""
    if sys.stdin is None:
        raise InputError("stdin is closed; give a file name")
    return sys.stdin.buffer.read(limits.max_bytes + 1)


def pair(inputs: Sequence[str], output: str, suffix: str | None, overwrite: bool) -> list[Job]:
    """Decide where each result goes.

    A folder is walked for pictures and rebuilt under the output folder; several inputs need a
    folder as output; one input may name its output file.

    Raises:
        InputError: an input is missing, or a folder holds no picture.
        OutputError: two results would share a name, an output exists, or it is its own input.
    """
    if "" in inputs or not output:
        raise InputError("an empty name was given; is a variable of the shell unset?")
    if STREAM in inputs and len(inputs) > 1:
        raise InputError("- (stdin) was given beside other inputs; give it alone")
    if inputs == [STREAM] or output == STREAM:
        return [_streamed(inputs, output)]
    sources = [found for name in inputs for found in expanded(Path(name))]
    folder = Path(output)
    into_folder = (
        len(sources) > 1
        or folder.is_dir()
        or output.endswith(("/", "\\"))
        or any(Path(name).is_dir() for name in inputs)
    )
    if into_folder and folder.exists() and not folder.is_dir():
        raise OutputError(f"{output} is a file; several pictures need a folder as output")
    if suffix and not into_folder and encoding_for(suffix) != encoding_for(folder.suffix):
        raise OutputError(
            f"--to asks for {suffix} and the output is {output}; give one of them, or a folder"
        )
    pairs = []
    for source, relative in sources:
        target = folder / (relative.with_suffix(suffix) if suffix else relative)
        pairs.append((source, _written(target) if into_folder else folder))
    _refuse_conflicts(pairs, overwrite)
    return [Job(source, target) for source, target in pairs]


def _streamed(inputs: Sequence[str], output: str) -> Job:
    if len(inputs) > 1:
        raise OutputError("- (stdout) takes one picture; give a folder as output for several")
    source = None if inputs[0] == STREAM else Path(inputs[0])
    if output.endswith("/") or (output != STREAM and Path(output).is_dir()):
        raise OutputError("stdin has no name; give a file name as output")
    return Job(source, None if output == STREAM else Path(output))


def expanded(path: Path) -> list[tuple[Path, Path]]:
    """The file itself, or the pictures of a folder with their paths inside it."""
    if not path.is_dir():
        return [(path, Path(path.name))]
    files = [p for p in sorted(path.rglob("*")) if p.is_file() or p.is_symlink()]
    found = [p for p in files if p.suffix.lower() in _READ and not p.is_symlink()]
    for skipped in sorted(set(files) - set(found)):
        why = "a link" if skipped.is_symlink() else "not named like a picture that we read"
        say(f"skipped: {skipped}: {why}")
    if not found:
        raise InputError(f"the folder {path} holds no picture ({', '.join(sorted(_READ))})")
    return [(p, p.relative_to(path)) for p in found]


def _written(path: Path) -> Path:
    """A format that we only read gets the suffix of the one that it is written in."""
    return path.with_suffix(SUFFIXES["PNG"]) if path.suffix.lower() in {".gif", ".bmp"} else path


def _refuse_conflicts(pairs: Sequence[tuple[Path, Path]], overwrite: bool) -> None:
    seen: dict[Path, Path] = {}
    for source, target in pairs:
        place = Path(os.path.realpath(target))
        if Path(os.path.realpath(source)) == place:
            raise OutputError(
                f"{target} is both input and output; choose another name or folder, "
                "since the original would be lost"
            )
        if place in seen:
            raise OutputError(
                f"{seen[place]} and {source} would both be written to {target}; "
                "protect them one after the other"
            )
        seen[place] = source
        if os.path.lexists(target) and not overwrite:
            raise OutputError(f"{target} exists; use --overwrite to replace it")
