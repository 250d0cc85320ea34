"""JPEG: frame header, scans and quantisation. Source: ITU-T T.81, annexes B and K."""

from __future__ import annotations

from collections.abc import Iterable

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged
from provenance.picture import Subsampling

_MAX_SCANS = 500
"""More scans than any encoder writes; each costs a pass over the picture (libjpeg-turbo's own
fuzzers stop at this number)."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}

# T.81 table K.1, sorted: enough to compare tables whatever their order.
_LUMA = sorted(
    bytes.fromhex(
        "100b0a101828333d 0c0c0e131a3a3c37"
        "0e0d101828394538 0e11161d3357503e"
        "12162538446d674d 182337405168715c"
        "31404e5767797865 485c5f6270646763"
    )
)


def probe(data: bytes) -> Header:
    """Read the size from the frame header; refuse a file built to take for ever."""
    if data.count(b"\xff\xda") > _MAX_SCANS:
        raise damaged("JPEG", f"more than {_MAX_SCANS} scans")
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _STANDALONE or marker == 0:
            at += 2
            continue
        if marker in (0xD9, 0xDA):
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            raise damaged("JPEG", f"segment at byte {at:,} has length {length}")
        if marker in _FRAMES and at + 10 <= len(data):
            return Header(
                width=int.from_bytes(data[at + 7 : at + 9], "big"),
                height=int.from_bytes(data[at + 5 : at + 7], "big"),
                depth=data[at + 4],
                gray=data[at + 9] == 1,
            )
        at += 2 + length
    raise damaged("JPEG", "there is no frame header")


def subsampling_of(layers: Iterable[tuple[int, int, int, int]]) -> Subsampling:
    """Name the chroma subsampling of components (id, horizontal, vertical, table).

    Anything rarer than 4:2:2 (4:1:1, 4:4:0) is called 4:2:0, the nearest that every reader takes.
    """
    factors = [(h, v) for _, h, v, _ in layers]
    if len(factors) != 3 or factors[1:] != [(1, 1), (1, 1)]:
        return "4:4:4" if len(set(factors)) <= 1 or len(factors) != 3 else "4:2:0"
    if factors[0] == (1, 1):
        return "4:4:4"
    return "4:2:2" if factors[0] == (2, 1) else "4:2:0"


def quality_of(luma: Iterable[int]) -> int:
    """The IJG quality, 1 to 100, whose luma table is nearest to `luma`.

    Source: jcparam.c of libjpeg, `jpeg_quality_scaling`, over T.81 table K.1.
    """
    table = sorted(luma)

    def distance(quality: int) -> int:
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality
        scaled = (min(max((value * scale + 50) // 100, 1), 255) for value in _LUMA)
        return sum(abs(a - b) for a, b in zip(scaled, table, strict=False))

    return min(range(1, 101), key=distance)
