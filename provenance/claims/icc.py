"""The name of a colour profile.

Source: ICC.1:2010 sections 7.2, 7.3, 10.13 (multiLocalizedUnicodeType); ICC.1:2001-04 section
6.5.17 (textDescriptionType).
"""

from __future__ import annotations


def profile_name(profile: bytes) -> str:
    """What the profile's description says, or nothing. The first 64 kB are enough."""
    for number in range(min(int.from_bytes(profile[128:132], "big"), 100)):
        entry = profile[132 + 12 * number : 144 + 12 * number]
        if entry[:4] != b"desc":
            continue
        at = int.from_bytes(entry[4:8], "big")
        data = profile[at : at + int.from_bytes(entry[8:12], "big")]
        if data[:4] == b"mluc":
            size, place = int.from_bytes(data[20:24], "big"), int.from_bytes(data[24:28], "big")
            text = data[place : place + min(size, 200)].decode("utf-16-be", "replace")
        else:
            text = data[12 : 12 + min(int.from_bytes(data[8:12], "big"), 100)].decode("latin-1")
        return text.rstrip("\0")
    return ""
