"""Small signed pictures for the tests, and a forger's tools to alter them in known places.

A C2PA manifest store is a tree of JUMBF boxes (ISO 19566-5); in a PNG it is the chunk caBX.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import Image

from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.evidence import Evidence
from provenance.picture import EncodedPicture, Encoding, Picture
from provenance.sign.development import DevelopmentChain, create
from provenance.sign.interface import Generator, Parent, Statement
from provenance.sign.local import LocalSigner
from provenance.sign.sign import Signed, sign
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type

GENERATOR = Generator("test-generator", "1.0")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@cache
def chain() -> DevelopmentChain:
    """One development chain for all tests of a run."""
    return create("Test signers")


@cache
def signer() -> LocalSigner:
    """The signer of `chain`."""
    return LocalSigner(chain().certificates, chain().key)


def anchors() -> tuple[str, ...]:
    """The root of `chain`."""
    return (chain().anchors.decode(),)


def drawing(seed: int = 0) -> Picture:
    """A 64×48 picture with smooth colour; each seed gives another."""
    y, x = np.mgrid[0:48, 0:64]
    pixels = np.stack([4 * x, 5 * y, (3 * x + 2 * y + 50 * seed) % 256], axis=-1)
    return Picture.from_array(pixels.astype(np.uint8))


def encoded(kind: str = "PNG", seed: int = 0) -> EncodedPicture:
    """`drawing`, written in one of our formats."""
    return encode(drawing(seed), Encoding(format=kind))  # type: ignore[arg-type]


def signed(
    kind: str = "PNG",
    seed: int = 0,
    *,
    parent: bytes | None = None,
    by: LocalSigner | None = None,
) -> Signed:
    """A signed `drawing`."""
    history = Parent(parent, media_type(parent)) if parent else None
    return sign(
        encoded(kind, seed), Statement(GENERATOR, parent=history), by or signer(), anchors()
    )


def examined(data: bytes, *trusted: str) -> tuple[Evidence, ...]:
    """What the credentials check says."""
    return tuple(CredentialsCheck(trusted).examine(Subject(data, media_type(data), Limits())))


def codes(data: bytes, *trusted: str) -> list[str]:
    """The classes that the credentials check gives, without their common prefix."""
    return [e.code.removeprefix("credentials.") for e in examined(data, *trusted)]


def png(*texts: tuple[str, str], size: tuple[int, int] = (8, 8)) -> bytes:
    """An unsigned PNG with iTXt chunks."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for keyword, text in texts:
        info.add_itxt(keyword, text)
    buffer = io.BytesIO()
    Image.new("RGB", size, "gray").save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG: kind and body."""
    found, at = [], len(_SIGNATURE)
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    """The PNG of these chunks, with right checksums."""
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def store_of(data: bytes) -> bytes:
    """The manifest store of a signed PNG."""
    return next(body for kind, body in chunks(data) if kind == b"caBX")


def with_store(data: bytes, store: bytes) -> bytes:
    """A PNG with its manifest store replaced, or inserted where c2pa puts it."""
    parts = [part for part in chunks(data) if part[0] != b"caBX"]
    return joined([parts[0], (b"caBX", store), *parts[1:]])


def flipped(data: bytes, at: int) -> bytes:
    """The bytes with one bit changed."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def content(store: bytes, *labels: str) -> range:
    """Where the content of the box stands whose labels, from the root, end with `labels`."""
    for path, start, end in _leaves(store, 0, len(store), ()):
        if path[-len(labels) :] == labels:
            return range(start, end)
    raise LookupError(labels)


def _leaves(
    store: bytes, start: int, end: int, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    while start < end:
        size, kind = struct.unpack_from(">I4s", store, start)
        body, stop = start + 8, start + size
        if kind == b"jumb":
            described, _ = struct.unpack_from(">I4s", store, body)
            label = store[body + 8 + 17 : body + described].split(b"\0")[0].decode()
            yield from _leaves(store, body + described, stop, (*path, label))
        else:
            yield path, body, stop
        start = stop
