"""What a check is given (`Subject`) and what a check and a policy are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provenance.codec.decode import decode
from provenance.codec.limits import Limits
from provenance.codec.sniff import sniff
from provenance.errors import InputError, UnsupportedPicture
from provenance.evidence import Evidence, Verdict
from provenance.picture import Picture


class Subject:
    """One file under examination. Its pixels are decoded once, when a check first asks.

    Args:
        data: the bytes of the file.
        media_type: by content.
        limits: on bytes and pixels.
    """

    def __init__(self, data: bytes, media_type: str, limits: Limits) -> None:
        self.data = data
        self.media_type = media_type
        self._limits = limits
        self._picture: Picture | UnsupportedPicture | None = None

    @property
    def picture(self) -> Picture | UnsupportedPicture:
        """The pixels (first frame of an animation), or why this format has none for us.

        Raises:
            UnreadablePicture: the bytes are damaged.
            TooLarge: over the limits.
        """
        # Not `cached_property`: before Python 3.12 that lets one thread at a time decode, and a
        # child that is forked meanwhile waits for ever.
        if self._picture is None:
            self._picture = self._decoded()
        return self._picture

    def _decoded(self) -> Picture | UnsupportedPicture:
        if not self.media_type.startswith("image/"):
            return UnsupportedPicture(f"the file is {self.media_type}, which is not a picture")
        try:
            sniff(self.data)
        except InputError:
            return UnsupportedPicture(f"the file is {self.media_type}, whose pixels we cannot read")
        try:
            return decode(self.data, self._limits, first_frame=True)
        except UnsupportedPicture as refusal:
            return refusal


class Check(Protocol):
    """Looks for one kind of evidence. Never concludes."""

    name: str

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """What was found, or looked for in vain; at least one piece of evidence."""


class VerdictPolicy(Protocol):
    """Turns evidence into a verdict."""

    def judge(self, evidence: Sequence[Evidence]) -> Verdict:
        """The conclusion, with its reasons."""
