"""Reads and writes protocol buffers field by field, as far as ONNX files need it.

So the package `onnx` is needed neither to cut a graph nor to write its products in whole numbers.
Source: onnx/onnx.proto3 (field numbers), https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, memoryview, memoryview | None]
"""Number, the whole field, and its content where it has a length."""


def fields(data: memoryview) -> Iterator[Field]:
    """Every field of a message, in order.

    Raises:
        ValueError: it is damaged.
        IndexError: likewise.
    """
    at = 0
    while at < len(data):
        start = at
        key, at = varint(data, at)
        kind = key & 7
        if kind == 2:
            size, at = varint(data, at)
            end = at + size
            body: memoryview | None = data[at:end]
        elif kind in (0, 1, 5):
            end = varint(data, at)[1] if kind == 0 else at + (8 if kind == 1 else 4)
            body = None
        else:
            raise ValueError(f"wire type {kind}")
        if end > len(data):
            raise ValueError("cut short")
        yield key >> 3, data[start:end], body
        at = end


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A whole number at that place, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def integer(raw: memoryview) -> int:
    """The value of a whole-number field."""
    _, at = varint(raw, 0)
    return varint(raw, at)[0]


def packed(body: memoryview) -> list[int]:
    """Whole numbers that stand in one field."""
    found, at = [], 0
    while at < len(body):
        value, at = varint(body, at)
        found.append(value)
    return found


def message(number: int, body: bytes | memoryview) -> bytes:
    """A field that has a length: bytes, text or a message."""
    return encoded(number << 3 | 2) + encoded(len(body)) + bytes(body)


def whole(number: int, value: int) -> bytes:
    """A whole-number field."""
    return encoded(number << 3) + encoded(value)


def encoded(value: int) -> bytes:
    """A whole number of any size, at least 0."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
