"""Reads the tensors of a safetensors file: numbers, never code, in single precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ConfigError
from provenance.weights.formats import safetensors_header
from provenance.weights.interface import PullFailed

_TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor by name.

    Raises:
        ConfigError: it is no safetensors file, or holds other numbers than floats.
    """
    if path.suffix != ".safetensors":
        raise ConfigError(
            f"{path.name} is refused: a pickle runs code when it is loaded; use .safetensors"
        )
    try:
        with path.open("rb") as file:
            header = safetensors_header(file, path.name)
            file.seek(0)
            body = memoryview(file.read())
    except PullFailed as error:
        raise ConfigError(f"{error}; get it again") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    start = 8 + int.from_bytes(body[:8], "little")
    found = {}
    for name, entry in header.items():
        if entry["dtype"] not in _TYPES:
            raise ConfigError(f"{path.name}: {name[:80]} holds {entry['dtype']}, expected floats")
        begin, stop = entry["data_offsets"]
        values = np.frombuffer(body[start + begin : start + stop], _TYPES[entry["dtype"]])
        found[name] = values.reshape(entry["shape"]).astype(np.float32)
    return found
