"""Samsung's Galaxy AI: `genAIType` in a record that its gallery appends behind the picture.

Samsung documents neither the record nor the numbers. Files whose credentials say *edited with AI*
carry a number other than 0.

Source: files of Galaxy telephones (`PEg_Info`), and `PhotoEditor_Re_Edit_Data` as surveyed by
wiltodelta/remove-ai-watermarks.
"""

from __future__ import annotations

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim
from provenance.evidence import Origin

_RECORDS = ("PEg_Info", "PhotoEditor_Re_Edit_Data")


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for each record with a number other than zero."""
    claims = []
    for name in _RECORDS:
        data = fields.headers.trailer.get(name, b"")
        said = fields.object(data.decode("utf-8", "replace"))
        kind = values.integer(said.get("genAIType"))
        if kind:
            claims.append(
                Claim(
                    "samsung",
                    f"Samsung record {name}",
                    Origin.EDITED,
                    "Galaxy AI",
                    {"genAIType": kind},
                    "Samsung",
                )
            )
    return tuple(claims)
