"""The folder of weights on this machine: name/revision/files, each compared with its SHA-256.

Nothing here goes to the network. A file is hashed once in a process, and again when it changes;
whoever can write the folder while a process runs can alter what it loads, as with any file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from provenance.errors import ConfigError, OutputError
from provenance.registry._file_lock import locked
from provenance.weights import pins
from provenance.weights.catalogue import NAME, Catalogue, Model
from provenance.weights.formats import check_name
from provenance.weights.incoming import finish, take, writing
from provenance.weights.interface import Weights, WeightsMissing

VARIABLE = "PROVENANCE_MODELS"
"""Where the weights are kept, if not where the platform keeps data."""

_hashed: dict[Path, tuple[tuple[int, ...], str]] = {}
"""SHA-256 by file, with what `stat` said when it was taken."""


class State(StrEnum):
    """How much of a model is on this machine, by names and sizes."""

    HERE = "here"
    INCOMPLETE = "incomplete"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model, and how much of it is here.

    Attributes:
        model: with the user's own pins applied.
        state: by names and sizes; `verify` looks inside.
        folder: where its files are, or would be.
    """

    model: Model
    state: State
    folder: Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that was checked.

    Attributes:
        model: its name.
        file: its name.
        problem: None if the file is what is pinned.
    """

    model: str
    file: str
    problem: str | None


class Store:
    """Weights in a folder.

    Args:
        root: made when the first model is pulled.
        catalogue: what is known.
    """

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self.root = root
        self.catalogue = catalogue

    @classmethod
    def standard(cls, catalogue: Path | None = None) -> Store:
        """The user's folder, with our catalogue and his own."""
        return cls(default_root(), Catalogue.standard(catalogue))

    def get(self, model: str) -> Weights:
        """The files, checked.

        Raises:
            WeightsMissing: they are not here, or are damaged.
            ConfigError: the catalogue has no such model; the message suggests the nearest.
        """
        entry = self.entry(model)
        known = entry.model
        if not known.pinned or entry.state is State.ABSENT:
            raise self._missing(model, "are not on this machine")
        for finding in self._compare(entry):
            if finding.problem:
                raise self._missing(model, f"cannot be used: {finding.file} {finding.problem}")
        files = {f.name: entry.folder / f.name for f in known.files}
        return Weights(known.name, str(known.revision), files, known.licence)

    def entry(self, model: str) -> Entry:
        """One model, and how much of it is here.

        Raises:
            ConfigError: the catalogue has no such model, or its lock file is damaged.
        """
        known = self.catalogue.find(model)
        known = pins.applied(known, pins.read(self.root / model))
        folder = self.root / model / (known.revision or "unpinned")
        sizes = [_size(folder / f.name) for f in known.files]
        wanted = [f.size for f in known.files]
        if all(s is not None and w in {None, s} for s, w in zip(sizes, wanted, strict=True)):
            state = State.HERE
        elif _in_use(folder):
            state = State.INCOMPLETE
        else:
            state = State.ABSENT
        return Entry(known, state, folder)

    def entries(self) -> list[Entry]:
        """Every model of the catalogue."""
        return [self.entry(model.name) for model in self.catalogue]

    def verify(self, model: str) -> Iterator[Finding]:
        """Hash every file of a model again, and find what is not its own.

        Raises:
            ConfigError: the catalogue has no such model, or its lock file is damaged.
        """
        entry = self.entry(model)
        for file in entry.model.files:
            _hashed.pop(entry.folder / file.name, None)
        yield from self._compare(entry)

    def remove(self, model: str) -> int:
        """Delete a model, with what was left of an interrupted pull, and return the bytes freed.

        Raises:
            ConfigError: nothing of that name is here.
            OutputError: it cannot be deleted.
        """
        folder = self.root / model
        if not NAME.fullmatch(model) or not folder.is_dir():
            raise ConfigError(f"nothing of '{model[:80]}' is here; provenance models list shows it")
        with self.lock(model), writing(folder):
            freed = sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file())
            aside = self.root / f".removed-{secrets.token_hex(4)}"
            folder.rename(aside)
            shutil.rmtree(aside)
        return freed

    def add(self, model: str, name: str, path: Path) -> Path:
        """Keep a file that was made from a model's own, such as a conversion, beside them.

        It is pinned as it is now, and `get` checks it as the others from then on.

        Raises:
            WeightsMissing: the model itself is not here.
            PullFailed: the format is refused.
            OutputError: it cannot be written.
            OSError: `path` cannot be read.
        """
        self.get(model)
        with self.lock(model):
            entry = self.entry(model)
            if name in {f.name for f in self.catalogue.find(model).files}:
                raise ConfigError(f"{name} is a file of {model} itself; choose another name")
            target = entry.folder / check_name(name, model)
            size = path.stat().st_size
            with path.open("rb") as source:
                pin = take(source, target, size, size)
            finish(target)
            before = pins.read(self.root / model)
            files = dict(before.files) if before and before.revision == entry.model.revision else {}
            files[name] = pin
            pins.write(self.root / model, pins.Pins(str(entry.model.revision), files))
        return target

    @contextlib.contextmanager
    def lock(self, model: str) -> Iterator[None]:
        """Keep other processes from pulling or removing the same model meanwhile.

        Raises:
            OutputError: the folder cannot be written.
        """
        path = self.root / ".locks" / model
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab+")
        with file, contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(file, write=True))
            except OSError as error:
                raise OutputError(f"another process is busy with {model}; try again") from error
            yield

    def _compare(self, entry: Entry) -> Iterator[Finding]:
        model = entry.model
        for file in model.files:
            yield Finding(model.name, file.name, problem_of(entry.folder / file.name, file.sha256))
        known = {file.name for file in model.files}
        with contextlib.suppress(OSError):
            for name in sorted(path.name for path in entry.folder.iterdir()):
                if name not in known and not name.startswith("."):
                    yield Finding(model.name, name[:100], "is not of this model; delete it")

    def _missing(self, model: str, what: str) -> WeightsMissing:
        return WeightsMissing(
            model, f"the weights of {model} {what}; run: provenance models pull {model}"
        )


def default_root() -> Path:
    """$PROVENANCE_MODELS, or where the platform keeps a user's data."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    variable, usual = (
        ("LOCALAPPDATA", ("AppData", "Local"))
        if sys.platform == "win32"
        else ("XDG_DATA_HOME", (".local", "share"))
    )
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():  # the convention says to ignore it
        try:
            base = Path.home().joinpath(*usual)
        except RuntimeError as error:
            raise ConfigError(f"there is no home folder; set ${VARIABLE}") from error
    return base / "provenance" / "models"


def problem_of(path: Path, sha256: str | None) -> str | None:
    """What is wrong with a file, in words that follow its name; None if nothing is."""
    try:
        found = sha256_of(path)
    except OSError as error:
        return "is missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
    if sha256 is None:
        return "is not pinned"
    return None if found == sha256 else f"is damaged: SHA-256 {found}, expected {sha256}"


def sha256_of(path: Path) -> str:
    """The file's SHA-256, taken again only when the file has changed.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        before = _identity(file.fileno())
        known = _hashed.get(path)
        if known is not None and known[0] == before:
            return known[1]
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if _identity(file.fileno()) == before:
            _hashed[path] = (before, found)
    return found


def _identity(descriptor: int) -> tuple[int, ...]:
    stat = os.fstat(descriptor)
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _in_use(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
