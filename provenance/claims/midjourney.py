"""Midjourney: the prompt with its options and `Job ID:` in a description; `Author` is the user.

Source: files of Midjourney (PNG Description, and XMP with the same number as DigImageGUID).
"""

from __future__ import annotations

import re

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_JOB = re.compile(r"\bJob ID: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_OPTION = re.compile(r" --(v|version|niji|seed|stylize|ar|aspect)(?: ([^\s,]{1,40}))?")
_PLACES = {"png": ("Description",), "exif": ("ImageDescription",), "xmp": ("description",)}


def read(fields: Fields) -> tuple[Claim, ...]:
    """A description that ends with a job's number."""
    for source, names in _PLACES.items():
        for field in fields.of(source, *names):
            text = values.text(field.text)
            match = _JOB.search(text)
            if match:
                asked = text[: match.start()]
                return (
                    Claim(
                        "midjourney",
                        field.place,
                        Origin.GENERATED,
                        "Midjourney",
                        {"job": match[1]},
                        "Midjourney",
                        _generation(asked),
                    ),
                )
    return ()


def _generation(asked: str) -> Generation:
    options = dict(_OPTION.findall(asked))
    version = options.get("v") or options.get("version", "")
    niji = options.get("niji", "")
    return Generation(
        generator="Midjourney",
        version=version,
        model=values.joined("niji", niji) if "niji" in options else "",
        prompt=asked.strip(),
        seed=values.integer(options.get("seed")),
    )
