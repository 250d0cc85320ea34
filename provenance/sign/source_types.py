"""The IPTC codes that say how a picture came to be: the vocabulary of `digitalSourceType`.

Source: IPTC NewsCodes, Digital Source Type, release of September 2024,
https://cv.iptc.org/newscodes/digitalsourcetype/ (CC BY 4.0). The C2PA specification 2.2, section
18.15.2, adds two of its own for things that are no pictures; they are not offered here.
c2pa-rs signs any text as a source type, and stricter readers then refuse the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""The scheme is http by definition; the same with https is another, unknown code."""


class SourceType(StrEnum):
    """Every code in use. The first three are what generation services need.

    Members named for their use keep those names: `GENERATED`, `EDITED`, `ALGORITHMIC`.
    """

    GENERATED = "trainedAlgorithmicMedia"
    EDITED = "compositeWithTrainedAlgorithmicMedia"
    ALGORITHMIC = "algorithmicMedia"
    DATA_DRIVEN = "dataDrivenMedia"
    ENHANCED = "algorithmicallyEnhanced"
    CAPTURE = "digitalCapture"
    COMPUTATIONAL_CAPTURE = "computationalCapture"
    SCREEN_CAPTURE = "screenCapture"
    VIRTUAL_RECORDING = "virtualRecording"
    NEGATIVE_FILM = "negativeFilm"
    POSITIVE_FILM = "positiveFilm"
    PRINT = "print"
    HUMAN_EDITS = "humanEdits"
    DIGITAL_CREATION = "digitalCreation"
    COMPOSITE = "composite"
    COMPOSITE_CAPTURE = "compositeCapture"
    COMPOSITE_SYNTHETIC = "compositeSynthetic"

    @property
    def uri(self) -> str:
        """The full URI, as manifests and XMP want it."""
        return SCHEME + self.value


RETIRED: Mapping[str, str] = {
    "minorHumanEdits": "humanEdits",
    "digitalArt": "digitalCreation",
    "softwareImage": "digitalCreation",
}
"""Codes that IPTC has retired, and what it uses instead. Still read, no longer signed."""


_CODES = frozenset(code.value for code in SourceType)


def problem(uri: str) -> str | None:
    """Why this URI is no source type to sign, or None if it is one."""
    code = uri.removeprefix(SCHEME)
    if uri.startswith(SCHEME) and code in _CODES:
        return None
    short = code.rstrip("/").rsplit("/", 1)[-1]
    if short in RETIRED:
        return f"IPTC has retired {short}; use {SCHEME}{RETIRED[short]}"
    if short in _CODES:
        return f"it is not written as IPTC writes it; use {SCHEME}{short}"
    return f"it is not among the IPTC codes; expected {SCHEME} and one of {', '.join(SourceType)}"
