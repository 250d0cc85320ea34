"""What each reader is to say of each state, in every kind of file, and where it cannot.

Ours is the class of the credentials (`provenance.verify.credentials`); a reader's is its answer as
`readers.word` puts it. The kinds of file are those of `states.SOURCES`: a line holds for all.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One state."""

    ours: tuple[str, ...]
    outcome: str
    encypher_c2pa: str
    c2pa_web: str
    c2pa_ts: str


EXPECTED = {
    "none": Line(("none",), "unknown", "none", "none", "none"),
    "trusted": Line(("trusted",), "verified", "trusted", "trusted", "valid"),
    "from the pipeline": Line(("trusted",), "verified", "trusted", "trusted", "valid"),
    "untrusted": Line(("untrusted-signer",), "unknown", "unlisted", "unlisted", "valid"),
    "changed": Line(("altered",), "failed", "changed", "changed", "changed"),
    "signature broken": Line(("damaged",), "failed", "damaged", "damaged", "damaged"),
    "assertion changed": Line(("damaged",), "failed", "damaged", "damaged", "damaged"),
    "store cut": Line(("unreadable",), "failed", "damaged", "refused", "refused"),
    "expired": Line(("expired",), "unknown", "expired", "expired", "expired"),
    "expired and stamped": Line(("trusted",), "verified", "trusted", "trusted", "refused"),
    "expired and stamped by a stranger": Line(
        ("expired",), "unknown", "expired", "expired", "refused"
    ),
    "good parent": Line(("trusted",), "verified", "trusted", "trusted", "valid"),
    "bad parent": Line(
        ("trusted", "parent-not-verified"),
        "verified",
        "trusted, bad parent",
        "trusted, bad parent",
        "valid",
    ),
    "parent changed later": Line(
        ("parent-altered",), "failed", "history changed", "history changed", "valid"
    ),
}

WHY = {
    ("c2pa-ts", "trusted"): "it holds no list of signers and judges no trust: valid is its best",
    ("c2pa-ts", "from the pipeline"): "it judges no trust",
    ("c2pa-ts", "good parent"): "it judges no trust",
    ("c2pa-ts", "untrusted"): "it judges no trust",
    ("c2pa-ts", "bad parent"): "it judges the newest manifest alone, and no parent",
    ("c2pa-ts", "parent changed later"): "it judges the newest manifest alone, and no parent",
    ("c2pa-ts", "expired and stamped"): "0.9.4 takes what is in sigTst2 for a whole TimeStampResp; "
    "C2PA 2.1, section 10.3.2.5.4, wants the token alone. Repaired by their pull request 546",
    ("c2pa-ts", "expired and stamped by a stranger"): "the same",
    ("encypher-c2pa", "store cut"): "it reads on where half of the store is zeros, and finds no "
    "signature that holds; the others stop at what cannot be parsed",
}
"""Each answer that is not what we say ourselves."""

UNSUPPORTED = {
    "c2pa-ts": {
        **dict.fromkeys(
            ("webp", "gif", "tiff", "dng", "svg", "wav", "pdf"),
            ("unsupported", "it reads JPEG, PNG, MP3 and pictures in ISO media files"),
        ),
        **dict.fromkeys(("mp4", "mov"), ("unsupported", "of ISO media files it reads pictures")),
        "mp3": (
            "none",
            "it looks for application/x-c2pa-manifest-store, and not for application/c2pa",
        ),
    }
}
"""Kinds of file that a reader cannot read, what it answers to all of them, and why."""


def answer(reader: str, state: str, suffix: str) -> str:
    """What the reader is to say."""
    unread = UNSUPPORTED.get(reader, {}).get(suffix)
    if unread is not None:
        return unread[0]
    return str(getattr(EXPECTED[state], reader.replace("-", "_")))
