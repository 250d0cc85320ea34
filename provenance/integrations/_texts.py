"""Pictures that are written as text: base64, and `data:` addresses, alone or inside other text.

Told by what the first bytes decode to, never by the name of a field. A text that begins as a
picture does counts as one even if the rest is damaged, so that the pipeline refuses it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import unquote_to_bytes

from provenance.codec.sniff import sniff
from provenance.errors import UnreadablePicture, UnsupportedPicture
from provenance.integrations import _base64
from provenance.picture import Asset
from provenance.verify.media import media_type

_HEAD = 1_368
"""Characters that decide: the sniffers look at 1,024 bytes at most."""

_SHORTEST = 16
"""Characters that hold the longest signature, of 12 bytes."""

_BEGINNINGS = ("iVBORw0KGgo", "/9j/", "_9j_", "R0lGODlh", "R0lGODdh", "UklGR")
_AMONG_WORDS = 128
"""Letters of base64 among words that are no accident, when they begin as a picture does."""

_LONGEST_PATH = 4_096
"""Letters of a path (PATH_MAX of Linux). One that begins with `/wo` decodes to the two bytes by
which a bare JPEG XL stream is told, so such a text has to be longer than any path."""

_LETTERS = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_AROUND = re.compile(r"[^A-Za-z0-9+/=_-]{0,64}")
"""White space, a byte order mark, quotes: what may stand before base64."""

_ADDRESS = re.compile(r"data:([^,;\"'<>()]{0,127}+)((?:;[^,;\"'<>()]{0,127}+){0,8}+),", re.I)
_AT_BEGINNING = re.compile(r"data:([^,;]{0,1024}+)((?:;[^,]{0,1024}+)?+),", re.I)
"""Of a text that is nothing else: browsers take whatever stands before the first comma."""

_INSIDE = re.compile(r"[A-Za-z0-9+/=_%-]*")
_ALONE = re.compile(r"[A-Za-z0-9+/=_%\s-]*")
_UNENCODED = re.compile(r"[^\s\"'()]*")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture in a text: where it stands, and what it decodes to."""

    start: int
    end: int
    data: bytes
    address: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A text with pictures in it."""

    text: str
    places: Sequence[_Place]

    @property
    def pictures(self) -> list[bytes]:
        """Their bytes, in order."""
        return [place.data for place in self.places]

    @property
    def bare(self) -> bool:
        """The whole text is base64, so that what it is has to be said somewhere else."""
        return not self.places[0].address

    def replaced(self, assets: Sequence[Asset | None]) -> str:
        """The text with assets in their places, each as it was written; None leaves a place."""
        pieces, done = [], 0
        for place, asset in zip(self.places, assets, strict=True):
            if asset is None:
                continue
            pieces += [self.text[done : place.start], self._written(place, asset)]
            done = place.end
        return "".join([*pieces, self.text[done:]])

    def _written(self, place: _Place, asset: Asset) -> str:
        if place.address:
            return f"data:{asset.media_type};base64,{_base64.encoded(asset.data)}"
        if "-" in self.text or "_" in self.text:
            encoded = base64.urlsafe_b64encode(asset.data).decode("ascii")
            return encoded if self.text.rstrip().endswith("=") else encoded.rstrip("=")
        return _base64.encoded(asset.data)


def read(text: str) -> Written | None:
    """The pictures in a text, or None if there are none."""
    if len(text) < _SHORTEST:
        return None
    start = _start(text)
    if _is_base64(text, start):
        return Written(text, (_Place(start, len(text), _decoded(text[start:]), address=False),))
    places = _addresses(text) if ":" in text else []
    return Written(text, places) if places else None


def hides(text: str) -> bool:
    """Whether base64 of a picture stands among words, without an address that `read` finds."""
    if len(text) < _AMONG_WORDS or _is_base64(text, _start(text)):
        return False
    if not any(each in text for each in _BEGINNINGS):
        return False
    for beginning in _BEGINNINGS:
        at = text.find(beginning)
        while at >= 0:
            run = _LETTERS.match(text, at)
            end = run.end() if run else at + 1
            alone = not at or _LETTERS.match(text[at - 1]) is None
            if alone and end - at >= _AMONG_WORDS and _is_base64(text, at) and not _named(text, at):
                return True
            at = text.find(beginning, end)
    return False


def _named(text: str, at: int) -> bool:
    """Whether an address ends just before its data."""
    first = _AT_BEGINNING.match(text, _blank(text))
    if first is not None and first.end() == at:
        return True
    before = text[max(0, at - _HEAD) : at]
    begin = before.lower().rfind("data:")
    match = _ADDRESS.match(before, begin) if begin >= 0 else None
    return match is not None and match.end() == len(before)


def is_picture(head: bytes) -> bool:
    """Whether a file with these first bytes is a picture, of a format that we read or refuse."""
    try:
        sniff(head)
    except UnsupportedPicture:
        return kind(head) in ("", "image")
    except UnreadablePicture:
        return kind(head) == "image"
    return True


def kind(head: bytes) -> str:
    """`image`, `video`, `audio`, `application`; empty for a format without a media type of ours."""
    try:
        return media_type(head).partition("/")[0]
    except UnreadablePicture:
        return ""


def _start(text: str) -> int:
    """Where base64 begins, if the text is that."""
    around = _AROUND.match(text)
    return around.end() if around else 0


def _is_base64(text: str, begin: int) -> bool:
    """Whether the text begins as the base64 of a picture does."""
    head = text[begin : begin + _HEAD]
    letters = _LETTERS.match("".join(head.split()))
    if letters is None or letters.end() < _SHORTEST:
        return False
    start = _decoded(letters.group())
    if start.startswith(b"\xff\x0a") and len(text) <= _LONGEST_PATH:
        return False
    return is_picture(start)


def _addresses(text: str) -> list[_Place]:
    """The `data:` addresses of pictures."""
    found: list[_Place] = []
    first = _AT_BEGINNING.match(text, _blank(text))
    for match in chain([first] if first else [], _ADDRESS.finditer(text)):
        if found and match.start() < found[-1].end:
            continue
        # With spaces where browsers allow them (Fetch, section 6, `data:` URLs).
        kind, coded = match[1].strip().lower(), _last(match[2]) == "base64"
        alone = not found and match.start() < _HEAD and not text[: match.start()].strip()
        whole = coded and alone and _ALONE.fullmatch(text, match.end())
        end = len(text) if whole else _end(text, match.end(), coded=coded)
        written = text[match.end() : end]
        if kind.startswith("image/"):
            # Drawings inside a text are markup that a language model wrote, not pictures it made.
            if kind.startswith("image/svg") and not alone:
                continue
        elif not coded or not is_picture(_decoded(written[:_HEAD])):
            continue
        data = _decoded(written) if coded else unquote_to_bytes(written)
        found.append(_Place(match.start(), end, data, address=True))
    return found


def _blank(text: str) -> int:
    """White space at the beginning."""
    head = text[:_HEAD]
    return len(head) - len(head.lstrip())


def _last(parameters: str) -> str:
    return parameters.rpartition(";")[2].strip().lower()


def _end(text: str, start: int, *, coded: bool) -> int:
    match = (_INSIDE if coded else _UNENCODED).match(text, start)
    return match.end() if match else start


def _decoded(text: str) -> bytes:
    """Base64 of either alphabet, padded or not; what is no letter of it is passed over."""
    plain = _base64.decoded(text)
    if plain is not None:
        return plain
    letters = text.encode("ascii", "ignore")
    if b"%" in letters:
        letters = unquote_to_bytes(letters)
    if b"-" in letters or b"_" in letters:
        letters = letters.translate(_TO_STANDARD)
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(letters + padding)
        except binascii.Error:
            continue
    try:
        return binascii.a2b_base64(letters.rstrip(b"=\r\n\t ")[:-1] + b"==")
    except binascii.Error:
        return b""
