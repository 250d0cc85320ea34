"""Statements against mining and training in headers; credentials are read in `verify.store`.

Sources: IPTC Photo Metadata 2023.1, property Data Mining, with the PLUS vocabulary of its values
(`DMI-PROHIBITED-…`); TDM Reservation Protocol, W3C community report of 2024 (`tdm:reservation`);
`noai` and `noimageai` as DeviantArt introduced them.
"""

from __future__ import annotations

import re

from provenance.claims.headers import Headers
from provenance.claims.xmp import properties

_PLUS = "DMI-PROHIBITED"
_WORDS = re.compile(r"(?i)(?<![a-z])no(?:image)?ai(?![a-z])")
_KEYWORDS = frozenset({"subject", "keywords", "usageterms", "rights", "webstatement"})
_CHUNKS = frozenset({"copyright", "disclaimer", "robots", "rights", "usage", "warning"})


def in_headers(headers: Headers) -> tuple[str, ...]:
    """What metadata says against it, each once, sorted."""
    found: set[str] = set()
    for packet in headers.xmp:
        for _namespace, name, text in properties(packet):
            if name == "DataMining" and _PLUS in text:
                found.add("plus:" + text.rsplit("/", 1)[-1][:80])
            elif name == "reservation" and text.strip() == "1":
                found.add("tdm:reservation")
            elif name.lower() in _KEYWORDS and (match := _WORDS.search(text)):
                found.add(match[0].lower())
    for keyword, text in headers.texts:
        if keyword.lower() in _CHUNKS and (match := _WORDS.search(text[:2000])):
            found.add(match[0].lower())
    return tuple(sorted(found))
