"""Reads arrays from .npz and .safetensors: never pickled, never larger than the file says."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

MAX_BYTES = 64 << 20
"""Of all arrays unpacked; the heads that we know have at most 1 MiB."""

_SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1"}


def read_npz(data: bytes) -> Arrays:
    """The arrays of an .npz; a header that claims more than its member holds is refused first.

    Raises:
        ValueError: damaged, pickled, or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _members(archive)
    except ValueError:
        raise
    except Exception as error:  # zipfile and zlib fail in many ways on hostile files
        raise ValueError("it is no intact .npz") from error


def _members(archive: zipfile.ZipFile) -> Arrays:
    members = archive.infolist()
    if sum(m.file_size for m in members) > MAX_BYTES:
        raise ValueError(f"unpacked it has more than {MAX_BYTES >> 20} MiB")
    if not all(m.filename.endswith(".npy") for m in members):
        raise ValueError("it holds other files than arrays")
    return {m.filename.removesuffix(".npy"): _npy(archive.read(m)) for m in members}


def _npy(data: bytes) -> NDArray[Any]:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError("it holds an array of an unknown version")
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError("it holds an array that is cut short, or that is no plain array")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def read_safetensors(data: bytes) -> tuple[Arrays, Mapping[str, str]]:
    """The arrays and the metadata of a .safetensors file.

    Source: https://github.com/huggingface/safetensors#format

    Raises:
        ValueError: damaged, or of a type that no head has.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise ValueError("it is no intact .safetensors")
    try:
        header = json.loads(data[8 : 8 + size])
        said = {str(k): str(v) for k, v in header.pop("__metadata__", {}).items()}
        return {name: _tensor(entry, data[8 + size :]) for name, entry in header.items()}, said
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no intact .safetensors ({type(error).__name__})") from error


def _tensor(entry: Mapping[str, Any], body: bytes) -> NDArray[Any]:
    start, stop = entry["data_offsets"]
    shape, dtype = tuple(entry["shape"]), np.dtype(_SAFETENSORS[entry["dtype"]])
    if not (0 <= start <= stop <= len(body)) or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("it holds a tensor that is cut short")
    if math.prod(shape) * dtype.itemsize != stop - start:
        raise ValueError("it holds a tensor that is cut short")
    return np.frombuffer(body[start:stop], dtype).reshape(shape)
