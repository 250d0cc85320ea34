"""A file of every kind in every state that credentials can be in: signed, then spoilt, by code."""

from __future__ import annotations

import base64
import io
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PIL import Image

from provenance.sign.development import DevelopmentChain, create
from provenance.sign.development_tsa import DevelopmentAuthority
from provenance.sign.interface import Generator, Ingredient, Statement
from provenance.sign.local import LocalSigner
from provenance.sign.sign import Signed, sign_bytes
from provenance.sign.timestamp import Timestamp
from provenance.verify.media import media_type
from tests import signed
from tests.sign.media import MADE


def heic() -> bytes:
    """The boxes of an AVIF under the brand of a HEIC: readers of credentials decode no pixels."""
    return MADE["avif"]().replace(b"ftypavif", b"ftypheic", 1)


SOURCES: dict[str, Callable[[], bytes]] = {**MADE, "heic": heic}
"""By suffix: every kind of file that we promise to sign."""

LIFE = timedelta(seconds=12)
"""Of the certificate that expires: time enough to sign a file of every kind with it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One file in one state, and the label of its newest manifest."""

    suffix: str
    state: str
    data: bytes
    manifest_id: str = ""

    @property
    def name(self) -> str:
        return f"{self.state.replace(' ', '-')}.{self.suffix}"


class Workshop:
    """Makes the samples. Its certificates are those that a reader is told to trust, or not.

    The one that expires is used first, and `samples` ends after its end.

    Attributes:
        signers: PEM roots to trust for claims.
        authorities: PEM roots to trust for time-stamps.
    """

    def __init__(self) -> None:
        self._ours = create("Conformance")
        self._short = create(
            "Short-lived", start=datetime.now(UTC) - timedelta(days=1) + LIFE, days=1
        )
        self._known, self._unknown = (DevelopmentAuthority.create(n) for n in ("Known", "Unknown"))
        self.signers = self._ours.anchors.decode() + self._short.anchors.decode()
        self.authorities = self._known.anchors.decode()

    def samples(self) -> Iterator[Sample]:
        """Every kind in every state, the states of one kind in no order."""
        with self._known.serve() as known, self._unknown.serve() as unknown:
            for suffix, source in SOURCES.items():
                for state, url in (
                    ("expired", None),
                    ("expired and stamped", known),
                    ("expired and stamped by a stranger", unknown),
                ):
                    stamp = Timestamp(url) if url else None
                    yield _sample(suffix, state, _made(source(), self._short, stamp=stamp))
        stranger = create("Stranger")
        for suffix, source in SOURCES.items():
            original = source()
            yield Sample(suffix, "none", original)
            yield _sample(suffix, "untrusted", _made(original, stranger))
            made = _made(original, self._ours)
            yield _sample(suffix, "trusted", made)
            changed = _changed(suffix, made.data)
            yield _sample(suffix, "changed", made, changed)
            yield from _spoilt(suffix, made)
            yield from self._with_parents(suffix, original, made, changed)
        time.sleep(max(0.0, (self._short.expires - datetime.now(UTC)).total_seconds()) + 1.1)

    def _with_parents(
        self, suffix: str, original: bytes, good: Signed, bad: bytes
    ) -> Iterator[Sample]:
        child = _made(original, self._ours, parent=good.data)
        yield _sample(suffix, "good parent", child)
        yield _sample(suffix, "bad parent", _made(original, self._ours, parent=bad))
        box = signed.content(child.manifest, good.manifest_id, "c2pa.claim.v2")
        at = child.manifest.index(b"provenance-kit", box.start, box.stop)
        store = signed.flipped(child.manifest, at)
        yield _sample(suffix, "parent changed later", child, _with_store(suffix, child, store))


def _sample(suffix: str, state: str, made: Signed, spoilt: bytes | None = None) -> Sample:
    return Sample(suffix, state, made.data if spoilt is None else spoilt, made.manifest_id)


def _made(
    data: bytes,
    chain: DevelopmentChain,
    *,
    parent: bytes | None = None,
    stamp: Timestamp | None = None,
) -> Signed:
    kind = media_type(data)
    history = Ingredient(parent, media_type(parent)) if parent else None
    return sign_bytes(
        data,
        kind,
        Statement(Generator("conformance", "1.0"), parent=history),
        LocalSigner(chain.certificates, chain.key),
        (chain.anchors.decode(),),
        timestamp=stamp,
    )


def _spoilt(suffix: str, made: Signed) -> Iterator[Sample]:
    """With credentials that were damaged, in three places."""
    store = made.manifest
    for state, labels in (
        ("signature broken", ("c2pa.signature",)),
        ("assertion changed", ("c2pa.assertions", "c2pa.actions.v2")),
    ):
        box = signed.content(store, made.manifest_id, *labels)
        spoilt = signed.flipped(store, box[-1])
        yield _sample(suffix, state, made, _with_store(suffix, made, spoilt))
    half = len(store) // 2
    cut = store[:half] + bytes(len(store) - half)
    yield _sample(suffix, "store cut", made, _with_store(suffix, made, cut))


def _with_store(suffix: str, made: Signed, store: bytes) -> bytes:
    """The file with another manifest store of the same length."""
    if suffix == "png":  # whose checksum is to fit
        return signed.with_store(made.data, store)
    before, after = (_contained(suffix, each) for each in (made.manifest, store))
    assert made.data.count(before) == 1, suffix
    return made.data.replace(before, after)


def _contained(suffix: str, store: bytes) -> bytes:
    """The store as the format holds it."""
    if suffix == "svg":
        return base64.b64encode(store)
    if suffix == "gif":  # in sub-blocks of up to 255 bytes: GIF89a, section 15
        parts = [store[n : n + 255] for n in range(0, len(store), 255)]
        return b"".join(bytes([len(part)]) + part for part in parts)
    return store


def _changed(suffix: str, data: bytes) -> bytes:
    """With other media in a file that is whole: the first change that shows, if it is a picture."""
    before = pixels(suffix, data)
    tries = _CHANGES.get(suffix, _bits)(suffix, data)
    return next(d for d in tries if before is None or pixels(suffix, d) not in (None, before))


def pixels(suffix: str, data: bytes) -> bytes | None:
    """What is to be seen, if Pillow can see it."""
    if suffix == "heic":
        data = data.replace(b"ftypheic", b"ftypavif", 1)
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.convert("RGB").tobytes()
    except (OSError, RuntimeError, SyntaxError, ValueError):
        return None


def _bits(suffix: str, data: bytes) -> Iterator[bytes]:
    """With one bit changed."""
    for at in range(_MEDIA[suffix](data), len(data)):
        yield signed.flipped(data, at)


def _other_chunk(suffix: str, data: bytes) -> Iterator[bytes]:
    """A PNG with the pixels of another, since its two checksums tell of each bit."""
    other = dict(signed.chunks(signed.encoded(seed=5).data))[b"IDAT"]
    yield signed.joined([(k, other if k == b"IDAT" else body) for k, body in signed.chunks(data)])


def _other_strip(suffix: str, data: bytes) -> Iterator[bytes]:
    """A TIFF whose first strip is compressed again, with one bit changed, into the same room."""
    with Image.open(io.BytesIO(data)) as picture:
        tags = dict(picture.tag_v2)  # type: ignore[attr-defined]
    start, size = tags[273][0], tags[279][0]  # StripOffsets, StripByteCounts
    plain = zlib.decompress(data[start : start + size])
    for at in range(len(plain)):
        strip = zlib.compress(signed.flipped(plain, at), 9)
        if len(strip) <= size:
            yield data[:start] + strip.ljust(size, b"\0") + data[start + size :]


_CHANGES = {"png": _other_chunk, "tiff": _other_strip}


def _after(marker: bytes, distance: int) -> Callable[[bytes], int]:
    return lambda data: data.rindex(marker) + len(marker) + distance


_MEDIA: dict[str, Callable[[bytes], int]] = {
    "jpg": _after(b"\xff\xda", 40),
    "webp": _after(b"VP8 ", 100),
    "gif": lambda data: 13,  # the first colour
    "dng": lambda data: data.rindex(bytes([0, 128, 128]) * 100),  # teal
    "avif": _after(b"mdat", 40),
    "heic": _after(b"mdat", 40),
    "mp4": _after(b"mdat", 10),
    "mov": _after(b"mdat", 10),
    "svg": _after(b'height="', 0),
    "wav": lambda data: data.index(b"data") + 100,
    "mp3": lambda data: len(data) - 100,
    "pdf": _after(b"\xff\xda", 20),
}
"""From where on one bit of the media may be changed."""
