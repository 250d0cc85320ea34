"""What a user has pinned for himself: the lock file of one model in the store.

Models whose hashes nobody has stated are pinned by their user, once; files that are made from a
model's own, such as conversions, are pinned when they are made. From then on they are checked as
the others are. What the catalogue states always wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from provenance.errors import ConfigError
from provenance.files import write_atomically
from provenance.weights.catalogue import Model, ModelFile, check_revision, check_sha256
from provenance.weights.formats import check_name

FILE_NAME = "lock.json"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file must be: SHA-256 in hexadecimal, and bytes."""

    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of one model: a revision, and files by name."""

    revision: str
    files: Mapping[str, Pin]


def read(folder: Path) -> Pins | None:
    """The pins in a model's folder, or None.

    Raises:
        ConfigError: the lock file is damaged.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
        files = {
            check_name(name, str(path)): Pin(check_sha256(pin["sha256"], str(path)), pin["size"])
            for name, pin in found["files"].items()
        }
        sizes = [pin.size for pin in files.values()]
        if not all(type(size) is int and size > 0 for size in sizes):
            raise ConfigError(f"{path}: a size is damaged")
        return Pins(check_revision(found["revision"], "any", str(path)), files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged; delete it and pull the model again") from error


def write(folder: Path, pins: Pins) -> None:
    """Replace the lock file.

    Raises:
        OutputError: it cannot be written.
    """
    record = {"revision": pins.revision, "files": {n: asdict(p) for n, p in pins.files.items()}}
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    write_atomically(folder / FILE_NAME, text.encode(), overwrite=True)


def applied(model: Model, pins: Pins | None) -> Model:
    """The model with the user's pins where the catalogue has none, and with his own files."""
    if pins is None or (model.revision or pins.revision) != pins.revision:
        return model
    files = []
    for file in model.files:
        pin = pins.files.get(file.name)
        if pin is None or file.sha256 not in {None, pin.sha256}:
            files.append(file)
        else:
            files.append(replace(file, sha256=pin.sha256, size=file.size or pin.size))
    known = {file.name for file in files}
    files += [
        ModelFile(name, "", pin.sha256, pin.size)
        for name, pin in pins.files.items()
        if name not in known
    ]
    return replace(model, revision=pins.revision, files=tuple(files))
