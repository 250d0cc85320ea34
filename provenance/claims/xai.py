"""xAI's Grok: EXIF with a signature in ImageDescription and a UUID as Artist, and nothing else.

The signature cannot be checked: xAI publishes no key.

Source: files of Grok; the two fields together as in wiltodelta/remove-ai-watermarks.
"""

from __future__ import annotations

import re

from provenance.claims.fields import Fields
from provenance.claims.interface import Claim
from provenance.evidence import Origin

_SIGNATURE = re.compile(r"Signature: [A-Za-z0-9+/]{64,}={0,2}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read(fields: Fields) -> tuple[Claim, ...]:
    """The pair; one of the two alone is nothing."""
    texts = fields.tags.texts
    artist = texts.get("Artist", "")
    if not _UUID.fullmatch(artist) or not _SIGNATURE.fullmatch(texts.get("ImageDescription", "")):
        return ()
    details = {"image_id": artist, "signature": "present, not checked"}
    place = "EXIF ImageDescription"
    return (Claim("xai", place, Origin.GENERATED, "Grok", details, "xAI"),)
