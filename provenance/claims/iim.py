"""The records of IPTC-IIM, older than XMP and still written beside it.

Source: IPTC-NAA Information Interchange Model 4.2, sections 1.5, 1.6, 2.2.
"""

from __future__ import annotations

from provenance.claims.collector import decoded

_NAMES = {
    5: "object name",
    25: "keyword",
    40: "special instructions",
    65: "originating program",
    70: "program version",
    105: "headline",
    110: "credit",
    115: "source",
    120: "caption",
}
_MOST = 1000


def records(data: bytes) -> tuple[tuple[str, str], ...]:
    """Name and text of the records that claims are made of. Never raises."""
    found = []
    at = 0
    for _ in range(_MOST):
        if data[at : at + 1] != b"\x1c" or at + 5 > len(data):
            break
        record, kind = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:  # the length of the length
            wide = size & 0x7FFF
            size = int.from_bytes(data[at : at + wide], "big")
            at += wide
        if record == 2 and kind in _NAMES:
            found.append((_NAMES[kind], decoded(data[at : at + size])))
        at += size
    return tuple(found)
