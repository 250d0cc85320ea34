"""The file formats that hold numbers and text, never code; everything else is refused.

Pickle, and all that carries it (.pt, .pth, .bin, .ckpt), runs code when it is loaded. It is refused
by name and by its first bytes, whatever its name. ONNX and TFLite have parsers in C++, so they are
taken only with a pinned SHA-256, as every file here is.

Source: safetensors format, https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from provenance.errors import ConfigError
from provenance.weights.interface import PullFailed

MAX_HEADER = 16 << 20
"""Bytes of a safetensors header; a model with 1,000 tensors has about 100 kB."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64,
}  # fmt: skip


def check_name(name: str, at: str) -> str:
    """Return the file's name if its format may be kept.

    Raises:
        ConfigError: it may not; `at` says where the name stands.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ConfigError(f"{at}: '{name[:80]}' is no plain file name")
    if Path(name).suffix not in _CHECKS:
        raise ConfigError(
            f"{at}: files of that format are refused, because pickle runs code when it is loaded; "
            f"expected {', '.join(_CHECKS)}"
        )
    return name


def inspect(path: Path, name: str) -> None:
    """Refuse a file that is not what its name says.

    Raises:
        PullFailed: it is not.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(64)
        if start[:1] == b"\x80" and start[1:2] <= b"\x05":
            raise PullFailed(f"{name} is a pickle, which runs code when it is loaded; refused")
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            raise PullFailed(f"{name} is a zip archive, as pickled weights are; refused")
        file.seek(0)
        _CHECKS[Path(name).suffix](file, name)


def safetensors_header(file: BinaryIO, name: str) -> dict[str, Any]:
    """Read and check the header of a safetensors file: small, and true to the file's length.

    Returns:
        dtype, shape and offsets by tensor.

    Raises:
        PullFailed: the header is absurd.
    """
    end = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(MAX_HEADER, end - 8):
        raise PullFailed(f"{name} is no safetensors file: its header claims {length:,} bytes")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_unique)
        tensors = {k: v for k, v in header.items() if k != "__metadata__"}
        spans = sorted(_span(tensor) for tensor in tensors.values())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PullFailed(f"{name} is no safetensors file: its header is damaged") from error
    at = 0
    for begin, stop in spans:
        if begin != at:
            raise PullFailed(f"{name} is no safetensors file: its tensors overlap or leave gaps")
        at = stop
    if at != end - 8 - length:
        raise PullFailed(f"{name} is no safetensors file: its tensors do not fill it")
    return tensors


def _span(tensor: dict[str, Any]) -> tuple[int, int]:
    begin, stop = tensor["data_offsets"]
    numbers = [begin, stop, *tensor["shape"]]
    if not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers) or len(numbers) > 34:
        raise ValueError
    if (stop - begin) * 8 != math.prod(tensor["shape"]) * _BITS[tensor["dtype"]]:
        raise ValueError
    return begin, stop


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _safetensors(file: BinaryIO, name: str) -> None:
    safetensors_header(file, name)


def _tflite(file: BinaryIO, name: str) -> None:
    if file.read(8)[4:] != b"TFL3":
        raise PullFailed(f"{name} is no TFLite file")


def _json(file: BinaryIO, name: str) -> None:
    if file.read(64).lstrip()[:1] not in {b"{", b"["}:
        raise PullFailed(f"{name} is no JSON file")


def _text(file: BinaryIO, name: str) -> None:
    if b"\0" in file.read(4096):
        raise PullFailed(f"{name} is no text file")


def _protobuf(file: BinaryIO, name: str) -> None:
    """ONNX and SentencePiece have no magic number; a message never starts with field 0."""
    if file.read(1) < b"\x08":
        raise PullFailed(f"{name} is no protobuf file")


_CHECKS: dict[str, Callable[[BinaryIO, str], None]] = {
    ".safetensors": _safetensors,
    ".onnx": _protobuf,
    ".tflite": _tflite,
    ".json": _json,
    ".txt": _text,
    ".model": _protobuf,
}
